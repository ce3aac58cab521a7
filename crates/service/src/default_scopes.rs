use jeton_domain::{ADMIN, ScopeSet};

/// Reads what new users may do where nothing else is said: scopes with spaces between them, and not `admin`, or everybody
/// who signs up could do anything to everybody.
///
/// # Errors
/// What is wrong with the text.
pub fn default_scopes(text: &str) -> Result<ScopeSet, String> {
    let scopes: ScopeSet = text.parse().map_err(|error| format!("{error}"))?;
    if scopes.contains(ADMIN) {
        return Err("`admin` is not for everybody; `jeton user create --admin` gives it to one".to_owned());
    }
    Ok(scopes)
}

#[cfg(test)]
mod tests {
    use super::default_scopes;

    #[test]
    fn admin_is_for_nobody_by_default() {
        assert_eq!(default_scopes("b a").unwrap().to_string(), "a b");
        assert_eq!(default_scopes("admin:read").unwrap().to_string(), "admin:read");
        for bad in ["admin", "notes:read admin", "a\"b"] {
            assert!(default_scopes(bad).is_err(), "{bad}");
        }
    }
}
