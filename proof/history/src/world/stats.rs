use crate::verify::THREADS;
use crate::wire::Tally;
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;

/// What is counted of a run.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    /// By process, of those there are.
    tallies: BTreeMap<String, Tally>,
    /// Of those that have ended, and how many.
    ended: (Tally, u64),
    /// By act: how long each acknowledgement took.
    acts: BTreeMap<&'static str, Vec<Duration>>,
    /// The same by what was wrong meanwhile.
    during: BTreeMap<&'static str, Vec<Duration>>,
    /// Acknowledged by "there is nothing left to revoke", in answer to another attempt.
    found_gone: BTreeMap<&'static str, u64>,
    faults: BTreeMap<&'static str, u64>,
    /// By fault: for how long checks were not answered, and for how long signing up and logging out did not work.
    outages: BTreeMap<&'static str, (Vec<Duration>, Vec<Duration>)>,
    /// Acknowledgements that nothing would have excused for being late.
    punctual: (u64, Duration),
    pub(crate) issued: u64,
    /// Answers of auth services that said nothing of what was done.
    pub(crate) unsure: u64,
    /// Checks of revoked tokens by the guards of the auth services.
    pub(crate) guarded: u64,
}

impl Stats {
    pub(crate) fn add_tally(&mut self, process: &str, tally: &Tally) {
        match self.tallies.get_mut(process) {
            Some(known) => known.add(tally),
            None => drop(self.tallies.insert(process.to_owned(), *tally)),
        }
    }

    pub(crate) fn acknowledged(&mut self, act: &'static str, took: Duration, faults: &[&'static str]) {
        self.acts.entry(act).or_default().push(took);
        for fault in faults {
            self.during.entry(fault).or_default().push(took);
        }
        if faults.is_empty() {
            self.during.entry("nothing wrong").or_default().push(took);
        }
    }

    pub(crate) fn punctual(&mut self, waited: Duration) {
        let (count, longest) = self.punctual;
        self.punctual = (count + 1, longest.max(waited));
    }

    pub(crate) fn found_gone(&mut self, act: &'static str) {
        *self.found_gone.entry(act).or_default() += 1;
    }

    pub(crate) fn fault(&mut self, fault: &'static str) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// For how long each verifier could not tell.
    pub(crate) fn unavailable(&self) -> BTreeMap<String, Duration> {
        let time = |tally: &Tally| Duration::from_nanos(tally.unavailable_nanos / THREADS as u64);
        let there = self.tallies.iter();
        there.map(|(name, tally)| (name.clone(), time(tally))).collect()
    }

    pub(crate) fn outage(&mut self, fault: &'static str, checks: Duration, requests: Duration) {
        let (all_checks, all_requests) = self.outages.entry(fault).or_default();
        all_checks.push(checks);
        all_requests.push(requests);
    }

    /// Over hours, thousands of processes come and go.
    pub(crate) fn ended(&mut self, process: &str) {
        if let Some(tally) = self.tallies.remove(process) {
            self.ended.0.add(&tally);
            self.ended.1 += 1;
        }
    }

    /// How far the run is.
    pub(crate) fn brief(&self) -> String {
        let acknowledged: usize = self.acts.values().map(Vec::len).sum();
        let (checks, issued) = (self.total().checks(), self.issued);
        format!("{checks} checks of {issued} tokens, {acknowledged} acknowledgements")
    }

    fn total(&self) -> Tally {
        let mut total = self.ended.0;
        self.tallies.values().for_each(|tally| total.add(tally));
        total
    }
}

/// The end of the output.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        writeln!(f, "tokens issued: {}", self.issued)?;
        writeln!(
            f,
            "checks: {} = {} hits + {} looked up + {} refused + {} unavailable ({} hits of accepted); {} by guards",
            total.checks(),
            total.hits,
            total.looked_up,
            total.refused,
            total.unavailable,
            share(total.hits, total.hits + total.looked_up),
            self.guarded
        )?;
        table(f, "acknowledgements", &self.acts)?;
        table(f, "acknowledgements during", &self.during)?;
        writeln!(
            f,
            "of these, had to be in time whatever was wrong with verifiers: {}, the last of them after {:.1} ms",
            self.punctual.0,
            self.punctual.1.as_secs_f64() * 1000.0
        )?;
        writeln!(
            f,
            "of these, another attempt found nothing left to revoke: {}",
            counts(&self.found_gone)
        )?;
        writeln!(
            f,
            "answers of no use (503, no answer), tried again: {}",
            self.unsure
        )?;
        writeln!(f, "unavailable, by process:")?;
        let (ended, count) = (&self.ended.0, format!("{} that have ended", self.ended.1));
        let there = self.tallies.iter();
        for (process, tally) in there.chain([(&count, ended)]) {
            let time = Duration::from_nanos(tally.unavailable_nanos).as_secs_f64();
            let (unavailable, checks) = (tally.unavailable, tally.checks());
            writeln!(
                f,
                "  {process}: {unavailable} of {checks} checks, {time:.3} s of checking threads"
            )?;
        }
        for (fault, (checks, requests)) in &self.outages {
            let longest = |times: &[Duration]| times.iter().max().copied().unwrap_or_default().as_secs_f64();
            writeln!(
                f,
                "503 during {fault}, at the most: checks {:.1} s, signing up and logging out {:.1} s",
                longest(checks),
                longest(requests)
            )?;
        }
        writeln!(f, "faults: {}", counts(&self.faults))
    }
}

fn table(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    rows: &BTreeMap<&'static str, Vec<Duration>>,
) -> fmt::Result {
    writeln!(
        f,
        "{title}:{:width$}    count   p50 ms   p99 ms   max ms",
        "",
        width = 30_usize.saturating_sub(title.len())
    )?;
    for (name, times) in rows {
        let mut times = times.clone();
        times.sort_unstable();
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|part| percentile(&times, part).as_secs_f64() * 1000.0);
        writeln!(f, "  {name:30} {:7} {p50:8.1} {p99:8.1} {max:8.1}", times.len())?;
    }
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "an index into a list of far fewer than 2^52"
)]
fn percentile(sorted: &[Duration], part: f64) -> Duration {
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1))
        .or(sorted.last())
        .copied()
        .unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "for a person to read")]
fn share(part: u64, whole: u64) -> String {
    format!("{:.2} %", part as f64 * 100.0 / whole.max(1) as f64)
}

fn counts(counts: &BTreeMap<&'static str, u64>) -> String {
    let mut text = String::new();
    for (name, count) in counts {
        let comma = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{comma}{name} {count}");
    }
    if text.is_empty() {
        text.push_str("none");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let times: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 0.5), Duration::from_millis(50));
        assert_eq!(percentile(&times, 0.99), Duration::from_millis(99));
        assert_eq!(percentile(&times, 1.0), Duration::from_millis(100));
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
    }
}
