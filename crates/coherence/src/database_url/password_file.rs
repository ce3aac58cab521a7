//! The password file (PostgreSQL documentation, §34.16): lines of `host:port:database:user:password`.

use secrecy::SecretString;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Whom the password is to be for.
pub(super) struct Account<'a> {
    pub(super) host: &'a str,
    pub(super) port: &'a str,
    pub(super) dbname: &'a str,
    pub(super) user: &'a str,
}

/// The password of the first line that fits, if it has one. A file that others may read is not used, as libpq does not; the log tells.
pub(super) fn find(path: &Path, account: &Account<'_>) -> Option<SecretString> {
    let metadata = std::fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o077 != 0 {
        tracing::warn!(
            path = %path.display(),
            "the password file is not used: it must be a plain file that nobody but its owner may read or write (chmod 0600)"
        );
        return None;
    }
    // A line of another encoding, a comment say, is in no other line's way.
    let text = std::fs::read(path).ok()?;
    password_of(&String::from_utf8_lossy(&text), account).map(SecretString::from)
}

pub(super) fn password_of(text: &str, account: &Account<'_>) -> Option<String> {
    let wanted = [account.host, account.port, account.dbname, account.user];
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let mut rest = line;
            for wanted in wanted {
                let (field, after) = field(rest)?;
                if field != "*" && unescaped(field) != wanted {
                    return None;
                }
                rest = after;
            }
            Some(unescaped(rest))
        })
        .filter(|password| !password.is_empty())
}

/// Up to the next colon that no backslash precedes, and what comes after it.
fn field(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ':' => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

fn unescaped(text: &str) -> String {
    let mut chars = text.chars();
    let mut result = String::new();
    while let Some(c) = chars.next() {
        match c {
            '\\' => result.push(chars.next().unwrap_or('\\')),
            ':' => break,
            c => result.push(c),
        }
    }
    result
}
