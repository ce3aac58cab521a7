use std::fmt;
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Names one user: a UUIDv7 ([RFC 9562 §5.7]), so that ids sort by creation time.
    ///
    /// [RFC 9562 §5.7]: https://www.rfc-editor.org/rfc/rfc9562#section-5.7
    UserId
}
id! {
    /// Names one token without revealing it: a UUIDv7, as [`UserId`].
    TokenId
}
id! {
    /// Names one client for good, as `client_id`: a UUIDv7, as [`UserId`].
    ClientId
}
id! {
    /// Names what one user has let one client do: a UUIDv7, as [`UserId`].
    GrantId
}

/// A text that is no id, or not written as ids are: another spelling names nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a client")]
pub struct InvalidClientId;

impl std::str::FromStr for ClientId {
    type Err = InvalidClientId;

    fn from_str(text: &str) -> Result<Self, InvalidClientId> {
        let id = Uuid::try_parse(text).map_err(|_| InvalidClientId)?;
        if id.to_string() == text {
            Ok(Self(id))
        } else {
            Err(InvalidClientId)
        }
    }
}
