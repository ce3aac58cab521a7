//! Signals, by way of the shell: the standard library can only kill.

use std::io;
use std::process::{Command, Stdio};

/// Sends a signal (`"TERM"`, `"STOP"`, …) to processes. Those that have ended already are passed over.
///
/// # Errors
/// When no shell can be started.
pub fn signal(name: &str, pids: &[u32]) -> io::Result<()> {
    // Built into the shell, where a program `kill` is missing from small images.
    Command::new("/bin/sh")
        .args(["-c", r#"for pid; do kill -s "$0" "$pid"; done"#, name])
        .args(pids.iter().map(u32::to_string))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map(drop)
}

/// Whether a process with this id exists, whoever owns it.
pub(crate) fn exists(pid: u32) -> bool {
    // `kill -0` alone also fails for a process of another account.
    let found = |program: &str, args: &[&str]| {
        Command::new(program)
            .args(args)
            .arg(pid.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    found("/bin/sh", &["-c", r#"kill -0 "$0""#]) || found("ps", &["-p"])
}

/// The processes whose parent is `parent`.
///
/// # Errors
/// When there is no program `ps`.
pub(crate) fn children(parent: u32) -> io::Result<Vec<u32>> {
    let output = Command::new("ps")
        .args(["-A", "-o", "pid=", "-o", "ppid="])
        .stdin(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let pairs = text.lines().filter_map(|line| {
        let mut fields = line.split_whitespace().map(str::parse::<u32>);
        Some((fields.next()?.ok()?, fields.next()?.ok()?))
    });
    Ok(pairs
        .filter(|(_, its_parent)| *its_parent == parent)
        .map(|(pid, _)| pid)
        .collect())
}
