use super::{Distribution, Labels, Samples};
use actix_web::http::StatusCode;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The upper ends of the buckets for the times of requests, in seconds: from what a check from memory takes to what
/// nobody waits for.
const BUCKETS: [f64; 16] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The requests of a service. Each of its threads counts for itself, so that they never wait for each other; whoever
/// asks sees the sum.
#[derive(Default)]
pub(crate) struct RequestMetrics {
    shards: Mutex<Vec<Arc<Shard>>>,
}

/// What one thread has served.
#[derive(Default)]
pub(crate) struct Shard(Mutex<Served>);

#[derive(Default)]
struct Served {
    /// By route, and there by method.
    routes: HashMap<String, BTreeMap<&'static str, Counts>>,
    in_flight: u64,
}

#[derive(Default)]
struct Counts {
    by_status: BTreeMap<u16, u64>,
    buckets: [u64; BUCKETS.len() + 1],
    sum_secs: f64,
}

/// How a request ended.
#[derive(Clone, Copy)]
pub(crate) enum Ending {
    Answered(StatusCode),
    /// The client hung up before: nginx's 499.
    Abandoned,
}

impl Shard {
    pub(crate) fn begin(&self) {
        self.lock().in_flight += 1;
    }

    /// `route` is a pattern: of what no pattern is for, all is one.
    pub(crate) fn end(&self, route: Option<&str>, method: &'static str, ending: Ending, took: Duration) {
        let route = route.unwrap_or("-");
        let status = match ending {
            Ending::Answered(status) => status.as_u16(),
            Ending::Abandoned => 499,
        };
        let mut served = self.lock();
        served.in_flight = served.in_flight.saturating_sub(1);
        if !served.routes.contains_key(route) {
            served.routes.insert(route.to_owned(), BTreeMap::new());
        }
        let Some(methods) = served.routes.get_mut(route) else {
            return;
        };
        methods.entry(method).or_default().count(status, took);
    }

    fn lock(&self) -> MutexGuard<'_, Served> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn count(&mut self, status: u16, took: Duration) {
        let secs = took.as_secs_f64();
        *self.by_status.entry(status).or_default() += 1;
        self.buckets[BUCKETS.partition_point(|end| *end < secs)] += 1;
        self.sum_secs += secs;
    }

    fn add(&mut self, other: &Self) {
        for (status, count) in &other.by_status {
            *self.by_status.entry(*status).or_default() += count;
        }
        for (here, there) in self.buckets.iter_mut().zip(other.buckets) {
            *here += there;
        }
        self.sum_secs += other.sum_secs;
    }
}

/// By route and method.
type All = BTreeMap<(String, &'static str), Counts>;

fn write_counts(samples: &mut Samples<'_>, all: &All) -> fmt::Result {
    let mut texts = Vec::new();
    for ((route, method), counts) in all {
        for (status, count) in &counts.by_status {
            texts.push((*method, route.as_str(), status.to_string(), *count));
        }
    }
    let labelled: Vec<_> = texts
        .iter()
        .map(|(method, route, status, count)| {
            (
                [
                    ("method", *method),
                    ("route", *route),
                    ("status", status.as_str()),
                ],
                *count,
            )
        })
        .collect();
    let values: Vec<(&Labels<'_>, u64)> = labelled
        .iter()
        .map(|(labels, count)| (labels.as_slice(), *count))
        .collect();
    samples.counters(
        "jeton_http_requests",
        "Requests, by how they were answered; 499: the client went away",
        &values,
    )
}

fn write_durations(samples: &mut Samples<'_>, all: &All) -> fmt::Result {
    let labelled: Vec<_> = all
        .iter()
        .map(|((route, method), counts)| ([("method", *method), ("route", route.as_str())], counts))
        .collect();
    let values: Vec<_> = labelled
        .iter()
        .map(|(labels, counts)| Distribution {
            labels,
            buckets: BUCKETS
                .into_iter()
                .chain([f64::INFINITY])
                .zip(counts.buckets)
                .collect(),
            sum: counts.sum_secs,
        })
        .collect();
    samples.histograms(
        "jeton_http_request_duration_seconds",
        "Time from the head of a request to the head of its answer",
        &values,
    )
}

impl RequestMetrics {
    /// For one more thread.
    pub(crate) fn shard(&self) -> Arc<Shard> {
        let shard = Arc::new(Shard::default());
        self.shards().push(shard.clone());
        shard
    }

    pub(crate) fn write(&self, samples: &mut Samples<'_>) -> fmt::Result {
        let (all, in_flight) = self.sum();
        write_counts(samples, &all)?;
        write_durations(samples, &all)?;
        samples.gauge(
            "jeton_http_requests_in_flight",
            "Requests that are being answered",
            in_flight as f64,
        )
    }

    fn sum(&self) -> (All, u64) {
        let mut all = All::new();
        let mut in_flight = 0;
        for shard in self.shards().iter() {
            let served = shard.lock();
            in_flight += served.in_flight;
            for (route, methods) in &served.routes {
                for (method, counts) in methods {
                    all.entry((route.clone(), method)).or_default().add(counts);
                }
            }
        }
        (all, in_flight)
    }

    fn shards(&self) -> MutexGuard<'_, Vec<Arc<Shard>>> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
