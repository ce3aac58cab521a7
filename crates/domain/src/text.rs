//! Texts that people give.

/// Makes a type of the texts that keep a rule: a function that hands back what of a text is kept, if it does.
macro_rules! text_type {
    ($(#[$of_type:meta])* $type:ident, $(#[$of_error:meta])* $error:ident, $(#[$of_parse:meta])* $rule:ident) => {
        $(#[$of_type])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $type(String);

        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        $(#[$of_error])*
        pub struct $error;

        impl $type {
            $(#[$of_parse])*
            ///
            /// # Errors
            #[doc = concat!("[`", stringify!($error), "`]")]
            pub fn parse(text: &str) -> Result<Self, $error> {
                $rule(text).map(|kept| Self(kept.to_owned())).ok_or($error)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}
pub(crate) use text_type;
