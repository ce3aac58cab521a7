/// The identifier of a protected resource ([RFC 8707 §2]): an absolute URI without fragment, compared byte by byte.
///
/// [RFC 8707 §2]: https://www.rfc-editor.org/rfc/rfc8707#section-2
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resource(String);

/// The text is no absolute URI, or has a fragment, or is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an absolute URI without fragment, of at most {MAX_LENGTH} characters")]
pub struct InvalidResource;

const MAX_LENGTH: usize = 1024;

impl Resource {
    /// Reads an identifier.
    ///
    /// # Errors
    /// [`InvalidResource`]
    pub fn parse(text: &str) -> Result<Self, InvalidResource> {
        let (scheme, rest) = text.split_once(':').ok_or(InvalidResource)?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        let is_rest = !rest.is_empty() && rest.bytes().all(in_uri);
        if text.len() <= MAX_LENGTH && is_scheme && is_rest {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidResource)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a URI may have in it beside a fragment (RFC 3986, appendix A).
pub(crate) fn in_uri(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_an_absolute_uri_without_fragment() {
        for good in [
            "https://api.example/",
            "https://mcp.example:8443/mcp?x=1",
            "urn:example:notes",
        ] {
            assert_eq!(Resource::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "notes",
            "/notes",
            "https:",
            "https://a/#b",
            "https://a b",
            "1a:b",
            "https://ä",
            "a:b\n",
            &format!("https://{}", "a".repeat(1024)),
        ] {
            assert_eq!(Resource::parse(bad), Err(InvalidResource), "{bad}");
        }
    }
}
