use super::Resource;
use crate::Scope;
use crate::printable::is_unprintable;

/// A scope that users may give to clients, in the words in which they are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegableScope {
    /// The scope.
    pub name: Scope,
    /// What it lets a program do, in a few words.
    pub title: String,
    /// The same in a sentence or two; may be empty.
    pub description: String,
    /// The resource that it belongs to; `None`: to any.
    pub resource: Option<Resource>,
}

/// Why a scope cannot be one that users give to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDelegableScope {
    /// It reaches what is other people's.
    #[error("`admin` and what begins with `tokens:` are never delegated")]
    Privileged,
    /// The title is too long, or empty, or cannot be shown.
    #[error("a title is 1 to 100 characters, none of which controls how others are shown")]
    Title,
    /// The description is too long, or cannot be shown.
    #[error("a description is at most 1000 characters, none of which controls how others are shown")]
    Description,
}

impl DelegableScope {
    /// Puts one together.
    ///
    /// # Errors
    /// [`InvalidDelegableScope`]
    pub fn new(
        name: Scope,
        title: &str,
        description: &str,
        resource: Option<Resource>,
    ) -> Result<Self, InvalidDelegableScope> {
        let fits = |text: &str, most| text.chars().count() <= most && !text.chars().any(is_unprintable);
        let (title, description) = (title.trim(), description.trim());
        if !name.is_delegable() {
            return Err(InvalidDelegableScope::Privileged);
        }
        if title.is_empty() || !fits(title, 100) {
            return Err(InvalidDelegableScope::Title);
        }
        if !fits(description, 1000) {
            return Err(InvalidDelegableScope::Description);
        }
        Ok(Self {
            name,
            title: title.to_owned(),
            description: description.to_owned(),
            resource,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_that_is_delegated_has_a_title_and_is_not_privileged() {
        let scope = |name, title| DelegableScope::new(Scope::parse(name).unwrap(), title, "", None);
        assert_eq!(
            scope("notes:read", " Read your notes ").unwrap().title,
            "Read your notes"
        );
        for name in ["admin", "tokens:introspect", "tokens:revoke", "tokens:whatever"] {
            assert_eq!(scope(name, "x"), Err(InvalidDelegableScope::Privileged), "{name}");
        }
        for title in ["", " ", "a\nb", "a\u{202e}b", &"x".repeat(101)] {
            assert_eq!(
                scope("notes:read", title),
                Err(InvalidDelegableScope::Title),
                "{title:?}"
            );
        }
    }
}
