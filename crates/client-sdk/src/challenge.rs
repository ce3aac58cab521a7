use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// Whether a 401 says that the token is not, or no longer, valid ([RFC 6750 §3.1]), rather than that there was none.
///
/// [RFC 6750 §3.1]: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
pub(crate) fn says_invalid_token(headers: &HeaderMap) -> bool {
    headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(names_invalid_token)
}

/// Walks the challenges of one header: `scheme param, param, scheme param …` ([RFC 9110 §11.6.1]).
///
/// [RFC 9110 §11.6.1]: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
fn names_invalid_token(value: &str) -> bool {
    let mut bearer = false;
    // Empty ones are no elements of the list (RFC 9110 §5.6.1).
    let parts = outside_quotes(value).filter(|part| !part.trim().is_empty());
    for part in parts {
        let (before, content) = part.split_once('=').unwrap_or((part, ""));
        // What stands before the parameter's name is the next challenge's scheme.
        let name = match before.trim().split_once(char::is_whitespace) {
            Some((scheme, name)) => {
                bearer = scheme.eq_ignore_ascii_case("Bearer");
                name.trim()
            }
            None if content.is_empty() => {
                bearer = before.trim().eq_ignore_ascii_case("Bearer");
                continue;
            }
            None => before.trim(),
        };
        if bearer && name.eq_ignore_ascii_case("error") && content.trim().trim_matches('"') == "invalid_token"
        {
            return true;
        }
    }
    false
}

/// The parts between the commas that do not stand inside a quoted text.
fn outside_quotes(value: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == ',' && !quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_token_in_whatever_form() {
        for yes in [
            r#"Bearer realm="jeton", error="invalid_token""#,
            r#"bearer error=invalid_token"#,
            r#"BEARER   error = "invalid_token" , realm="x""#,
            r#"Basic realm="a, b", Bearer error="invalid_token""#,
            r#"Bearer realm="say \"hi\", you", error="invalid_token""#,
            r#"Negotiate, Bearer error="invalid_token""#,
            r#", Bearer realm="jeton", , error="invalid_token","#,
            r#"Bearer ,error="invalid_token""#,
        ] {
            assert!(names_invalid_token(yes), "{yes}");
        }
    }

    #[test]
    fn anything_else() {
        for no in [
            "",
            "Bearer",
            ",,=,",
            r#"Bearer realm="jeton""#,
            r#"Bearer error="insufficient_scope""#,
            r#"Bearer realm="x, error=invalid_token""#,
            r#"Bearer realm="x", Other error="invalid_token""#,
            r#"Bearer error_description="invalid_token""#,
            r#"Bearer realm="unclosed, error="#,
        ] {
            assert!(!names_invalid_token(no), "{no}");
        }
    }
}
