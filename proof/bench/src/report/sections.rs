use super::{number, paragraph, spread, table, thousands};
use crate::plan::Plan;
use crate::results::{Contender, FloodResult, LoginResult, Results, RevocationResults};
use crate::stats::{Latency, Spread};

fn of(values: &[f64]) -> String {
    spread(Spread::of(values.iter().copied()))
}

fn ratio(over: &[f64], under: &[f64]) -> String {
    spread(Spread::of_ratios(over, under))
}

pub(super) fn in_process(results: &Results) -> String {
    let row = |memory: &crate::memory::Measured| {
        vec![
            thousands(memory.tokens as f64),
            of(&memory.verify),
            of(&memory.hs256),
            of(&memory.es256),
            ratio(&memory.hs256, &memory.verify),
            ratio(&memory.es256, &memory.verify),
            memory.bytes.map_or_else(|| "–".to_owned(), number),
        ]
    };
    let rows: Vec<_> = results.memory.iter().map(row).collect();
    let head = [
        "tokens known",
        "Jeton, ns",
        "HS256, ns",
        "ES256, ns",
        "HS256 ÷ Jeton",
        "ES256 ÷ Jeton",
        "bytes a token",
    ];
    let rounds = results.memory.first().map_or(0, |memory| memory.verify.len());
    let how = format!(
        "From the token's text to the caller, one after the other on one core: `Verifier::verify` (checksum, SHA-256, \
        clock, look-up, a note of the use), and `jsonwebtoken::decode` of tokens that say as much, checking signature \
        and expiry, with ring for the cryptography. Median, lowest and highest of {rounds} rounds. Tokens come in an \
        order that is random to the memory they are in. The bytes are what the process' resident memory has grown by, \
        for each token; what a process needs once weighs more where they are few."
    );
    format!(
        "## A check in process\n\n{}\n{}",
        paragraph(&how),
        table(&head, &rows)
    )
}

pub(super) fn over_http(plan: &Plan, results: &Results, chart: &str) -> String {
    let open = results.http(Contender::Open);
    let row = |result: &crate::results::HttpResult| {
        vec![
            result.contender.label().to_owned(),
            of(&result.rate),
            open.map_or_else(String::new, |open| ratio(&result.rate, &open.rate)),
            of(&result.p50),
            of(&result.p99),
            of(&result.cpu),
            of(&result.load_cpu),
        ]
    };
    let rows: Vec<_> = results.http.iter().map(row).collect();
    let head = [
        "check",
        "requests/s",
        "of no check",
        "p50, µs",
        "p99, µs",
        "service CPU, µs",
        "load CPU, µs",
    ];
    let paragraphs = how_over_http(plan, results)
        .map(|text| paragraph(&text))
        .join("\n");
    format!(
        "## A check over HTTP\n\n![Requests a second]({chart})\n\n{paragraphs}\n{}",
        table(&head, &rows)
    )
}

fn how_over_http(plan: &Plan, results: &Results) -> [String; 3] {
    let redis = match &results.redis {
        Some(version) => {
            format!(
                "Redis {version} does not persist, and is asked over one multiplexed connection a worker."
            )
        }
        None => "`redis-server` was not installed, so sessions in Redis are missing.".to_owned(),
    };
    [
        format!(
            "One handler and one answer, in actix-web with as many workers as half of the cores ({workers}); what differs \
            is what stands before the handler. Jeton has a service of its own, so that the threads of its verifier cost \
            nobody else anything. The load is this program's own: a process with as many threads ({workers}) and \
            {connections} connections that are kept open, each sending the next request when it has the answer; the \
            same for all. {rounds} rounds of {secs} s each, all contenders in turn; ratios are taken within a round.",
            workers = results.workers,
            connections = plan.connections,
            rounds = plan.rounds,
            secs = number(plan.slice.as_secs_f64()),
        ),
        format!(
            "The pooled query is the verifier's own, one a request, by r2d2 with ten connections on blocking threads, \
            without a ping at check-out. It and introspection are asked for the same tokens as the verifier that has \
            never seen them. {redis} Introspection asks another process, which makes one pooled query and answers as \
            RFC 7662 says."
        ),
        "CPU is what a request costs the process that serves it, and the one that sends it; that of Postgres, Redis and \
        the introspection service is not in it. Where the service's is less than the load's, the load was the limit, and \
        the difference between two such lines is larger than their throughput shows."
            .to_owned(),
    ]
}

