use jeton_proof_support::without_settings;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// To be held by each test: services that have to share two cores with two other runs answer 503 for being late.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static RUN: Mutex<()> = Mutex::new(());
    RUN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The program.
pub(crate) fn soak(arguments: &[&str]) -> Command {
    let mut command = without_settings(env!("CARGO_BIN_EXE_jeton-soak"));
    command
        .args(arguments)
        .args(["--bcrypt-cost", "4"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}
