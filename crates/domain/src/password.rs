use crate::guesses::guessed_too_soon;
use icu_normalizer::ComposingNormalizer;
use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};
use zeroize::Zeroizing;

/// The fewest characters a new password may have.
pub const MIN_PASSWORD_CHARS: usize = 8;
/// The most characters a new password may have.
pub const MAX_PASSWORD_CHARS: usize = 1024;
/// What the longest password may take in UTF-8, however it is typed: composing makes no text shorter than a third of it
/// ([UAX #15, §12]).
///
/// [UAX #15, §12]: https://www.unicode.org/reports/tr15/#Stability_of_Normalized_Forms
pub const MAX_PASSWORD_BYTES: usize = MAX_PASSWORD_CHARS * 4 * 3;

/// A password as somebody typed it. Checked for nothing; see [`NewPassword`] for one that may be chosen.
pub struct Password(SecretString);

/// A password that keeps the rules for a new one: 8 to 1,024 characters, no rules of composition, not guessable
/// ([NIST SP 800-63B-4 §3.1.1.2]). It is in the form that is hashed: see [`Password::normalized`].
///
/// [NIST SP 800-63B-4 §3.1.1.2]: https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver
pub struct NewPassword(Password);

/// Why a password may not be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// Fewer than 8 or more than 1,024 characters.
    #[error("must be {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters long")]
    Length,
    /// Found within a million guesses; the text says why and what would help.
    #[error("is too easy to guess. {0}")]
    Guessable(String),
}

impl Password {
    /// Takes a password out of a request or from a prompt.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The form that new hashes are made of, as NIST asks for and the profile OpaqueString ([RFC 8265 §4.2]) makes it: every
    /// space is ASCII's, and the rest is in NFC, so that it does not matter which keyboard it is typed on. `None`: it is in
    /// that form already.
    ///
    /// [RFC 8265 §4.2]: https://www.rfc-editor.org/rfc/rfc8265#section-4.2
    #[must_use]
    pub fn normalized(&self) -> Option<Self> {
        let typed = self.0.expose_secret();
        if typed.is_ascii() {
            return None;
        }
        let categories = CodePointMapData::<GeneralCategory>::new();
        let mut spaced = Zeroizing::new(String::with_capacity(typed.len()));
        spaced.extend(typed.chars().map(|c| match categories.get(c) {
            GeneralCategory::SpaceSeparator => ' ',
            _ => c,
        }));
        let normalized = Zeroizing::new(ComposingNormalizer::new_nfc().normalize(&spaced).into_owned());
        (*normalized != typed).then(|| Self(SecretString::from(normalized.as_str())))
    }

    /// The lower-case hexadecimal SHA-256 of the password. bcrypt reads 72 bytes at most and stops at a NUL byte;
    /// these 64 characters stand for all of the password.
    pub(crate) fn prehash(&self) -> Zeroizing<String> {
        let digest = Sha256::digest(self.0.expose_secret().as_bytes());
        let mut hex = Zeroizing::new(String::with_capacity(64));
        for byte in digest {
            // Writing into a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

impl ExposeSecret<str> for Password {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password([REDACTED])")
    }
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword([REDACTED])")
    }
}

impl NewPassword {
    /// Checks the rules, of the normalized form; costs up to a tenth of a second of CPU, so not for the thread that serves
    /// requests.
    ///
    /// Guessable is what zxcvbn (Wheeler, USENIX Security 2016) finds within 10⁶ guesses, the user's own name and
    /// address counted among the first tried.
    ///
    /// # Errors
    /// [`PasswordRefused`], with a sentence that can follow the word "password" and never quotes it.
    pub fn choose(password: Password, username: &str, email: Option<&str>) -> Result<Self, PasswordRefused> {
        // The count of bytes first: a hostile length should not even be walked through.
        if password.expose_secret().len() > MAX_PASSWORD_BYTES {
            return Err(PasswordRefused::Length);
        }
        let password = password.normalized().unwrap_or(password);
        let text = password.expose_secret();
        // Bytes again: what is longer than this after composing has more characters, too.
        if text.len() > MAX_PASSWORD_CHARS * 4
            || !(MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS).contains(&text.chars().count())
        {
            return Err(PasswordRefused::Length);
        }
        let mut known = vec![username, "jeton"];
        known.extend(email);
        match guessed_too_soon(text, &known) {
            Some(estimate) => Err(PasswordRefused::Guessable(advice(&estimate))),
            None => Ok(Self(password)),
        }
    }

