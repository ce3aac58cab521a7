use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// The path of a program of the workspace, which is built if it is not up to date.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    program_with(name, &[])
}

/// As [`program`], for a program that is only built with these features (`package/feature`).
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn program_with(name: &str, features: &[&str]) -> PathBuf {
    built(&["--bin", name, "--features", &features.join(",")], name)
}

/// The path of an example of a crate of the workspace, which is built if it is not up to date.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    built(&["--example", name], &format!("examples/{name}"))
}

fn built(what: &[&str], path: &str) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built
        .get_or_insert_default()
        .entry(path.to_owned())
        .or_insert_with(|| build(what, path))
        .clone()
}

/// `cargo test` builds the programs of the packages it tests, and of no others.
fn build(what: &[&str], path: &str) -> PathBuf {
    // target/PROFILE/deps/this-test
    let test = std::env::current_exe().unwrap_or_else(|error| panic!("where are we? {error}"));
    let profile = test
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new("target/debug"));
    let target = profile.parent().unwrap_or(Path::new("target"));
    let program = profile.join(path);

    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--workspace"])
        .args(what)
        .args(profile.ends_with("release").then_some("--release"))
        .arg("--target-dir")
        .arg(target)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .unwrap_or_else(|error| panic!("cannot run cargo: {error}"));
    assert!(
        output.status.success(),
        "cannot build {path}:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    program
}
