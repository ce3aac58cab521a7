use crate::database;
use anyhow::Context;
use jeton_coherence::revocations;
use jeton_domain::{User, UserId, UsernameKey};
use jeton_persistence::PgConnection;
use jeton_persistence::users::{self, SignInUser};
use std::fmt;
use uuid::Uuid;

/// An id that is meant for one and nothing else, as [RFC 9562 §4] writes it: no name has a colon.
///
/// [RFC 9562 §4]: https://www.rfc-editor.org/rfc/rfc9562#section-4
const ID: &str = "urn:uuid:";

/// Which user is meant: by id, or by name. A text may be the id of one and the name of another, since anybody may sign up by
/// a name that reads as an id: then neither is meant, until it is said which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserArg {
    id: Option<UserId>,
    name: Option<(String, UsernameKey)>,
}

impl UserArg {
    /// For clap.
    ///
    /// # Errors
    /// Why it is neither.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let id = Uuid::try_parse(text).ok().map(UserId);
        // As at sign-in: a name that nobody could be given any more may be there.
        let is_id_alone = id.is_some() && text.starts_with(ID);
        let key = UsernameKey::of_typed(text).filter(|_| !is_id_alone);
        let name = key.map(|key| (text.to_owned(), key));
        if id.is_none() && name.is_none() {
            return Err(
                "nobody's name can be that; say the user's id where it is there all the same".to_owned(),
            );
        }
        Ok(Self { id, name })
    }

    /// Finds the user, who must be there.
    pub(crate) fn find(&self, connection: &mut PgConnection) -> anyhow::Result<User> {
        self.look(connection)?.with_context(|| self.nobody())
    }

    /// Finds the user that something is to be taken from. Where there is none, that may be the work of an attempt before
    /// this one, whose end nobody has seen: that has to hold everywhere before it is said.
    pub(crate) fn find_to_revoke(&self, connection: &mut PgConnection) -> anyhow::Result<User> {
        if let Some(user) = self.look(connection)? {
            return Ok(user);
        }
        let before = revocations::gone(connection, ())?;
        database::confirm(connection, before)?;
        anyhow::bail!(self.nobody())
    }

    /// Finds the user with what a sign-in is checked against.
    pub(crate) fn find_for_sign_in(&self, connection: &mut PgConnection) -> anyhow::Result<SignInUser> {
        let user = self.find(connection)?;
        let password_hash = users::find_password_hash(connection, user.id)?;
        Ok(SignInUser { user, password_hash })
    }

    /// Finds the user, if there is one.
    ///
    /// # Errors
    /// That the text is the id of one and the name of another; or why the database could not be asked.
    pub(crate) fn look(&self, connection: &mut PgConnection) -> anyhow::Result<Option<User>> {
        let by_id = match self.id {
            Some(id) => users::find(connection, id)?,
            None => None,
        };
        let by_name = match &self.name {
            Some((_, key)) => users::find_by_username(connection, key)?,
            None => None,
        };
        match (by_id, by_name) {
            (Some(one), Some(other)) if one.id != other.id => {
                anyhow::bail!(ambiguous(one.id, &format!("the user {}", one.username), other.id))
            }
            (by_id, by_name) => Ok(by_id.or(by_name)),
        }
    }

    /// The id that was said, and the name.
    pub(crate) fn said(&self) -> (Option<UserId>, Option<&str>) {
        (self.id, self.name.as_ref().map(|(name, _)| name.as_str()))
    }

    /// What is said where there is none.
    pub(crate) fn nobody(&self) -> String {
        match (&self.id, &self.name) {
            (None, Some((name, _))) => database::no_user(name),
            _ => format!("no user with the id {self}"),
        }
    }
}

/// What is said of a text that is an id, whose is said as well, and the name of the user with another.
pub(crate) fn ambiguous(id: UserId, of: &str, named: UserId) -> String {
    format!(
        "{id} is the id of {of}, and the name of the user with the id {named}; say {ID}{id} or {ID}{named}"
    )
}

impl fmt::Display for UserArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.id, &self.name) {
            (Some(id), _) => id.fmt(f),
            (None, Some((name, _))) => name.fmt(f),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::UserArg;

    #[test]
    fn a_user_is_said_by_id_or_by_name() {
        let id = "01A20A08-7B1E-7CC2-93A5-3DF0C2A8F6D1";
        assert_eq!(UserArg::parse(id).unwrap().to_string(), id.to_lowercase());
        assert_eq!(UserArg::parse("Ada").unwrap().to_string(), "Ada");
        let parsed = UserArg::parse(&format!("urn:uuid:{id}")).unwrap();
        assert!(parsed.id.is_some() && parsed.name.is_none());
        for neither in ["", "a b"] {
            assert!(UserArg::parse(neither).is_err(), "{neither:?}");
        }
    }
}