pub(super) fn table_sizes(results: &Results) -> String {
    let result = &results.rows;
    let row = |what: String, [few, many]: &[Vec<f64>; 2]| vec![what, of(few), of(many), ratio(many, few)];
    let rows = [
        row("one at a time".to_owned(), &result.alone),
        row(format!("{} at once", result.in_flight), &result.together),
    ];
    let [few, many] = [result.few, result.many].map(|rows| format!("{} rows, µs", thousands(rows as f64)));
    let how = "Microseconds a look-up through a verifier that remembers nothing, tokens drawn at random from the whole \
        table. The target is for one at a time.";
    format!(
        "## Tokens that are not known, in a small and a large table\n\n{}\n{}",
        paragraph(how),
        table(&["", &few, &many, "large ÷ small"], &rows)
    )
}

pub(super) fn revocations(results: &Results) -> String {
    let idle = paragraph(&idle(&results.idle));
    format!("{}\n{idle}", acknowledged(&results.revocations))
}

pub(crate) fn acknowledged(revocations: &RevocationResults) -> String {
    let row = |one: &crate::results::RevocationResult| {
        let Latency {
            count,
            p50,
            p90,
            p99,
            max,
        } = one.acknowledged;
        let mut row = vec![one.verifiers.to_string(), count.to_string()];
        row.extend([p50, p90, p99, max, one.alone.p50, one.alone.max].map(|micros| number(micros / 1e3)));
        row.push(number(p50 / revocations.bare.p50));
        row.extend([one.checks.to_string(), one.accepted.to_string()]);
        row
    };
    let rows: Vec<_> = revocations.rounds.iter().map(row).collect();
    let head = [
        "verifiers",
        "logouts",
        "p50, ms",
        "p90, ms",
        "p99, ms",
        "max, ms",
        "alone, p50, ms",
        "alone, max, ms",
        "p50 ÷ bare p50",
        "checks after it",
        "of these accepted",
    ];
    let alone = revocations.rounds.first().map_or(0, |one| one.alone.count);
    let how = format!(
        "The time of `POST /v1/logout` at the auth service, the look-up of the token that it is sent with included. \
        Each token is known to all verifiers, services in processes of their own, before it is logged out, and is shown \
        to all of them right after the acknowledgement. The auth service's own verifier comes on top of the number. \
        Alone: {alone} more logouts, before each of which there was none for a second, so that nothing is warm; \
        a bare one that comes alone (below) takes {} ms (p50).",
        number(revocations.bare_alone.p50 / 1e3)
    );
    let killed = &revocations.killed;
    let more = format!(
        "Bare is what nobody can be quicker than: from sending a durable `DELETE` of one row and a `NOTIFY`, until it has \
        committed and one listener has heard of it, with nothing else at work; p50 {} ms, p99 {} ms of {}, half of them \
        before and half after the logouts. In the end {} of the verifiers were killed at once (SIGKILL), and {} were left: \
        the next logout took {} ms, which is what is left of a lease; the {} after it {} ms (p50) and {} ms (p99).",
        number(revocations.bare.p50 / 1e3),
        number(revocations.bare.p99 / 1e3),
        revocations.bare.count,
        killed.killed,
        killed.left,
        number(killed.first / 1e3),
        killed.after.count,
        number(killed.after.p50 / 1e3),
        number(killed.after.p99 / 1e3),
    );
    format!(
        "## Revocation\n\n{}\n{}\n{}",
        paragraph(&how),
        table(&head, &rows),
        paragraph(&more),
    )
}

