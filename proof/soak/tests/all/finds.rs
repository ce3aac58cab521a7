//! Whether it would find anything: what is done here to a run, from outside, it has to take for a fault of the services.

use crate::support::{alone, soak};
use jeton_local_postgres::process::signal;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Stdio};

/// A run.
struct Run {
    soak: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it has told so far.
    told: Vec<String>,
}

impl Run {
    fn start() -> Self {
        let mut soak = soak(&["0.2", "--seed", "1"])
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = BufReader::new(soak.stdout.take().unwrap()).lines();
        Self {
            soak,
            lines,
            told: Vec::new(),
        }
    }

    /// The rest of the next line that begins so.
    fn line(&mut self, begins: &str) -> String {
        for line in self.lines.by_ref().map_while(Result::ok) {
            self.told.push(line.clone());
            if let Some(rest) = line.strip_prefix(begins) {
                return rest.to_owned();
            }
        }
        panic!("no line {begins:?}:\n{}", self.told.join("\n"))
    }

    /// The process id and the address of a service.
    fn service(&mut self, name: &str) -> (u32, String) {
        let processes = self.line("processes: ");
        let service = processes
            .split(", ")
            .find_map(|service| service.strip_prefix(name));
        let (id, address) = service.unwrap().trim().split_once(' ').unwrap();
        (id.parse().unwrap(), address.to_owned())
    }

    /// Its exit status, and all that it told.
    fn end(mut self) -> (Option<i32>, String) {
        self.told.extend(self.lines.map_while(Result::ok));
        (self.soak.wait().unwrap().code(), self.told.join("\n"))
    }
}

#[test]
fn a_service_that_dies_is_found() {
    let _alone = alone();
    let mut run = Run::start();
    let (id, _) = run.service("resource-2");
    run.line("warmed up");
    signal("KILL", &[id]).unwrap();
    let (status, text) = run.end();
    assert_eq!(status, Some(1), "{text}");
    let wrong = |line: &str| line.starts_with("WRONG ") && line.contains("resource-2");
    assert!(text.lines().any(wrong), "{text}");
}

#[test]
fn descriptors_that_are_left_open_are_found() {
    let _alone = alone();
    let mut run = Run::start();
    let (_, address) = run.service("auth-1");
    run.line("warmed up");
    // Kept for the next request, for longer than the run lasts.
    let connections: Vec<_> = (0..40)
        .map(|_| {
            let mut connection = TcpStream::connect(&address).unwrap();
            connection
                .write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                .unwrap();
            let mut answer = [0; 12];
            connection.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"HTTP/1.1 200");
            connection
        })
        .collect();
    let (status, text) = run.end();
    drop(connections);
    assert_eq!(status, Some(1), "{text}");
    assert!(
        text.lines()
            .any(|line| line.starts_with("LEAK auth-1: descriptors")),
        "{text}"
    );
    assert!(text.lines().any(|line| line == "wrong: none"), "{text}");
}
