//! A log that cannot be written from the first line on: `jeton-auth-api 2>&1 | head -1`, a full disk, no standard output.

use crate::support::{PROGRAM, environment};
use jeton_local_postgres::process;
use jeton_proof_support::{RawRequest, TestDatabase, try_raw, wait_until, without_settings};
use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the service by this command, asks it, and ends it.
fn serves_and_ends(mut command: Command) {
    let database = TestDatabase::create();
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap().to_string();
    drop(port);
    let settings = [
        ("JETON_AUTH_ADDR", address.as_str()),
        ("JETON_METRICS_ADDR", "off"),
    ];
    command
        .envs(environment(database.url(), &settings))
        .stdin(Stdio::null());
    let mut service = Running(command.spawn().unwrap());
    // Its own copies of what the service writes to, or the service's would not be the last ones.
    drop(command);
    let ready = RawRequest::new("GET", "/readyz").to_bytes();
    wait_until("it serves", || {
        assert!(service.0.try_wait().unwrap().is_none(), "it has ended");
        try_raw(&address, &ready).is_ok_and(|answer| answer.status == 200)
    });
    for _ in 0..50 {
        assert_eq!(RawRequest::new("GET", "/v1/me").send(&address).status, 401);
    }
    process::signal("TERM", &[service.0.id()]).unwrap();
    wait_until("it ends", || service.0.try_wait().unwrap().is_some());
    assert!(service.0.wait().unwrap().success());
}

#[test]
fn the_service_starts_where_nobody_reads_what_it_says() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = without_settings(PROGRAM);
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    serves_and_ends(command);
}

#[cfg(target_os = "linux")]
#[test]
fn the_service_starts_where_the_disk_is_full() {
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let mut command = without_settings(PROGRAM);
    command.stdout(full()).stderr(full());
    serves_and_ends(command);
}

#[test]
fn the_service_starts_without_standard_output() {
    let mut command = without_settings("/bin/sh");
    command.args(["-c", r#"exec "$0" >&- 2>&-"#, PROGRAM]);
    serves_and_ends(command);
}

/// Where it cannot start, it says so if it can, and ends in any case.
#[test]
fn a_bad_setting_ends_the_service_though_nobody_reads_why() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = without_settings(PROGRAM);
    command
        .env("JETON_BCRYPT_COST", "99")
        .stdout(writer.try_clone().unwrap());
    let status = command.stderr(writer).stdin(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
