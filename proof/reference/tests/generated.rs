//! The generated files are what the programs say.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say so and stop"
)]

use jeton_reference::FILES;

#[test]
fn generated_files_are_what_the_programs_say() {
    let stale: Vec<String> = FILES
        .iter()
        .filter(|file| file.read().unwrap() != (file.text)())
        .map(|file| format!("{} is not what the programs say; run scripts/generate", file.path))
        .collect();
    assert!(stale.is_empty(), "{}", stale.join("\n"));
}
