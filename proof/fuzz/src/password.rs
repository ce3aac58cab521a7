//! New passwords: a line with the user's name, one with the address, and the password.

use jeton_domain::{
    ExposeSecret, MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS, NewPassword, Password, PasswordRefused, Username,
};

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (name, email, password) = (line(), line(), line());
    let name = Username::parse(name)
        .or_else(|_| Username::parse("ada"))
        .expect("a name");
    let email = Some(email).filter(|email| !email.is_empty());

    let typed = Password::new(password.to_owned());
    let normalized = typed.normalized();
    // What is hashed, and what all rules are about.
    let password = normalized.as_ref().unwrap_or(&typed).expose_secret();
    assert!(typed.normalized().is_none() || !typed.expose_secret().is_ascii());
    assert!(Password::new(password.to_owned()).normalized().is_none());
    let fits = (MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS).contains(&password.chars().count());
    match NewPassword::choose(
        Password::new(typed.expose_secret().to_owned()),
        name.as_str(),
        email,
    ) {
        Ok(new) => {
            assert!(fits);
            assert_eq!(new.as_password().expose_secret(), password);
            assert_eq!(format!("{new:?}"), "NewPassword([REDACTED])");
        }
        Err(PasswordRefused::Length) => assert!(!fits),
        Err(PasswordRefused::Guessable(why)) => {
            assert!(fits && !why.is_empty());
            assert!(is_of_a_sentence(password) || !why.contains(password), "{why}");
        }
    }
}

/// Whether it could be a part of the sentences themselves, which have an "abcabcabc", say.
fn is_of_a_sentence(password: &str) -> bool {
    password
        .chars()
        .all(|c| c.is_ascii_alphabetic() || " .,\"".contains(c))
}
