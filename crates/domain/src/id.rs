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
