/// Why an `Authorization` header holds no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    /// What is there is of another scheme, or of none. To be answered as if nothing were there, with a challenge that has
    /// no error code ([RFC 6750 §3.1]).
    ///
    /// [RFC 6750 §3.1]: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
    #[error("the Authorization header is not of the scheme Bearer")]
    OtherScheme,
    /// The scheme is right, and what follows is no token: nothing, or two, or bytes that are not ASCII.
    #[error("the Authorization header holds no bearer token")]
    Malformed,
}

/// The token in the value of an `Authorization` header: `Bearer <token>` ([RFC 6750 §2.1]), or `Token <token>` as
/// Django REST framework's clients send it. The scheme's case does not matter ([RFC 9110 §11.1]).
///
/// ```
/// use jeton_verifier::{AuthorizationError, bearer_token};
///
/// assert_eq!(bearer_token(b"bearer jtn_abc"), Ok("jtn_abc"));
/// assert_eq!(bearer_token(b"Basic YWRhOnB3"), Err(AuthorizationError::OtherScheme));
/// ```
///
/// # Errors
/// [`AuthorizationError`] for anything else.
///
/// [RFC 6750 §2.1]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
/// [RFC 9110 §11.1]: https://www.rfc-editor.org/rfc/rfc9110#section-11.1
pub fn bearer_token(header: &[u8]) -> Result<&str, AuthorizationError> {
    let token = credentials(header)?;
    // Without a branch for each byte, the compiler looks at many at once.
    let printable = token.iter().fold(true, |all, byte| all & byte.is_ascii_graphic());
    if printable {
        std::str::from_utf8(token).map_err(|_| AuthorizationError::Malformed)
    } else {
        Err(AuthorizationError::Malformed)
    }
}

/// What stands after the scheme, of whatever bytes, for who compares all of them.
pub(crate) fn credentials(header: &[u8]) -> Result<&[u8], AuthorizationError> {
    let end = header
        .iter()
        .position(|&byte| byte == b' ')
        .unwrap_or(header.len());
    let (scheme, token) = header.split_at(end);
    if !(scheme.eq_ignore_ascii_case(b"Bearer") || scheme.eq_ignore_ascii_case(b"Token")) {
        return Err(AuthorizationError::OtherScheme);
    }
    // RFC 9110 allows more than one space after the scheme.
    let token = without_spaces_around(token);
    if token.is_empty() {
        Err(AuthorizationError::Malformed)
    } else {
        Ok(token)
    }
}

fn without_spaces_around(mut bytes: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] | [rest @ .., b' '] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_schemes_in_any_case() {
        for good in [
            "Bearer jtn_x",
            "bearer jtn_x",
            "BEARER  jtn_x",
            "Token jtn_x",
            "token jtn_x ",
        ] {
            assert_eq!(bearer_token(good.as_bytes()), Ok("jtn_x"), "{good:?}");
        }
    }

    #[test]
    fn nothing_else() {
        for bad in [
            "Bearer",
            "bearer ",
            "Token",
            "Bearer a b",
            "Bearer ä",
            "Bearer a\0",
            "Bearer \t",
        ] {
            assert_eq!(
                bearer_token(bad.as_bytes()),
                Err(AuthorizationError::Malformed),
                "{bad:?}"
            );
        }
        assert_eq!(
            bearer_token(b"Bearer \xff\xfe"),
            Err(AuthorizationError::Malformed)
        );
    }

    #[test]
    fn a_header_of_another_scheme_is_no_token() {
        for other in [
            "",
            " ",
            "jtn_x",
            "Basic jtn_x",
            "Basic",
            "Bearers jtn_x",
            " Bearer jtn_x",
            "Bearer\tjtn_x",
            "ä jtn_x",
        ] {
            assert_eq!(
                bearer_token(other.as_bytes()),
                Err(AuthorizationError::OtherScheme),
                "{other:?}"
            );
        }
        assert_eq!(bearer_token(&[b'x'; 8192]), Err(AuthorizationError::OtherScheme));
        assert_eq!(
            bearer_token(b"\xff\xfe jtn_x"),
            Err(AuthorizationError::OtherScheme)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_printable_token_or_none(header in any::<Vec<u8>>()) {
            let with_scheme = [b"Bearer ".as_slice(), &header].concat();
            for bytes in [header, with_scheme] {
                if let Ok(token) = bearer_token(&bytes) {
                    prop_assert!(!token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()));
                }
            }
        }
    }
}
