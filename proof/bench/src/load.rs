//! The load: a process of its own, with connections that are kept open.

use crate::TokenSeries;
use crate::http::parse_answer;
use crate::stats::Latency;
use anyhow::{Context, ensure};
use jeton_proof_support::cpu_time;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// What to send where, and for how long.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    /// The request up to what differs, and from there on.
    pub(crate) around: (String, String),
    pub(crate) fillings: Fillings,
    /// Whether each filling is sent once at the most.
    pub(crate) once: bool,
    pub(crate) connections: usize,
    pub(crate) threads: usize,
    pub(crate) warm_up: Duration,
    pub(crate) time: Duration,
    /// Requests a second, all connections together; `None`: each sends the next when it has the answer.
    pub(crate) pace: Option<f64>,
}

/// What differs from one request to the next.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Fillings {
    Texts(Vec<String>),
    Tokens {
        series: TokenSeries,
        start: usize,
        count: usize,
    },
}

impl Fillings {
    fn texts(&self) -> Vec<String> {
        match self {
            Self::Texts(texts) => texts.clone(),
            Self::Tokens { series, start, count } => (*start..start + count)
                .map(|number| series.text(number))
                .collect(),
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Answers other than 2xx, in the warm-up, too.
    pub(crate) refused: usize,
    /// Requests that were answered, in the warm-up, too.
    pub(crate) sent: usize,
    /// Answers a second.
    pub(crate) rate: f64,
    pub(crate) latency: Latency,
    /// What sending and receiving has cost, in the warm-up, too; `None` where that cannot be told.
    pub(crate) cpu: Option<Duration>,
}

struct Shared {
    load: Load,
    fillings: Vec<String>,
    next: AtomicUsize,
    refused: AtomicUsize,
    begin: Instant,
    measure: Instant,
    end: Instant,
}

/// When a request was sent and when its answer was complete.
type Times = (Instant, Instant);

pub(crate) fn run(load: &Load) -> anyhow::Result<Outcome> {
    let fillings = load.fillings.texts();
    ensure!(!fillings.is_empty(), "nothing to send");
    let cpu_before = cpu_time("self");
    // Time to connect.
    let begin = Instant::now() + Duration::from_millis(50);
    let shared = Arc::new(Shared {
        load: load.clone(),
        fillings,
        next: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        begin,
        measure: begin + load.warm_up,
        end: begin + load.warm_up + load.time,
    });
    let threads: Vec<_> = (0..load.threads)
        .map(|thread| {
            let shared = shared.clone();
            std::thread::spawn(move || drive(shared, thread))
        })
        .collect();
    let mut times = Vec::new();
    for thread in threads {
        times.extend(thread.join().ok().context("a thread of the load panicked")??);
    }
    let cpu = cpu_before
        .zip(cpu_time("self"))
        .map(|(before, after)| after - before);
    Ok(Outcome {
        cpu,
        ..shared.outcome(&times)
    })
}

fn drive(shared: Arc<Shared>, thread: usize) -> anyhow::Result<Vec<Times>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async move {
        let connections: Vec<_> = (thread..shared.load.connections)
            .step_by(shared.load.threads)
            .map(|number| tokio::task::spawn_local(send_again_and_again(shared.clone(), number)))
            .collect();
        let mut times = Vec::new();
        for connection in connections {
            times.extend(connection.await??);
        }
        Ok(times)
    })
}

async fn send_again_and_again(shared: Arc<Shared>, number: usize) -> anyhow::Result<Vec<Times>> {
    let mut stream = TcpStream::connect(shared.load.address).await?;
    stream.set_nodelay(true)?;
    let (mut request, mut buffer) = (Vec::new(), vec![0; 4096]);
    let mut times = Vec::new();
    let interval = shared
        .load
        .pace
        .map(|rate| Duration::from_secs_f64(shared.load.connections as f64 / rate));
    let part = number as f64 / shared.load.connections as f64;
    let mut due = shared.begin + interval.unwrap_or_default().mul_f64(part);
    tokio::time::sleep_until(due.into()).await;
    // On a machine that is busy with others, nothing may be answered in a short time: one more, then.
    while Instant::now() < shared.end || !times.iter().any(|(sent, _)| *sent >= shared.measure) {
        let Some(filling) = shared.take() else { break };
        request.clear();
        for part in [&shared.load.around.0, filling, &shared.load.around.1] {
            request.extend_from_slice(part.as_bytes());
        }
        let mut sent = Instant::now();
        if let Some(interval) = interval {
            // Late because the last answer was late: the wait belongs to this request.
            if sent < due {
                tokio::time::sleep_until(due.into()).await;
                sent = Instant::now();
            } else {
                sent = due;
            }
            due += interval;
        }
        stream.write_all(&request).await?;
        let status = answer(&mut stream, &mut buffer).await?;
        if !(200..300).contains(&status) {
            shared.refused.fetch_add(1, Ordering::Relaxed);
        }
        times.push((sent, Instant::now()));
    }
    Ok(times)
}

async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<u16> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        ensure!(
            read > 0,
            "the server closed a connection, or its answer is too long"
        );
        filled += read;
        if let Some(answer) = parse_answer(&buffer[..filled])
            && filled >= answer.length
        {
            return Ok(answer.status);
        }
    }
}

impl Shared {
    fn take(&self) -> Option<&String> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if self.load.once {
            self.fillings.get(number)
        } else {
            self.fillings.get(number % self.fillings.len())
        }
    }

    fn outcome(&self, times: &[Times]) -> Outcome {
        let in_time = |(sent, done): &&Times| *sent >= self.measure && *done < self.end;
        // Where that is too few, what was answered later counts as well: a rate takes two.
        let is_late = times.iter().filter(in_time).count() < 2;
        let measured = || {
            let all = times.iter().filter(|(sent, _)| *sent >= self.measure);
            all.filter(|(_, done)| is_late || *done < self.end)
        };
        let done = |(_, done): &Times| done.saturating_duration_since(self.measure);
        let first = measured().map(done).min().unwrap_or_default();
        let last = measured().map(done).max().unwrap_or_default();
        let micros = measured().map(|(sent, done)| (*done - *sent).as_secs_f64() * 1e6);
        let latency = Latency::of(micros);
        Outcome {
            refused: self.refused.load(Ordering::Relaxed),
            sent: times.len(),
            // Between the first answer and the last one: neither a slow beginning nor running out of tokens counts.
            rate: latency.count.saturating_sub(1) as f64 / (last - first).as_secs_f64().max(1e-9),
            latency,
            cpu: None,
        }
    }
}
