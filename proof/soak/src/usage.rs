//! What a service has of the machine, as Linux tells it (proc(5)) and as its metrics do.

use crate::services::Service;
use anyhow::{Context, ensure};
use jeton_proof_support::{RawRequest, status_field, try_raw};

/// What memory may grow by, in KiB, once a service has done everything for a while. An allocator does not give back all
/// that was used at once at some time, which was 2 MiB in ten minutes; a leak of 100 bytes a request comes to more than
/// this in the 100,000 requests that each service has in that time on two cores.
const MEMORY_SLACK: u64 = 8 * 1024;
/// Threads that wait for the next blocking work end when there is none for ten seconds; somebody always has some.
const THREADS_SLACK: u64 = 4;
/// What a remembered token takes at the most, in bytes: proof/bench measures 200.
const TOKEN_BYTES: u64 = 512;

/// What one service has at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) memory_kib: u64,
    pub(crate) descriptors: u64,
    pub(crate) threads: u64,
    /// Connections of the pool, each of them one descriptor.
    pub(crate) pool: u64,
    /// Tokens that it remembers.
    pub(crate) tokens: u64,
    /// Answers of 500 and above, other than 503.
    pub(crate) errors: u64,
}

/// A blocking connection has a runtime of its own: a socket, and four for waiting for it (epoll, and what wakes that).
const CONNECTION_DESCRIPTORS: u64 = 5;

impl Usage {
    pub(crate) fn of(service: &Service) -> anyhow::Result<Self> {
        let process = service.process.id().to_string();
        let descriptors = std::fs::read_dir(format!("/proc/{process}/fd"));
        let descriptors = descriptors.context("it is gone, or this is not Linux")?.count();
        let metrics = scrape(service)?;
        Ok(Self {
            memory_kib: status_field(&process, "VmRSS").context("it has no memory: it is dead")?,
            threads: status_field(&process, "Threads").context("no Threads")?,
            descriptors: descriptors as u64,
            pool: sum(&metrics, "jeton_database_connections{", |_| true),
            tokens: sum(&metrics, "jeton_cached_tokens", |_| true),
            errors: sum(&metrics, "jeton_http_requests_total{", |labels| {
                labels.contains("status=\"5") && !labels.contains("status=\"503\"")
            }),
        })
    }

    /// The more of each.
    pub(crate) fn most(&self, other: &Self) -> Self {
        Self {
            memory_kib: self.memory_kib.max(other.memory_kib),
            descriptors: self.descriptors.max(other.descriptors),
            threads: self.threads.max(other.threads),
            pool: self.pool.max(other.pool),
            tokens: self.tokens.max(other.tokens),
            errors: self.errors.max(other.errors),
        }
    }

    /// What has grown since `before` that nothing explains.
    pub(crate) fn leaks_since(&self, before: &Self) -> Vec<String> {
        let mut leaks = Vec::new();
        let mut at_most = |what: &str, now: u64, before: u64, slack: u64| {
            if now > before + slack {
                leaks.push(format!(
                    "{what}: from {before} to {now}, and {slack} more would be explained"
                ));
            }
        };
        let tokens_kib = self.tokens.saturating_sub(before.tokens) * TOKEN_BYTES / 1024;
        let memory = MEMORY_SLACK + tokens_kib;
        at_most("memory in KiB", self.memory_kib, before.memory_kib, memory);
        let pool = self.pool.saturating_sub(before.pool) * CONNECTION_DESCRIPTORS;
        at_most("descriptors", self.descriptors, before.descriptors, pool);
        at_most("threads", self.threads, before.threads, THREADS_SLACK);
        leaks
    }
}

/// Whether the service can check no token without Postgres.
pub(crate) fn lease_is_over(service: &Service) -> anyhow::Result<bool> {
    let metrics = scrape(service)?;
    let mut lines = metrics.lines();
    let left = lines.find_map(|line| line.strip_prefix("jeton_lease_left_seconds "));
    let left: f64 = left.context("no jeton_lease_left_seconds")?.parse()?;
    Ok(left <= 0.0)
}

fn scrape(service: &Service) -> anyhow::Result<String> {
    let request = RawRequest::new("GET", "/metrics").header("Connection", "close");
    let answer = try_raw(service.metrics.as_str(), &request.to_bytes())?;
    ensure!(
        answer.status == 200,
        "metrics of {}: {}",
        service.name,
        answer.status
    );
    Ok(answer.text())
}

/// The sum of the samples whose line begins so, and whose labels are wanted.
fn sum(metrics: &str, begins: &str, wanted: impl Fn(&str) -> bool) -> u64 {
    let samples = metrics
        .lines()
        .filter(|line| line.starts_with(begins) && wanted(line));
    let values = samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts, which are far below 2^52"
    )]
    let sum = values.sum::<f64>() as u64;
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read_by_name() {
        let metrics = "# TYPE a gauge\na{state=\"idle\"} 3\na{state=\"in_use\"} 1.0\nab 9\n";
        assert_eq!(sum(metrics, "a{", |_| true), 4);
        assert_eq!(sum(metrics, "a{", |labels| labels.contains("idle")), 3);
    }

    #[test]
    fn growth_is_a_leak_beyond_what_explains_it() {
        let before = Usage {
            memory_kib: 20_000,
            descriptors: 50,
            threads: 20,
            pool: 2,
            ..Usage::default()
        };
        let explained = Usage {
            memory_kib: 28_192,
            descriptors: 90,
            threads: 24,
            pool: 10,
            ..before
        };
        assert_eq!(explained.leaks_since(&before), Vec::<String>::new());
        let leaks = Usage {
            memory_kib: 28_193,
            descriptors: 91,
            threads: 25,
            ..explained
        };
        assert_eq!(leaks.leaks_since(&before).len(), 3);
        let remembers = Usage {
            tokens: 2_000,
            memory_kib: 29_192,
            ..explained
        };
        assert_eq!(remembers.leaks_since(&before), Vec::<String>::new());
    }
}
