//! Medians, percentiles and spread.

use serde::{Deserialize, Serialize};

/// The middle of several rounds, and how far apart they were.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// `None` for no values.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let sorted = sorted(values);
        Some(Self {
            median: median(&sorted)?,
            low: *sorted.first()?,
            high: *sorted.last()?,
        })
    }

    /// Of the quotients of what was measured in the same round: what slows a whole round down cancels out.
    pub(crate) fn of_ratios(over: &[f64], under: &[f64]) -> Option<Self> {
        Self::of(over.iter().zip(under).map(|(over, under)| over / under))
    }
}

pub(crate) fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The mean of the two middle ones where there is no middle one.
fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        Some(upper)
    } else {
        Some((sorted[sorted.len() / 2 - 1] + upper) / 2.0)
    }
}

/// The smallest value that at least `percent` of all are not above (nearest rank).
pub(crate) fn percentile(sorted: &[f64], percent: f64) -> Option<f64> {
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// How long things took, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) count: usize,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Latency {
    /// All zero for no values.
    pub(crate) fn of(micros: impl IntoIterator<Item = f64>) -> Self {
        let sorted = sorted(micros);
        let at = |percent| percentile(&sorted, percent).unwrap_or_default();
        Self {
            count: sorted.len(),
            p50: at(50.0),
            p90: at(90.0),
            p99: at(99.0),
            max: at(100.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let spread = |values: &[f64]| Spread::of(values.iter().copied());
        assert_eq!(spread(&[]), None);
        assert_eq!(
            spread(&[7.0]).map(|s| (s.low, s.median, s.high)),
            Some((7.0, 7.0, 7.0))
        );
        assert_eq!(
            spread(&[3.0, 1.0, 9.0]).map(|s| (s.low, s.median, s.high)),
            Some((1.0, 3.0, 9.0))
        );
        assert_eq!(spread(&[4.0, 1.0, 2.0, 8.0]).map(|s| s.median), Some(3.0));
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // The second round ran at half the speed; the ratio did not change.
        let ratio = Spread::of_ratios(&[90.0, 45.0, 99.0], &[100.0, 50.0, 100.0]);
        assert_eq!(ratio.map(|r| (r.low, r.median, r.high)), Some((0.9, 0.9, 0.99)));
        assert_eq!(Spread::of_ratios(&[1.0], &[]), None);
    }

    #[test]
    fn percentiles_are_of_values_that_were_seen() {
        let hundred = sorted((1..=100).rev().map(f64::from));
        for (percent, value) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (50.0, 50.0),
            (99.0, 99.0),
            (99.1, 100.0),
            (100.0, 100.0),
        ] {
            assert_eq!(percentile(&hundred, percent), Some(value), "{percent}");
        }
        assert_eq!(percentile(&[5.0], 99.0), Some(5.0));
        assert_eq!(percentile(&[1.0, 2.0, 3.0], 50.0), Some(2.0));
        assert_eq!(percentile(&[], 50.0), None);
    }

    #[test]
    fn a_latency_sums_its_values_up() {
        let latency = Latency::of((1..=1000).map(f64::from));
        assert_eq!((latency.count, latency.p50, latency.p90), (1000, 500.0, 900.0));
        assert_eq!((latency.p99, latency.max), (990.0, 1000.0));
        assert_eq!(Latency::of([]), Latency::default());
    }
}
