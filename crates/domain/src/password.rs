use crate::Username;
use crate::guesses::guessed_too_soon;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};
use zeroize::Zeroizing;

/// The fewest characters a new password may have.
pub const MIN_PASSWORD_CHARS: usize = 8;
/// The most characters any password may have.
pub const MAX_PASSWORD_CHARS: usize = 1024;

/// A password as somebody typed it. Checked for nothing; see [`NewPassword`] for one that may be chosen.
pub struct Password(SecretString);

/// A password that keeps the rules for a new one: 8 to 1,024 characters, no rules of composition, not guessable
/// ([NIST SP 800-63B-4 §3.1.1.2]).
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
    /// Checks the rules; costs up to a tenth of a second of CPU, so not for the thread that serves requests.
    ///
    /// Guessable is what zxcvbn (Wheeler, USENIX Security 2016) finds within 10⁶ guesses, the user's own name and
    /// address counted among the first tried.
    ///
    /// # Errors
    /// [`PasswordRefused`], with a sentence that can follow the word "password" and never quotes it.
    pub fn choose(
        password: Password,
        username: &Username,
        email: Option<&str>,
    ) -> Result<Self, PasswordRefused> {
        let text = password.expose_secret();
        // The count of bytes first: a hostile length should not even be walked through.
        if text.len() > MAX_PASSWORD_CHARS * 4
            || !(MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS).contains(&text.chars().count())
        {
            return Err(PasswordRefused::Length);
        }
        let mut known = vec![username.as_str(), "jeton"];
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
            &Username::parse("ada.lovelace").unwrap(),
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
        fn never_panics_and_never_quotes(text in "\\PC{8,40}") {
            if let Err(refused) = choose(&text) {
                prop_assert!(!refused.to_string().contains(&text));
            }
        }
    }
}
