//! Text that others wrote, as it is shown on terminals and in logs.

use std::borrow::Cow;

/// The most characters of somebody's name that a line of a log has.
const LONGEST: usize = 64;

/// Whether showing a character does something else than showing it: controls, which terminals obey; bidirectional
/// controls, by which a line reads as another one ([UTS 55 §1]); separators of lines; and what cannot be seen. Not the
/// joiners, which the names of many languages are written with.
///
/// [UTS 55 §1]: https://www.unicode.org/reports/tr55/
#[must_use]
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
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
        )
}

/// The text with whatever [cannot be printed](is_unprintable) written as JSON writes it (`\u202e`): inside of JSON, it is
/// the same document.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    escape_where(text, is_unprintable)
}

/// The same with a choice of one's own.
#[must_use]
pub fn escape_where(text: &str, escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&escaped) {
        return Cow::Borrowed(text);
    }
    let mut printable = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if !escaped(character) {
            printable.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            printable.push_str(&format!("\\u{unit:04x}"));
        }
    }
    Cow::Owned(printable)
}

/// [Escaped](escape), and cut to 64 characters: a name in a line of a log, where its owner chose its length.
#[must_use]
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", escape(&text[..end])),
        None => escape(text).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_as_it_is_and_controls_are_escaped() {
        for plain in [
            "Pixel 9",
            "grüße",
            "सीता",
            "نام\u{200c}ها",
            "👩\u{200d}🔬",
            "a\\u202e",
        ] {
            assert_eq!(escape(plain), plain);
        }
        for (text, escaped) in [
            ("evil\u{202e}txt.exe", "evil\\u202etxt.exe"),
            ("a\u{2066}b\u{2069}", "a\\u2066b\\u2069"),
            ("\u{1b}[2J", "\\u001b[2J"),
            ("two\nlines\u{2028}", "two\\u000alines\\u2028"),
            ("\u{9b}31m", "\\u009b31m"),
            ("\u{e0041}", "\\udb40\\udc41"),
        ] {
            assert_eq!(escape(text), escaped);
        }
    }

    #[test]
    fn names_are_cut_by_characters() {
        assert_eq!(cut(&"ü".repeat(64)), "ü".repeat(64));
        assert_eq!(cut(&"ü".repeat(65)), format!("{}…", "ü".repeat(64)));
        assert_eq!(cut("\u{202e}"), "\\u202e");
    }
}
