use super::*;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::os::fd::OwnedFd;

fn start(capacity: usize) -> (PipeReader, LogWriter) {
    let (reader, writer) = pipe().unwrap();
    let writer = LogWriter::start(OwnedFd::from(writer).into(), capacity).unwrap();
    (reader, writer)
}

fn log(writer: &LogWriter, line: &str) {
    writer.clone().write_all(line.as_bytes()).unwrap();
}

/// Longer than any of these tests takes.
const LONG: Duration = Duration::from_secs(600);

#[test]
fn lines_are_written_in_order_and_flushing_waits_for_them() {
    let (reader, writer) = start(CAPACITY);
    for number in 0..100 {
        log(&writer, &format!("line {number}\n"));
    }
    writer.flush(LONG);
    let lines = BufReader::new(reader).lines().take(100).map(Result::unwrap);
    assert!(lines.eq((0..100).map(|number| format!("line {number}"))));
}

#[test]
fn nobody_waits_for_a_pipe_that_nobody_reads_and_what_was_kept_is_whole() {
    let (reader, writer) = start(100_000);
    let line = format!("{}\n", "x".repeat(999));
    for _ in 0..1000 {
        log(&writer, &line);
    }
    // The flush at the end of a program gives up: this would not return.
    writer.flush(Duration::ZERO);
    // What the pipe had taken, and what had waited: fewer than were logged, and not one of them in part.
    let kept = BufReader::new(reader).lines().map(Result::unwrap);
    let kept = kept.take(100).filter(|kept| kept.len() == 999).count();
    assert_eq!(kept, 100);
    assert!(dropped() > 500);
}

#[test]
fn a_pipe_that_does_not_block_is_waited_for_by_the_thread() {
    let (reader, writer) = pipe().unwrap();
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).unwrap();
    let writer = LogWriter::start(OwnedFd::from(writer).into(), CAPACITY).unwrap();
    let line = format!("{}\n", "x".repeat(9_999));
    for _ in 0..100 {
        log(&writer, &line);
    }
    let lines = BufReader::new(reader).lines().take(100).map(Result::unwrap);
    assert_eq!(lines.filter(|line| line.len() == 9_999).count(), 100);
}

#[test]
fn a_pipe_whose_reader_is_gone_fails_nobody() {
    let (reader, writer) = start(CAPACITY);
    drop(reader);
    let before = dropped();
    for _ in 0..10 {
        log(&writer, "into the void\n");
    }
    writer.flush(LONG);
    assert!(dropped() >= before + 10);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_fails_nobody() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let writer = LogWriter::start(full, CAPACITY).unwrap();
    let before = dropped();
    log(&writer, "one line\n");
    writer.flush(LONG);
    assert!(dropped() > before);
}

#[test]
fn whole_lines_go_together() {
    let long = format!("{}\n", "l".repeat(PIPE_BUF));
    let short = "s".repeat(99) + "\n";
    let text = format!("{}{long}{short}no end", short.repeat(50));
    let parts: Vec<usize> = lines_together(text.as_bytes()).map(<[u8]>::len).collect();
    assert_eq!(parts, [4000, 1000, PIPE_BUF + 1, 100, 6]);
}

#[test]
fn a_line_that_would_look_like_another_is_escaped() {
    assert_eq!(printable(b"{\"name\":\"plain\"}\n"), None);
    assert_eq!(
        printable("\u{1b}[2mgr\u{fc}\u{df}e\n".as_bytes()),
        Some("\u{1b}[2mgrüße\n".to_owned())
    );
    assert_eq!(
        printable("evil\u{202e}\r\n".as_bytes()),
        Some("evil\\u202e\\u000d\n".to_owned())
    );
}
