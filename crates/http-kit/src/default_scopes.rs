use jeton_domain::{PRIVILEGED_SCOPES, ScopeSet};

/// Reads what new users may do where nothing else is said: scopes with spaces between them, and none of those that are
/// privileged, or everybody who signs up could do anything to everybody.
///
/// # Errors
/// What is wrong with the text.
pub fn default_scopes(text: &str) -> Result<ScopeSet, String> {
    let scopes: ScopeSet = text.parse().map_err(|error| format!("{error}"))?;
    match PRIVILEGED_SCOPES.iter().find(|scope| scopes.contains(scope)) {
        Some(scope) => Err(format!(
            "`{scope}` is not for everybody; `jeton user create` gives it to one, by --admin or --scope"
        )),
        None => Ok(scopes),
    }
}

#[cfg(test)]
mod tests {
    use super::default_scopes;

    #[test]
    fn what_reaches_others_is_for_nobody_by_default() {
        assert_eq!(default_scopes("b a").unwrap().to_string(), "a b");
        for other in ["admin:read", "tokens:read"] {
            assert_eq!(default_scopes(other).unwrap().to_string(), other);
        }
        for bad in [
            "admin",
            "notes:read admin",
            "tokens:introspect",
            "a tokens:revoke b",
            "a\"b",
        ] {
            assert!(default_scopes(bad).is_err(), "{bad}");
        }
    }
}
