use crate::printable::is_unprintable;
use crate::text::text_type;

text_type! {
    /// An e-mail address as its user gave it. Only its shape is known, not that it can be reached.
    Email,

    /// The text cannot be an e-mail address.
    #[error("must be an e-mail address of at most 254 characters")]
    InvalidEmail,

    /// Reads an address: something, `@`, something, with neither spaces nor control characters, 254 bytes at most
    /// (the longest path that [RFC 5321 §4.5.3.1.3] lets through). Whether it exists, only a letter to it can tell.
    ///
    /// [RFC 5321 §4.5.3.1.3]: https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.3
    address
}

fn address(text: &str) -> Option<&str> {
    let (local, host) = text.rsplit_once('@')?;
    let shaped = !local.is_empty() && !host.is_empty() && text.len() <= 254;
    let clean = !text.chars().any(|c| is_unprintable(c) || c.is_whitespace());
    (shaped && clean).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_has_its_shape() {
        for good in [
            "ada@example.org",
            "a@b",
            "\"odd@local\"@example.org",
            "用户@例子.广告",
        ] {
            assert_eq!(Email::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "a da@example.org",
            "ada@example.org\n",
            "ada@\u{202e}gro.elpmaxe",
            &format!("{}@b", "a".repeat(253)),
        ] {
            assert_eq!(Email::parse(bad), Err(InvalidEmail), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn an_address_that_parses_is_kept_to_the_letter(text in "\\PC{0,20}@?\\PC{0,20}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(email.as_str(), &text);
                prop_assert!(text.contains('@') && !text.contains(char::is_whitespace));
            }
        }
    }
}
