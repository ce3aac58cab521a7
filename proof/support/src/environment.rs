//! What a program is told by its surroundings: nothing that it was not meant to be told.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

pub(crate) const ROLE: &str = "PROOF_ROLE";

/// A program that is to see nothing of our environment that is a setting of Jeton's or Postgres'.
pub fn without_settings(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["JETON_", "NOTES_", "PG", "DATABASE_URL"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(name);
        }
    }
    command
}

/// This program once more, [`without_settings`], for another role. In a process group of its own: Ctrl-C reaches us alone.
///
/// # Errors
/// The system does not tell which program this is.
pub fn this_program() -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("which program is this?")?;
    let mut command = without_settings(program);
    command.process_group(0);
    Ok(command)
}

/// For a test that is the role of a process, and otherwise does nothing: whether it is run as one, see
/// [`ServiceProcess::start_role`](crate::ServiceProcess::start_role). Ends the process with its standard input.
pub fn is_role() -> bool {
    let is_role = std::env::var_os(ROLE).is_some();
    if is_role {
        end_with_input();
    }
    is_role
}

/// Ends this process when its standard input ends, which it does when whoever started it does, in whatever way.
pub fn end_with_input() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        std::process::exit(0);
    });
}

/// The path of an example of the package under test. `cargo test` builds them all, unless it is told which targets to build.
pub fn example(name: &str) -> PathBuf {
    // target/PROFILE/deps/this-test
    let test = std::env::current_exe().unwrap_or_else(|error| panic!("which program is this? {error}"));
    let profile = test.ancestors().nth(2);
    let example = profile.unwrap_or(&test).join("examples").join(name);
    assert!(
        example.exists(),
        "{} is not built: run `cargo test` without --test, or `cargo build --examples` first",
        example.display()
    );
    example
}
