//! A log that nobody reads, or that nobody can write, is in nobody's way.

use crate::connection::Client;
use crate::support::ADDRESS;
use jeton_proof_support::{RawRequest, this_program, try_raw, wait_until};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{ErrorKind, PipeReader, PipeWriter, Read, Write, pipe};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ExitStatus, Stdio};

/// The service as a process, whose output is the test's to read or not.
struct Service {
    process: Child,
    address: String,
    metrics: String,
}

impl Service {
    fn start(stdout: impl Into<Stdio>, stderr: impl Into<Stdio>, more: &[(&str, &str)]) -> Self {
        // It cannot be asked which ports it was given.
        let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [address, metrics] = ports.map(|port| port.local_addr().unwrap().to_string());
        let mut command = this_program().unwrap();
        let process = command
            .args(["support::this_is_the_process", "--exact", "--nocapture"])
            .env("PROOF_ROLE", "support::this_is_the_process")
            .env(ADDRESS, &address)
            .env("JETON_METRICS_ADDR", &metrics)
            // Asked for, one would be more than a pipe takes.
            .env("RUST_BACKTRACE", "0")
            .envs(more.iter().copied())
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut service = Self {
            process,
            address,
            metrics,
        };
        wait_until("it serves", || {
            assert!(service.process.try_wait().unwrap().is_none(), "it has ended");
            TcpStream::connect(&service.address).is_ok() && TcpStream::connect(&service.metrics).is_ok()
        });
        service
    }

    fn get(&self, path: &str) -> u16 {
        RawRequest::new("GET", path).send(&self.address).status
    }

    fn dropped_lines(&self) -> u64 {
        let metrics = RawRequest::new("GET", "/metrics").send(&self.metrics).text();
        let mut counts = metrics
            .lines()
            .filter_map(|line| line.strip_prefix("jeton_log_lines_dropped_total "));
        counts.next().unwrap().parse().unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    fn wait(&mut self) -> ExitStatus {
        wait_until("it ends", || self.process.try_wait().unwrap().is_some());
        self.process.wait().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Puts into a pipe what goes into it.
fn fill(pipe: &PipeWriter) {
    fcntl_setfl(pipe, OFlags::NONBLOCK).unwrap();
    let mut pipe_full = pipe;
    loop {
        match pipe_full.write(&[b'\n'; 512]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    fcntl_setfl(pipe, OFlags::empty()).unwrap();
}

/// More than a pipe takes of the lines of the log.
fn ask_often(service: &Service) {
    let mut client = Client::connect_to(&service.address);
    for _ in 0..500 {
        assert_eq!(client.get("/public"), 200);
    }
    assert_eq!(service.get("/readyz"), 200);
}

fn read_until(reader: &mut PipeReader, text: &str) {
    let mut read = String::new();
    let mut buffer = [0; 4096];
    while !read.contains(text) {
        let count = reader.read(&mut buffer).unwrap();
        assert!(count > 0, "ended after {read}");
        read.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
}

#[test]
fn requests_go_on_when_whoever_read_the_log_is_gone_and_lost_lines_are_counted() {
    let (mut reader, writer) = pipe().unwrap();
    let mut service = Service::start(writer.try_clone().unwrap(), writer, &[]);
    assert_eq!(service.dropped_lines(), 0);
    read_until(&mut reader, "listening on");
    drop(reader);
    ask_often(&service);
    wait_until("lost lines are counted", || service.dropped_lines() >= 500);
    service.signal(Signal::TERM);
    assert!(service.wait().success());
}

#[test]
fn requests_and_signals_do_not_wait_for_a_log_that_nobody_reads() {
    for flags in [OFlags::empty(), OFlags::NONBLOCK] {
        let (_reader, writer) = pipe().unwrap();
        fcntl_setfl(&writer, flags).unwrap();
        let mut service = Service::start(writer.try_clone().unwrap(), writer, &[]);
        ask_often(&service);
        service.signal(Signal::TERM);
        assert!(service.wait().success());
    }
}

/// As with `ulimit -f`, or systemd's `LimitFSIZE=`.
#[test]
#[cfg(target_os = "linux")]
fn requests_go_on_when_the_log_is_a_file_that_may_not_grow() {
    use rustix::fs::{MemfdFlags, memfd_create};
    use rustix::process::{Resource, Rlimit, prlimit};

    let file = memfd_create("log", MemfdFlags::CLOEXEC).unwrap();
    let mut service = Service::start(file.try_clone().unwrap(), file, &[]);
    let (current, maximum) = (Some(1), Some(1));
    prlimit(
        Some(Pid::from_child(&service.process)),
        Resource::Fsize,
        Rlimit { current, maximum },
    )
    .unwrap();
    ask_often(&service);
    wait_until("lost lines are counted", || service.dropped_lines() >= 500);
    service.signal(Signal::TERM);
    assert!(service.wait().success());
}

#[test]
fn a_second_signal_ends_a_service_whose_log_nobody_reads() {
    let (_reader, writer) = pipe().unwrap();
    let more = [("JETON_SHUTDOWN_GRACE", "1h")];
    let mut service = Service::start(writer.try_clone().unwrap(), writer, &more);
    ask_often(&service);
    service.signal(Signal::TERM);
    wait_until("it says so", || service.get("/readyz") == 503);
    service.signal(Signal::INT);
    assert_eq!(service.wait().code(), Some(1));
}

#[test]
fn a_panic_is_told_in_the_log_and_waits_for_nobody() {
    let (mut stdout, writer) = pipe().unwrap();
    let (_stderr, full) = pipe().unwrap();
    fill(&full);
    let service = Service::start(writer, full, &[]);
    let panic = RawRequest::new("GET", "/panic").header("X-Request-Id", "of-the-defect");
    // One for each of its threads, and some.
    for _ in 0..100 {
        let _ = try_raw(&service.address, &panic.to_bytes());
    }
    for _ in 0..100 {
        assert_eq!(service.get("/public"), 200);
    }
    read_until(&mut stdout, "panicked: a defect");
    drop(service);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("of-the-defect"), "the line has the request's id");
}
