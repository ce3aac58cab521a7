use jeton_proof_support::{program, without_settings};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// To be held by each test: services that have to share two cores with two other runs answer 503 for being late.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static RUN: Mutex<()> = Mutex::new(());
    RUN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The program, with services of the same build.
pub(crate) fn soak(arguments: &[&str]) -> Command {
    let programs = ["jeton-auth-api", "jeton-resource-api", "jeton"].map(program);
    let mut command = without_settings(env!("CARGO_BIN_EXE_jeton-soak"));
    command
        .args(arguments)
        .arg("--programs")
        .arg(programs[0].parent().unwrap())
        .args(["--bcrypt-cost", "4"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn text(output: &Output) -> String {
    let (stdout, stderr) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(stdout),
        String::from_utf8_lossy(stderr)
    )
}

/// The rest of the line that begins with this.
pub(crate) fn line<'a>(text: &'a str, begins: &str) -> &'a str {
    text.lines()
        .find_map(|line| line.strip_prefix(begins))
        .unwrap_or_else(|| panic!("no line {begins:?} in:\n{text}"))
}
