//! Where the lines of the log go: to a thread of their own, which writes them. Whoever logs never waits and never fails,
//! whatever has become of standard output: a pipe that nobody reads, or whose reader is gone, a full disk.

use jeton_domain::printable::{escape_where, is_unprintable};
use rustix::event::{PollFd, PollFlags, poll};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// How many bytes wait to be written at the most. As many again may be under way.
const CAPACITY: usize = 4 * 1024 * 1024;

/// Lines are written several at once up to this many bytes, which a pipe takes whole (`PIPE_BUF` of pipe(7)): processes
/// that share one do not come to write into each other's lines.
const PIPE_BUF: usize = 4096;

/// How long the end of a program waits for the last lines to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lines that nobody took, since the program has begun.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// What [`LogWriter::install`] was given.
static INSTALLED: OnceLock<LogWriter> = OnceLock::new();

/// See [`DROPPED`].
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Waits until the lines so far are written, for a second at the most: before a program ends.
pub(crate) fn flush() {
    if let Some(writer) = INSTALLED.get() {
        writer.flush(PATIENCE);
    }
}

/// Says a line on standard error, which may be as [little read](self) as the log: waits a second for it at the most.
pub(crate) fn complain(text: String) {
    let (said, told) = std::sync::mpsc::channel();
    let saying = thread::Builder::new().spawn(move || {
        let _ = writeln!(io::stderr(), "{text}");
        let _ = said.send(());
    });
    if saying.is_ok() {
        let _ = told.recv_timeout(PATIENCE);
    }
}

/// Takes lines, and never makes anybody wait.
#[derive(Clone)]
pub(crate) struct LogWriter(Arc<Shared>);

struct Shared {
    capacity: usize,
    queue: Mutex<Queue>,
    filled: Condvar,
    emptied: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: Vec<u8>,
    /// Whether what was taken out last is still being written.
    writing: bool,
}

impl LogWriter {
    /// The one that writes to standard output.
    ///
    /// # Errors
    /// There are no more threads or file descriptors to be had.
    pub(crate) fn install() -> io::Result<Self> {
        // By a descriptor of its own: whoever is stuck in writing must not hold the lock that the standard library has on it.
        let stdout = io::stdout().as_fd().try_clone_to_owned()?;
        let writer = Self::start(stdout.into(), CAPACITY)?;
        Ok(INSTALLED.get_or_init(|| writer).clone())
    }

    fn start(output: File, capacity: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            capacity,
            queue: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
        });
        let of_thread = shared.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || {
            of_thread.write_all_that_comes(Output {
                file: output,
                torn: false,
            })
        })?;
        Ok(Self(shared))
    }

    fn flush(&self, patience: Duration) {
        let queue = self.0.lock();
        let is_pending = |queue: &mut Queue| queue.writing || !queue.lines.is_empty();
        let _ = self.0.emptied.wait_timeout_while(queue, patience, is_pending);
    }
}

/// Whole lines at a time, as tracing writes them.
impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match printable(line) {
            Some(printable) => self.0.push(printable.as_bytes()),
            None => self.0.push(line),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What somebody has written into a line may not make it look like another one; `None`: it does not. Ends of lines and the
/// colours for terminals are tracing's own.
fn printable(line: &[u8]) -> Option<String> {
    let is_plain = |byte: &u8| (b' '..=b'~').contains(byte) || b"\n\x1b".contains(byte);
    if line.iter().all(is_plain) {
        return None;
    }
    let escaped = |character| is_unprintable(character) && !"\n\x1b".contains(character);
    Some(escape_where(&String::from_utf8_lossy(line), escaped).into_owned())
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut queue = self.lock();
        if queue.lines.len() + line.len() > self.capacity {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            return;
        }
        queue.lines.extend_from_slice(line);
        drop(queue);
        self.filled.notify_one();
    }

    fn write_all_that_comes(&self, mut output: Output) {
        let (mut batch, mut told) = (Vec::new(), 0);
        loop {
            self.take(&mut batch);
            let lost: u64 = lines_together(&batch).map(|lines| output.write(lines)).sum();
            DROPPED.fetch_add(lost, Ordering::Relaxed);
            let dropped = dropped();
            // Once somebody reads again.
            if lost == 0 && dropped > told {
                tracing::warn!(
                    lines = dropped - told,
                    "lines of the log were dropped: nobody took them"
                );
                told = dropped;
            }
        }
    }

    /// Waits for lines, and takes all there are.
    fn take(&self, batch: &mut Vec<u8>) {
        batch.clear();
        let mut queue = self.lock();
        queue.writing = false;
        if queue.lines.is_empty() {
            self.emptied.notify_all();
        }
        let mut queue = self
            .filled
            .wait_while(queue, |queue| queue.lines.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut queue.lines, batch);
        queue.writing = true;
    }
}

/// Cuts a text into as many whole lines as [a pipe takes whole](PIPE_BUF); a longer line is by itself.
fn lines_together(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let ends = |within: &[u8]| within.iter().rposition(|byte| *byte == b'\n');
        let end = ends(&text[..text.len().min(PIPE_BUF)])
            .or_else(|| text.iter().position(|byte| *byte == b'\n'))
            .map_or(text.len(), |end| end + 1);
        let (lines, rest) = text.split_at(end);
        text = rest;
        (!lines.is_empty()).then_some(lines)
    })
}

/// What lines are written to.
struct Output {
    file: File,
    /// Whether the last line was written in part: the next one is to begin at a new line.
    torn: bool,
}

impl Output {
    /// Writes lines, however long that takes; gives how many were lost.
    fn write(&mut self, lines: &[u8]) -> u64 {
        if self.torn {
            self.torn = !self.write_whole(b"\n").is_empty();
        }
        let lost = if self.torn { lines } else { self.write_whole(lines) };
        self.torn |= lost.len() < lines.len()
            && !lost.is_empty()
            && !lines[..lines.len() - lost.len()].ends_with(b"\n");
        lost.iter().filter(|byte| **byte == b'\n').count() as u64
    }

    /// Gives what could not be written.
    fn write_whole<'a>(&mut self, mut text: &'a [u8]) -> &'a [u8] {
        while !text.is_empty() {
            match self.file.write(text) {
                Ok(0) => break,
                Ok(count) => text = &text[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Somebody has made the pipe a non-blocking one, as event loops do with what they share with us.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let mut file = [PollFd::new(&self.file, PollFlags::OUT)];
                    if poll(&mut file, None).is_err_and(|error| error != rustix::io::Errno::INTR) {
                        break;
                    }
                }
                Err(_) => break,
            }
        }
        text
    }
}

#[cfg(test)]
mod tests;
