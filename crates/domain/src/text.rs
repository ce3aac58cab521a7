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

/// Whether a character is no more than itself where it is shown: no control character, no end of a line or paragraph,
/// nothing that turns the direction of what follows (Bidi_Control, [UAX #9]), and nothing that cannot be seen, but for
/// joiners, which the words of many languages are written with.
///
/// [UAX #9]: https://www.unicode.org/reports/tr9/
pub(crate) fn is_plain(c: char) -> bool {
    let is_unseen = matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    );
    !c.is_control() && !is_unseen
}