    /// The password itself.
    #[must_use]
    pub fn as_password(&self) -> &Password {
        &self.0
    }
}

fn advice(estimate: &zxcvbn::Entropy) -> String {
    let Some(feedback) = estimate.feedback() else {
        return "Add another word or two.".to_owned();
    };
    let warning = feedback.warning().map(|w| w.to_string());
    let suggestions = feedback.suggestions().iter().map(ToString::to_string);
    warning
        .into_iter()
        .chain(suggestions)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn choose(text: &str) -> Result<NewPassword, PasswordRefused> {
        NewPassword::choose(
            Password::new(text.to_owned()),
            "ada.lovelace",
            Some("ada@analytical.example"),
        )
    }

    #[test]
    fn accepts_any_characters_and_any_composition() {
        for good in [
            "correct horse battery staple",
            "xkqzvwpf",
            "пароль из слов и снега",
            "🦀🐙🦑🐚🪸🐳🐬🦈",
            &"long and winding ".repeat(60),
        ] {
            assert!(choose(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn refuses_by_length() {
        for bad in [
            "",
            "x7#Qp2!",
            &"a".repeat(1025),
            &"語".repeat(1025),
            &"a".repeat(1 << 20),
        ] {
            assert_eq!(choose(bad).unwrap_err(), PasswordRefused::Length);
        }
        let longest: String = ('一'..).step_by(17).take(1024).collect();
        assert!(choose(&longest).is_ok());
    }

    /// In characters of the form that is hashed.
    #[test]
    fn the_length_is_that_of_the_normalized_form() {
        let longest: String = ('\u{ac00}'..).step_by(10).take(1024).collect();
        let decomposed = icu_normalizer::DecomposingNormalizer::new_nfd();
        assert!(decomposed.normalize(&longest).len() > MAX_PASSWORD_CHARS * 4);
        let chosen = choose(&decomposed.normalize(&longest)).unwrap();
        assert_eq!(chosen.as_password().expose_secret(), longest);
        // Four characters, of eight.
        assert_eq!(
            choose("e\u{301}a\u{308}o\u{302}u\u{30a}").unwrap_err(),
            PasswordRefused::Length
        );
    }

    #[test]
    fn a_password_is_one_however_it_is_typed() {
        let normalized = |typed: &str| {
            let password = Password::new(typed.to_owned());
            password
                .normalized()
                .map(|other| other.expose_secret().to_owned())
        };
        for (typed, hashed) in [
            ("le\u{301}gume\u{a0}vert", "légume vert"),
            ("\u{3000}\u{2003}\u{1680}\u{202f}", "    "),
            ("\u{1112}\u{1161}\u{11ab}", "한"),
            ("\u{212b}", "Å"),
            // U+0323 goes before U+0301.
            ("q\u{301}\u{323}", "q\u{323}\u{301}"),
        ] {
            assert_eq!(normalized(typed).as_deref(), Some(hashed), "{typed:?}");
            assert_eq!(normalized(hashed), None, "{hashed:?}");
        }
        // Neither case nor compatibility forms, nor what is no space.
        for kept in ["Ada \t\0", "ﬁｎ①", "légume", "\u{200b}", "q\u{323}\u{301}"] {
            assert_eq!(normalized(kept), None, "{kept:?}");
        }
    }

    #[test]
    fn refuses_the_guessable_with_a_reason() {
        for bad in [
            "letmein1",
            "Passw0rd",
            "12345678",
            "qwertyuiop",
            "aaaaaaaaaaaa",
            "ada.lovelace",
            "Ada.Lovelace1",
            "jetonjeton",
        ] {
            match choose(bad) {
                Err(PasswordRefused::Guessable(reason)) => {
                    assert!(!reason.is_empty() && !reason.contains(bad), "{bad}: {reason}");
                }
                other => panic!("{bad}: {other:?}"),
            }
        }
    }

    #[test]
    fn debug_is_redacted() {
        assert_eq!(
            format!("{:?}", Password::new("hunter2 hunter2".into())),
            "Password([REDACTED])"
        );
        assert!(!format!("{:?}", choose("correct horse battery staple")).contains("horse"));
    }

    proptest! {
        #[test]
        fn normalizing_twice_is_normalizing_once(text in any::<String>()) {
            if let Some(normalized) = Password::new(text).normalized() {
                prop_assert!(normalized.normalized().is_none());
            }
        }

        #[test]
        fn never_panics_and_never_quotes(text in "\\PC{8,40}") {
            if let Err(refused) = choose(&text) {
                prop_assert!(!refused.to_string().contains(&text));
            }
        }
    }
}
