//! Processes that stand in for services.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::PathBuf;
use std::process::Command;

use jeton_proof_support::{ServiceProcess, is_role};
use tempfile::TempDir;

fn shell(script: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("service");
    // Written by another process: a file that any thread of this one has open for writing cannot be executed.
    let written = Command::new("sh")
        .args(["-c", r#"printf '#!/bin/sh\n%s' "$1" >"$0" && chmod +x "$0""#])
        .args([path.as_os_str(), script.as_ref()])
        .status()
        .unwrap();
    assert!(written.success());
    (directory, path)
}

#[test]
fn a_service_is_started_told_to_end_and_listened_to() {
    let (_directory, path) = shell(
        r#"trap 'echo bye; exit 3' TERM
        echo "{\"message\":\"listening on http://127.0.0.1:$PORT\"}" >&2
        echo "url=$DATABASE_URL setting=$JETON_SETTING"
        while :; do sleep 0.05; done"#,
    );
    let service = ServiceProcess::start(&path, &[("PORT", "1234"), ("JETON_SETTING", "given")]);
    assert_eq!(service.base_url(), "http://127.0.0.1:1234");
    assert_eq!(service.wait_for_log("url="), "url= setting=given");
    drop(service.pause());
    assert_eq!(service.terminate().code(), Some(3));
}

#[test]
fn a_service_that_does_not_start_tells_why() {
    let (_directory, path) = shell("echo no database >&2; exit 1");
    let failure = ServiceProcess::try_start(&path, &[]).unwrap_err();
    assert_eq!(failure.status.and_then(|status| status.code()), Some(1));
    assert_eq!(failure.logs, "no database");
}

#[test]
fn a_role_is_a_test_of_this_program() {
    if is_role() {
        // As a service would; and then it goes on until its standard input ends.
        #[allow(clippy::print_stdout, reason = "it is what is read")]
        {
            println!("listening on http://127.0.0.1:{}", std::env::var("PORT").unwrap());
        }
        loop {
            std::thread::park();
        }
    }
    let service = ServiceProcess::start_role("a_role_is_a_test_of_this_program", &[("PORT", "1234")]);
    assert_eq!(service.address(), "127.0.0.1:1234");
}
