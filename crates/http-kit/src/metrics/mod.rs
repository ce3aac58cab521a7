//! What a service tells Prometheus.

mod address;
mod requests;
mod server;
mod standard;

pub use address::MetricsAddress;
pub use prometheus_client::metrics::histogram::Histogram;
pub(crate) use requests::{Ending, RequestMetrics, Shard};
pub(crate) use server::{Server, serve};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;

/// Times of revocations and of other things that take milliseconds, or a lease: the upper ends of the buckets, in seconds.
const WAITS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

/// The labels of one value, names and values. Few values for each: every combination is a time series.
pub type Labels<'a> = [(&'static str, &'a str)];

/// What a service tells whoever asks its metrics port, in Prometheus' format.
///
/// What [`serve`](crate::serve()) adds by itself: requests, the database's pool, checks of tokens, and the program's
/// version.
pub struct Metrics {
    pub(crate) registry: Registry,
}

impl Metrics {
    /// For a program of this name and version.
    #[must_use]
    pub fn new(program: &'static str, version: &'static str) -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
        };
        metrics.add(move |samples| {
            let labels = [("program", program), ("version", version)];
            samples.gauges(
                "jeton_build_info",
                "Always 1; which program this is",
                &[(&labels, 1.0)],
            )
        });
        metrics
    }

    /// Adds what is read anew each time that somebody asks.
    pub fn add(&mut self, read: impl Fn(&mut Samples<'_>) -> fmt::Result + Send + Sync + 'static) {
        self.registry.register_collector(Box::new(Reader(read)));
    }

    /// Adds a distribution of waiting times, which are observed in seconds.
    #[must_use]
    pub fn add_waits(&mut self, name: &str, help: &str) -> Histogram {
        let histogram = Histogram::new(WAITS);
        self.registry.register(name, help, histogram.clone());
        histogram
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

struct Reader<F>(F);

impl<F> fmt::Debug for Reader<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl<F> Collector for Reader<F>
where
    F: Fn(&mut Samples<'_>) -> fmt::Result + Send + Sync + 'static,
{
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        (self.0)(&mut Samples(encoder))
    }
}

/// How many values there were of each size, and their sum.
pub(crate) struct Distribution<'a> {
    pub(crate) labels: &'a Labels<'a>,
    /// The upper end of each, and how many there were in it.
    pub(crate) buckets: Vec<(f64, u64)>,
    pub(crate) sum: f64,
}

/// Where values are written to when somebody asks.
pub struct Samples<'a>(DescriptorEncoder<'a>);

impl Samples<'_> {
    /// A number that goes up and down.
    ///
    /// # Errors
    /// The answer cannot be written.
    pub fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        metric.encode_gauge(&value)
    }

    /// The same number of several things, told apart by labels.
    ///
    /// # Errors
    /// As [`gauge`](Self::gauge).
    pub fn gauges(&mut self, name: &str, help: &str, values: &[(&Labels<'_>, f64)]) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            metric.encode_family(labels)?.encode_gauge(value)?;
        }
        Ok(())
    }

    /// A number that only goes up; its name is without the `_total` that it gets.
    ///
    /// # Errors
    /// As [`gauge`](Self::gauge).
    pub fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    /// As [`counter`](Self::counter), of several things.
    ///
    /// # Errors
    /// As [`gauge`](Self::gauge).
    pub fn counters(&mut self, name: &str, help: &str, values: &[(&Labels<'_>, u64)]) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            metric
                .encode_family(labels)?
                .encode_counter::<NoLabelSet, _, u64>(value, None)?;
        }
        Ok(())
    }

    pub(crate) fn histograms(&mut self, name: &str, help: &str, values: &[Distribution<'_>]) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Histogram)?;
        for Distribution { labels, buckets, sum } in values {
            let count = buckets.iter().map(|(_, count)| count).sum();
            metric
                .encode_family(labels)?
                .encode_histogram::<NoLabelSet>(*sum, count, buckets, None)?;
        }
        Ok(())
    }
}
