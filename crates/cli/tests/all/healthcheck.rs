use crate::jeton::{Outcome, command, run};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

/// Asks a server that gives this answer, and hands over its address as well.
fn ask(answer: &str) -> (Outcome, String) {
    let answer = answer.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/readyz", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        let head: Vec<String> = reader
            .lines()
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
            .collect();
        stream.write_all(answer.as_bytes()).unwrap();
        head
    });
    let outcome = run(command(&format!("healthcheck --url {url}")), "");
    let head = server.join().unwrap();
    assert_eq!(head[0], "GET /readyz HTTP/1.1");
    assert!(head.iter().any(|line| line.starts_with("Host: 127.0.0.1:")));
    (outcome, url)
}

#[test]
fn a_2xx_is_well_and_says_nothing() {
    for answer in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 204 No Content\r\n\r\n"] {
        let (outcome, _) = ask(answer);
        assert_eq!(outcome.stderr, "");
        assert_eq!(outcome.ok(), "");
    }
}

#[test]
fn any_other_status_fails() {
    for status in [301, 401, 503] {
        let (outcome, url) = ask(&format!("HTTP/1.1 {status} Whatever\r\n\r\n"));
        assert_eq!(outcome.error(), format!("{url} answered {status}"));
    }
}

#[test]
fn an_answer_that_is_not_http_fails() {
    for answer in ["", "SSH-2.0-OpenSSH_9.2\r\n"] {
        let (outcome, url) = ask(answer);
        assert_eq!(
            outcome.error(),
            format!("no answer from {url}: what answers does not speak HTTP")
        );
    }
}

#[test]
fn nobody_there_fails() {
    let error = run(command("healthcheck --url http://127.0.0.1:1/readyz"), "").error();
    assert!(
        error.starts_with("no answer from http://127.0.0.1:1/readyz: Connection refused"),
        "{error}"
    );
}

#[test]
fn a_server_that_never_answers_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let outcome = run(command(&format!("healthcheck --timeout 50ms --url {url}")), "");
    assert_eq!(outcome.error(), format!("no answer from {url}: timed out"));
}

#[test]
fn a_url_that_is_not_http_is_refused() {
    let error = run(command("healthcheck --url https://127.0.0.1/readyz"), "").error();
    assert_eq!(
        error,
        "no answer from https://127.0.0.1/readyz: only http can be asked"
    );
}
