use std::process::{Command, Stdio};

/// The program, with a Postgres of its own whatever the environment says: it has to be restarted.
pub(crate) fn history(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jeton-history"));
    command
        .arg("run")
        .args(arguments)
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped());
    command
}
