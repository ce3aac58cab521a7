use super::number;
use crate::results::{Contender, LoginResult, Results, RowsResult};
use crate::stats::{Latency, Spread};
use crate::targets::{Bound, Target, Verdict};
use Bound::{AtLeast, AtMost};

const NO_DATA: &str = "it cannot be told in this run";

fn target(what: impl Into<String>, bound: Bound, unit: &'static str, value: Option<f64>) -> Target {
    Target {
        what: what.into(),
        bound,
        unit,
        value: value.ok_or(NO_DATA),
    }
}

pub(super) fn targets(results: &Results) -> Vec<Target> {
    let median = |spread: Option<Spread>| spread.map(|spread| spread.median);
    let mut targets = Vec::new();
    for (memory, (hs256, es256)) in results.memory.iter().zip([(15.0, 400.0), (8.0, 200.0)]) {
        let known = super::thousands(memory.tokens as f64);
        for (name, times, least) in [("HS256", &memory.hs256, hs256), ("ES256", &memory.es256, es256)] {
            let faster = median(Spread::of_ratios(times, &memory.verify));
            let what = format!("a check in process, {known} tokens known, is faster than {name}");
            targets.push(target(what, AtLeast(least), "times", faster));
        }
    }
    let protected = results.throughput(Contender::JetonKnown, Contender::Open);
    let cold = results.throughput(Contender::JetonUnknown, Contender::Pooled);
    let revocations = &results.revocations;
    let others = |place: usize| revocations.rounds.get(place).map_or(0, |one| one.verifiers);
    let (some, many) = (others(1), others(2));
    let accepted: usize = revocations.rounds.iter().map(|one| one.accepted).sum();
    let logins = Spread::of_ratios(&results.logins.logins, &results.logins.bound);
    let bytes = results.memory.last().and_then(|memory| memory.bytes);
    targets.extend([
        target(
            "throughput of a protected endpoint, of that of an open one",
            AtLeast(0.95),
            "",
            median(protected),
        ),
        target(
            "throughput with tokens never seen before, of that of one pooled query a request",
            AtLeast(8.0),
            "times",
            median(cold),
        ),
        target(
            format!(
                "a revocation is acknowledged with {some} other verifiers live: p50, of the p50 of a durable commit and a \
                notification"
            ),
            AtMost(3.0),
            "times",
            revocations.of_bare(some, |latency| latency.p50),
        ),
        target(
            "the same: p99, of that p50",
            AtMost(6.0),
            "times",
            revocations.of_bare(some, |latency| latency.p99),
        ),
        target(
            format!("the same with {many} other verifiers: p50, of that p50"),
            AtMost(12.0),
            "times",
            revocations.of_bare(many, |latency| latency.p50),
        ),
        target(
            "a service that has nothing to do wakes up, a second",
            AtMost(10.0),
            "times",
            results.idle.wake_ups,
        ),
        target(
            "and takes, of a core",
            AtMost(0.05),
            "%",
            results.idle.core.map(|part| part * 100.0),
        ),
        target(
            "revoked tokens accepted after the acknowledgement",
            AtMost(0.0),
            "",
            Some(accepted as f64),
        ),
        target(
            format!(
                "other people's logouts that were not answered 204 while one address floods the login on {} connections",
                super::thousands(results.flood.connections as f64)
            ),
            AtMost(0.0),
            "",
            Some(results.flood.refused as f64),
        ),
        target(
            "p99 of these, of the quiet p99",
            AtMost(10.0),
            "times",
            results.flood.slowdown(),
        ),
        target(
            "tokens issued a second for refresh tokens that are replaced",
            AtLeast(1000.0),
            "",
            median(Spread::of(results.refreshes.kinds[0].rate.iter().copied())),
        ),
        target(
            "rows in the log of revocations for expired tokens of apps that are purged",
            AtMost(0.0),
            "",
            Some(results.refreshes.purge.logged),
        ),
        target(
            "sign-ins a second, of what the cores can hash",
            AtLeast(0.97),
            "",
            median(logins),
        ),
        slowdown(
            "p99 of a check at the auth service while sign-ins saturate it, of the quiet p99",
            2.0,
            &results.logins.check_at_auth,
        ),
        slowdown("the same at a service beside it", 2.0, &results.logins.beside),
        slowdown(
            "the same of a request to the auth service that takes two queries",
            5.0,
            &results.logins.queries_at_auth,
        ),
        target(
            format!("memory for a known token, of {}", known(results)),
            AtMost(120.0),
            "bytes",
            bytes,
        ),
    ]);
    targets.extend(rows_targets(&results.rows));
    targets
}

fn slowdown(what: &str, most: f64, latencies: &[Vec<Latency>; 2]) -> Target {
    let times = LoginResult::slowdown(latencies).map(|spread| spread.median);
    target(what, AtMost(most), "times", times)
}

fn known(results: &Results) -> String {
    super::thousands(results.memory.last().map_or(0.0, |memory| memory.tokens as f64))
}

fn rows_targets(rows: &RowsResult) -> [Target; 2] {
    let target = |what: String, most, [few, many]: &[Vec<f64>; 2]| {
        let slower = Spread::of_ratios(many, few).map(|spread| spread.median);
        let mut target = target(what, AtMost(most), "times", slower);
        if rows.many < 10_000_000 {
            target.value = Err("needs `--large`");
        }
        target
    };
    [
        target(
            "the time of a look-up with ten million rows, of that with ten thousand".to_owned(),
            1.1,
            &rows.alone,
        ),
        target(
            format!("the same, {} at once", rows.in_flight),
            1.3,
            &rows.together,
        ),
    ]
}

fn bound(target: &Target) -> String {
    let (sign, value) = match target.bound {
        AtLeast(value) => ("≥", value),
        AtMost(value) => ("≤", value),
    };
    format!("{sign} {value} {}", target.unit).trim_end().to_owned()
}

fn measured(target: &Target) -> String {
    match target.value {
        Ok(value) => format!("{} {}", number(value), target.unit).trim_end().to_owned(),
        Err(reason) => reason.to_owned(),
    }
}

pub(super) fn table(targets: &[Target]) -> String {
    let row = |target: &Target| {
        vec![
            target.what.clone(),
            bound(target),
            measured(target),
            target.verdict().as_str().to_owned(),
        ]
    };
    let rows: Vec<_> = targets.iter().map(row).collect();
    format!(
        "## Targets\n\nSet before anything was measured. Medians of all rounds.\n\n{}",
        super::table(&["what", "target", "measured", ""], &rows)
    )
}

/// For the terminal.
pub(super) fn lines(targets: &[Target]) -> Vec<String> {
    let line = |target: &Target| {
        let verdict = match target.verdict() {
            Verdict::Met => "met   ",
            Verdict::Missed => "MISSED",
            Verdict::NotMeasured => "-     ",
        };
        format!(
            "{verdict} {} ({}): {}",
            measured(target),
            bound(target),
            target.what
        )
    };
    targets.iter().map(line).collect()
}
