use crate::jeton::{command, run};
use std::process::Command;

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(command(&format!("completions {shell}")), "").ok();
        for name in ["migrate", "set-scopes", "healthcheck", "completions"] {
            assert!(script.contains(name), "{name} in {shell}");
        }
    }
}

#[test]
fn completions_complete_in_bash() {
    let script = run(command("completions bash"), "").ok();
    let mut bash = Command::new("bash");
    let words =
        "COMP_WORDS=(jeton user set-); COMP_CWORD=2; _jeton jeton set- user; echo \"${COMPREPLY[*]}\"";
    bash.args(["--norc", "-c", &format!("{script}\n{words}")]);
    let output = bash.output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "set-email set-scopes set-password\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
