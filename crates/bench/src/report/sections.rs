use super::{number, spread, table, thousands};
use crate::plan::Plan;
use crate::results::{Contender, LoginResult, Results};
use crate::stats::{Latency, Spread};

fn of(values: &[f64]) -> String {
    spread(Spread::of(values.iter().copied()))
}

fn ratio(over: &[f64], under: &[f64]) -> String {
    spread(Spread::of_ratios(over, under))
}

pub(super) fn in_process(results: &Results) -> String {
    let rows: Vec<_> = results
        .memory
        .iter()
        .map(|memory| {
            vec![
                thousands(memory.tokens as f64),
                of(&memory.verify),
                of(&memory.hs256),
                of(&memory.es256),
                ratio(&memory.hs256, &memory.verify),
                ratio(&memory.es256, &memory.verify),
                memory.bytes.map_or_else(|| "–".to_owned(), number),
            ]
        })
        .collect();
    let head = [
        "tokens known",
        "Jeton, ns",
        "HS256, ns",
        "ES256, ns",
        "HS256 ÷ Jeton",
        "ES256 ÷ Jeton",
        "bytes a token",
    ];
    format!(
        "## A check in process\n\nFrom the token's text to the caller, one after the other on one core: \
        `Verifier::verify` (checksum, SHA-256, clock,\nlook-up, a count of the use), and `jsonwebtoken::decode` of \
        tokens that say as much, checking signature and expiry,\nwith ring for the cryptography. Median, lowest and \
        highest of {} rounds. Tokens are checked in an order that is random\nto the memory they are in. The bytes are \
        the process' resident memory after and before filling, for each token.\n\n{}",
        results.memory.first().map_or(0, |memory| memory.verify.len()),
        table(&head, &rows)
    )
}

pub(super) fn over_http(plan: &Plan, results: &Results, chart: &str) -> String {
    let open = results.http(Contender::Open);
    let rows: Vec<_> = results
        .http
        .iter()
        .map(|result| {
            vec![
                result.contender.label().to_owned(),
                of(&result.rate),
                open.map_or_else(String::new, |open| ratio(&result.rate, &open.rate)),
                of(&result.p50),
                of(&result.p99),
                of(&result.cpu),
            ]
        })
        .collect();
    let head = [
        "check",
        "requests/s",
        "of no check",
        "p50, µs",
        "p99, µs",
        "service CPU a request, µs",
    ];
    let redis = match &results.redis {
        Some(version) => format!(
            "Redis {version} without persistence, one multiplexed connection a worker, the session as JSON."
        ),
        None => "`redis-server` was not installed, so sessions in Redis are missing.".to_owned(),
    };
    format!(
        "## A check over HTTP\n\n![Requests a second]({chart})\n\nOne actix-web service with {workers} worker(s), one \
        handler, one answer; what differs is what stands before the handler.\nThe load is this program's own: a process \
        with {workers} thread(s) and {connections} connections that are kept open, each sending the next\nrequest when it \
        has the answer; the same for all. {rounds} rounds of {secs} s, in each all contenders in turn. Ratios are taken \
        within a\nround.\n\nThe pooled query is the verifier's own, one a request, by r2d2 with ten connections on \
        blocking threads, without a ping\nat check-out. It and introspection are asked for the same tokens as the \
        verifier that has never seen them. {redis}\nIntrospection asks another process, which makes one pooled query and \
        answers as RFC 7662 says.\n\n{table}",
        workers = results.workers,
        connections = plan.connections,
        rounds = plan.rounds,
        secs = number(plan.slice.as_secs_f64()),
        table = table(&head, &rows),
    )
}

pub(super) fn table_sizes(results: &Results) -> String {
    let result = &results.rows;
    let row = |what: String, [few, many]: &[Vec<f64>; 2]| vec![what, of(few), of(many), ratio(many, few)];
    let rows = [
        row("one at a time".to_owned(), &result.alone),
        row(format!("{} at once", result.in_flight), &result.together),
    ];
    let (few, many) = (thousands(result.few as f64), thousands(result.many as f64));
    format!(
        "## Tokens that are not known, in a small and a large table\n\nMicroseconds a look-up through a verifier that \
        remembers nothing, tokens drawn at random from the whole table.\n\n{}",
        table(
            &[
                "",
                &format!("{few} rows, µs"),
                &format!("{many} rows, µs"),
                "large ÷ small"
            ],
            &rows
        )
    )
}

pub(super) fn revocations(results: &Results) -> String {
    let rows: Vec<_> = results
        .revocations
        .iter()
        .map(|one| {
            let Latency {
                count,
                p50,
                p90,
                p99,
                max,
            } = one.acknowledged;
            let millis = [p50, p90, p99, max].map(|micros| number(micros / 1e3));
            let mut row = vec![one.verifiers.to_string(), count.to_string()];
            row.extend(millis);
            row.extend([one.checks.to_string(), one.accepted.to_string()]);
            row
        })
        .collect();
    let head = [
        "verifiers",
        "logouts",
        "p50, ms",
        "p90, ms",
        "p99, ms",
        "max, ms",
        "checks after it",
        "of these accepted",
    ];
    format!(
        "## Revocation\n\nThe time of `POST /v1/logout` at the auth service, the look-up of the token it is sent with \
        included. Each token is known\nto all verifiers, services in processes of their own, before it is logged out, \
        and is shown to all of them right after\nthe acknowledgement. The auth service's own verifier comes on top of \
        the number.\n\n{}",
        table(&head, &rows)
    )
}

pub(super) fn logins(results: &Results) -> String {
    let logins = &results.logins;
    let rates = [
        vec!["sign-ins a second".to_owned(), of(&logins.logins)],
        vec!["hashes a second, all cores at it".to_owned(), of(&logins.bound)],
        vec![
            "the one as a part of the other".to_owned(),
            ratio(&logins.logins, &logins.bound),
        ],
        vec![
            "one hash with all cores at it, ms".to_owned(),
            of(&logins.hash_together),
        ],
        vec![
            "one hash with the other cores idle, ms".to_owned(),
            of(&logins.hash_alone),
        ],
    ];
    let p99 = |rounds: &[Latency]| spread(Spread::of(rounds.iter().map(|round| round.p99)));
    let p50 = |rounds: &[Latency]| spread(Spread::of(rounds.iter().map(|round| round.p50)));
    let row = |what: &str, latencies: &[Vec<Latency>; 2]| {
        let [quiet, busy] = latencies;
        vec![
            what.to_owned(),
            p50(quiet),
            p50(busy),
            p99(quiet),
            p99(busy),
            spread(LoginResult::slowdown(latencies)),
        ]
    };
    let latencies = [
        row(
            "`GET /v1/me` at the auth service: a check and two queries",
            &logins.at_auth,
        ),
        row(
            "a protected endpoint at another service: the check alone",
            &logins.beside,
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
        "## Sign-ins\n\n`POST /v1/login` with {} under way at once, bcrypt at cost {}. The bound is what threads on all \
        cores hash that do\nnothing else, measured just before and just after.\n\n{}\nAnd the time of other requests, {} \
        a second over 8 connections, quiet and while so many sign-ins are under way. The load\nshares the cores with the \
        hashing, so its own waiting counts, too.\n\n{}",
        logins.in_flight,
        logins.bcrypt_cost,
        table(&["", "median (lowest – highest)"], &rates),
        number(logins.pace),
        table(&head, &latencies),
    )
}
