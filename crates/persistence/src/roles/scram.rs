//! What Postgres checks a password by (`pg_authid.rolpassword`), made here: a password that is sent stands in the server's log
//! wherever statements are logged.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use stringprep::saslprep;
use stringprep::tables::change_display_properties_or_deprecated;

/// As many as Postgres does, unless it is told otherwise.
const ITERATIONS: u32 = 4096;
const SALT_BYTES: usize = 16;

/// A SCRAM-SHA-256 verifier ([RFC 5803], [RFC 7677]). Whoever has it can try passwords, and pretend to be the server.
///
/// [RFC 5803]: https://www.rfc-editor.org/rfc/rfc5803
/// [RFC 7677]: https://www.rfc-editor.org/rfc/rfc7677
pub(crate) struct ScramVerifier(String);

impl ScramVerifier {
    /// With a new salt. `None`: see [`prepared`].
    pub(crate) fn new(password: &str) -> Option<Self> {
        Some(Self::with_salt(&prepared(password)?, &rand::random()))
    }

    fn with_salt(password: &str, salt: &[u8; SALT_BYTES]) -> Self {
        let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password.as_bytes(), salt, ITERATIONS);
        let stored_key = Sha256::digest(hmac(&salted, b"Client Key"));
        let server_key = hmac(&salted, b"Server Key");
        let [salt, stored_key, server_key] =
            [&salt[..], &stored_key[..], &server_key[..]].map(|bytes| STANDARD.encode(bytes));
        Self(format!(
            "SCRAM-SHA-256${ITERATIONS}:{salt}${stored_key}:{server_key}"
        ))
    }

    /// As it stands in `pg_authid`.
    pub(crate) fn expose_text(&self) -> &str {
        &self.0
    }
}

/// What clients make of a password before they sign in with it: SASLprep ([RFC 4013]), or, where that refuses, the password
/// as it is. `None` where they differ: libpq looks for what is prohibited before it normalises, after which some of that would
/// be other characters, and lets nothing be left; services' own driver looks afterwards, and takes nothing for a password.
///
/// [RFC 4013]: https://www.rfc-editor.org/rfc/rfc4013
fn prepared(password: &str) -> Option<Cow<'_, str>> {
    let prepared = saslprep(password).unwrap_or(Cow::Borrowed(password));
    let refused_by_libpq =
        prepared.is_empty() || password.chars().any(change_display_properties_or_deprecated);
    (!refused_by_libpq || prepared == password).then_some(prepared)
}

fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677 §3 has salt, iterations and signatures of an exchange; this is what Postgres 15 has stored for its password.
    #[test]
    fn it_is_what_postgres_makes_of_the_same_salt() {
        let salt = STANDARD
            .decode("W22ZaJ0SNY7soEsUEjb6gQ==")
            .unwrap()
            .try_into()
            .unwrap();
        let made = ScramVerifier::with_salt("pencil", &salt);
        assert_eq!(
            made.expose_text(),
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }

    #[test]
    fn a_password_is_prepared_as_clients_do() {
        for (password, prepared) in [
            ("pencil", "pencil"),
            // Composed, spaces that are not ASCII's, what maps to nothing: RFC 4013 §3.
            ("e\u{301}te\u{301}", "\u{e9}t\u{e9}"),
            ("I\u{ad}X", "IX"),
            ("\u{aa} \u{2168}", "a IX"),
            ("two\u{a0}words", "two words"),
            // Refused, and so as they are: a control, both directions, what Unicode 3.2 had not, deprecated.
            ("\u{7}\u{aa}", "\u{7}\u{aa}"),
            ("\u{627}1", "\u{627}1"),
            ("\u{1f600}\u{aa}", "\u{1f600}\u{aa}"),
            ("\u{200e}\u{aa}", "\u{200e}\u{aa}"),
        ] {
            assert_eq!(super::prepared(password).unwrap(), prepared, "{password:?}");
        }
        for unclear in ["\u{ad}", "e\u{341}\u{aa}"] {
            assert_eq!(super::prepared(unclear), None, "{unclear:?}");
        }
    }
}
