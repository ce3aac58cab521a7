use crate::support::history;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// The processes of a run, the driver's own id first.
fn start() -> (std::process::Child, Vec<String>) {
    let mut driver = history(&["--seconds", "600", "--allowance", "8s"])
        .spawn()
        .unwrap();
    let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let processes = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("processes: ").map(str::to_owned))
        .expect("a line that names the processes");
    let ids = processes
        .split(", ")
        .map(|process| process.split_once(' ').unwrap().1.to_owned())
        .collect();
    (driver, ids)
}

fn is_there(id: &str) -> bool {
    let status = Command::new("/bin/sh")
        .args(["-c", r#"kill -0 "$0""#, id])
        .stderr(Stdio::null())
        .status();
    status.unwrap().success()
}

#[test]
fn nothing_is_left_behind_when_the_driver_is_killed() {
    let (mut driver, ids) = start();
    assert!(ids.len() >= 5, "{ids:?}");
    driver.kill().unwrap();
    driver.wait().unwrap();
    // Each hears of it by the end of its standard input; one that is stopped just now, when it goes on.
    while ids.iter().any(|id| is_there(id)) {
        std::thread::yield_now();
    }
}

#[test]
fn a_run_that_is_told_to_end_does_so_in_order() {
    let (driver, ids) = start();
    jeton_local_postgres::process::signal("TERM", &[driver.id()]).unwrap();
    let output = driver.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!ids.iter().any(|id| is_there(id)));
}
