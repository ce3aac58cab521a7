use crate::output;
use anyhow::{Context, anyhow, bail, ensure};
use jeton_domain::{ExposeSecret, MAX_PASSWORD_BYTES, NewPassword, Password, PasswordHash, PasswordRefused};
use jeton_http_kit::PasswordArgs;
use signal_hook::consts::SIGINT;
use std::io::{BufRead, ErrorKind, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks for a user's new password and hashes it: from the terminal, twice, or else from the first line of standard input.
pub(crate) fn ask(args: &PasswordArgs, username: &str, email: Option<&str>) -> anyhow::Result<PasswordHash> {
    let password = read(username)?;
    let password = NewPassword::choose(password, username, email).map_err(refused)?;
    Ok(PasswordHash::make(&password, args.bcrypt_cost, rand::random()))
}

/// Asks for the password of a role of the server's, the same way. Nobody signs in to Jeton with it, and what is good enough
/// is the server's to say.
pub(crate) fn ask_for_role(name: &str) -> anyhow::Result<Password> {
    let password = read(name)?;
    // Postgres takes it for none.
    ensure!(!password.expose_secret().is_empty(), "the password is empty");
    Ok(password)
}

fn read(whose: &str) -> anyhow::Result<Password> {
    if std::io::stdin().is_terminal() {
        prompt_twice(whose)
    } else {
        first_line(std::io::stdin().lock())
    }
}

fn refused(why: PasswordRefused) -> anyhow::Error {
    anyhow!("the password {why}")
}

fn prompt_twice(whose: &str) -> anyhow::Result<Password> {
    // rpassword answers Ctrl-C with a signal, which would end the program before the terminal is told to show again
    // what is typed.
    let ends_the_program = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register_conditional_default(SIGINT, ends_the_program.clone())
        .context("cannot handle Ctrl-C")?;
    let first = prompt(&format!("New password for {whose}: "))?;
    let second = prompt("The same again: ")?;
    ends_the_program.store(true, Ordering::SeqCst);
    ensure!(
        first.expose_secret() == second.expose_secret(),
        "the two passwords differ; nothing was changed"
    );
    Ok(first)
}

/// Reads a line from the terminal without showing it.
fn prompt(text: &str) -> anyhow::Result<Password> {
    match rpassword::prompt_password(text) {
        Ok(typed) => Ok(Password::new(typed)),
        Err(error) if error.kind() == ErrorKind::Interrupted => bail!("interrupted; nothing was changed"),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            // The error is to stand on a line of its own.
            output::note("");
            bail!("no password was typed; nothing was changed")
        }
        Err(error) => Err(error).context("cannot read the password from the terminal"),
    }
}

/// Reads a password that is piped in, no further than the longest one can go.
fn first_line(input: impl BufRead) -> anyhow::Result<Password> {
    let mut line = Vec::new();
    input
        .take(MAX_PASSWORD_BYTES as u64 + 2)
        .read_until(b'\n', &mut line)
        .context("cannot read the password from standard input")?;
    ensure!(
        !line.is_empty(),
        "no password: standard input is empty, and not a terminal"
    );
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    // Cut off, and perhaps in the middle of a character.
    if line.len() > MAX_PASSWORD_BYTES {
        return Err(refused(PasswordRefused::Length));
    }
    // The error of the standard library would carry the bytes along.
    String::from_utf8(line)
        .map(Password::new)
        .map_err(|_| anyhow!("the password is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::first_line;
    use jeton_domain::ExposeSecret;

    fn read(input: &[u8]) -> Result<String, String> {
        first_line(input)
            .map(|password| password.expose_secret().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_password_is_the_first_line_without_its_end() {
        for input in ["pass word", "pass word\n", "pass word\r\n", "pass word\nmore\n"] {
            assert_eq!(read(input.as_bytes()).unwrap(), "pass word", "{input:?}");
        }
        assert_eq!(read(b" spaces stay \n").unwrap(), " spaces stay ");
        assert_eq!(read(b"\n").unwrap(), "");
    }

    #[test]
    fn input_that_cannot_be_a_password_is_refused() {
        assert!(read(b"").unwrap_err().contains("standard input is empty"));
        assert_eq!(read(b"hunter\xff\n").unwrap_err(), "the password is not UTF-8");
    }

    #[test]
    fn the_longest_password_arrives_whole() {
        // As a keyboard may send it that composes nothing.
        let longest = "\u{1112}\u{1161}\u{11ab}".repeat(1024);
        assert_eq!(read(format!("{longest}\r\n").as_bytes()).unwrap(), longest);
        for longer in ["𝄞".repeat(3 * 1025), "x".repeat(1 << 20)] {
            assert!(read(longer.as_bytes()).unwrap_err().contains("1024 characters"));
        }
    }
}