fn idle(idle: &crate::results::IdleResult) -> String {
    let of = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
    format!(
        "A service with a verifier that nobody asks anything wakes up {} times a second and takes {} % of a core (all of its \
        threads; voluntary context switches and run time, as Linux counts them). A thread that wakes up as often and does nothing takes {} %.",
        of(idle.wake_ups),
        of(idle.core.map(|part| part * 100.0)),
        of(idle.sleeper.map(|part| part * 100.0)),
    )
}

pub(crate) fn flood(flood: &FloodResult) -> String {
    let row = |what: &str, latency: &Latency| {
        let Latency {
            count, p50, p99, max, ..
        } = latency;
        let mut row = vec![what.to_owned(), count.to_string()];
        row.extend([p50, p99, max].map(|micros| number(micros / 1e3)));
        row
    };
    let rows = [
        row("quiet", &flood.quiet),
        row("during the flood", &flood.flooded),
    ];
    let how = format!(
        "`POST /v1/logout`, one after the other, each with a token of its own, quiet and while {} connections try wrong \
        passwords, each sending the next when it has the answer: {} of them were answered, nearly all 429 or 503. Of all logouts, \
        {} were answered otherwise than 204. The flood shares the cores.",
        super::thousands(flood.connections as f64),
        super::thousands(flood.sent as f64),
        flood.refused,
    );
    format!(
        "## Logouts during a flood\n\n{}\n{}",
        paragraph(&how),
        table(&["", "logouts", "p50, ms", "p99, ms", "max, ms"], &rows)
    )
}

pub(crate) fn logins(logins: &LoginResult) -> String {
    let how = format!(
        "`POST /v1/login` with {} under way at once, bcrypt at cost {}. The bound is what as many threads as there are \
        cores hash that do nothing else, measured just before and just after.",
        logins.in_flight, logins.bcrypt_cost,
    );
    let rates = [
        ["sign-ins a second".to_owned(), of(&logins.logins)],
        ["hashes a second, all cores at it".to_owned(), of(&logins.bound)],
        [
            "the one as a part of the other".to_owned(),
            ratio(&logins.logins, &logins.bound),
        ],
        [
            "one hash with all cores at it, ms".to_owned(),
            of(&logins.hash_together),
        ],
        [
            "one hash with the other cores idle, ms".to_owned(),
            of(&logins.hash_alone),
        ],
    ];
    let meanwhile = format!(
        "And the time of other requests, {} a second over 8 connections, quiet and while so many sign-ins are under \
        way. The load shares the cores with the hashing, so its own waiting counts, too.",
        number(logins.pace)
    );
    let latencies = [
        latency(
            "`GET /v1/verify` at the auth service: the check alone",
            &logins.check_at_auth,
        ),
        latency(
            "a protected endpoint at another service: the check alone",
            &logins.beside,
        ),
        latency(
            "`GET /v1/me` at the auth service: a check and two queries",
            &logins.queries_at_auth,
        ),
    ];
    let head = [
        "",
        "p50 quiet, µs",
        "p50 busy, µs",
        "p99 quiet, µs",
        "p99 busy, µs",
        "p99 busy ÷ quiet",
    ];
    format!(
        "## Sign-ins\n\n{}\n{}\n{}\n{}",
        paragraph(&how),
        table(&["", "median (lowest – highest)"], &rates.map(Vec::from)),
        paragraph(&meanwhile),
        table(&head, &latencies),
    )
}

fn latency(what: &str, latencies: &[Vec<Latency>; 2]) -> Vec<String> {
    let all = |part: fn(&Latency) -> f64, rounds: &[Latency]| spread(Spread::of(rounds.iter().map(part)));
    let [quiet, busy] = latencies;
    vec![
        what.to_owned(),
        all(|round| round.p50, quiet),
        all(|round| round.p50, busy),
        all(|round| round.p99, quiet),
        all(|round| round.p99, busy),
        spread(LoginResult::slowdown(latencies)),
    ]
}
