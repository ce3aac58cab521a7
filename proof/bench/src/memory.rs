//! What a verifier's memory costs, and what a check from it costs, in a process of its own.

use crate::TokenSeries;
use crate::jwt::JwtKeys;
use crate::known::Known;
use crate::role::database_url;
use anyhow::ensure;
use jeton_proof_support::status_field;
use jsonwebtoken::Algorithm;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

#[derive(Serialize, Deserialize)]
pub(crate) struct Memory {
    pub(crate) series: TokenSeries,
    pub(crate) tokens: usize,
    pub(crate) rounds: usize,
    /// How long one thing is measured at a time.
    pub(crate) slice: Duration,
    pub(crate) jwt: JwtKeys,
}

/// Nanoseconds a check, round by round, and bytes a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) tokens: usize,
    pub(crate) verify: Vec<f64>,
    pub(crate) hs256: Vec<f64>,
    pub(crate) es256: Vec<f64>,
    /// `None` where there is no `/proc`.
    pub(crate) bytes: Option<f64>,
}

pub(crate) fn measure(config: &Memory) -> anyhow::Result<Measured> {
    let mut known = Known::connect(&database_url()?, config.tokens)?;
    // What comes with the first look-ups, connections say, comes once, however many tokens follow.
    let first = config.tokens / 50;
    known.learn(config.series, 0..first)?;
    let before = resident_bytes();
    known.learn(config.series, first..config.tokens)?;
    let after = resident_bytes();
    known.prepare(config.series, config.tokens)?;
    let bytes = before
        .zip(after)
        .map(|(before, after)| (after - before) / (config.tokens - first) as f64);

    let signed = |algorithm| -> anyhow::Result<_> {
        let tokens = config.jwt.sign(algorithm, 1000)?;
        let jwt = config.jwt.checking(algorithm);
        let mut next = 0;
        Ok(move |checks: usize| -> anyhow::Result<Duration> {
            let start = Instant::now();
            for _ in 0..checks {
                next = (next + 1) % tokens.len();
                ensure!(jwt.verify(&tokens[next]), "a signed token was refused");
            }
            Ok(start.elapsed())
        })
    };
    let (mut hs256, mut es256) = (signed(Algorithm::HS256)?, signed(Algorithm::ES256)?);
    let mut measured = Measured {
        tokens: config.tokens,
        verify: Vec::new(),
        hs256: Vec::new(),
        es256: Vec::new(),
        bytes,
    };
    for round in 0..=config.rounds {
        let times = [
            nanos(config.slice, 10_000, |checks| known.time(checks))?,
            nanos(config.slice, 1000, &mut hs256)?,
            nanos(config.slice, 50, &mut es256)?,
        ];
        // The first round warms up.
        if round > 0 {
            measured.verify.push(times[0]);
            measured.hs256.push(times[1]);
            measured.es256.push(times[2]);
        }
    }
    Ok(measured)
}

/// Does so many checks at a time until the time is over; nanoseconds for one.
fn nanos(
    time: Duration,
    checks: usize,
    mut work: impl FnMut(usize) -> anyhow::Result<Duration>,
) -> anyhow::Result<f64> {
    let (mut total, mut done) = (Duration::ZERO, 0);
    while total < time {
        total += work(checks)?;
        done += checks;
    }
    Ok(total.as_nanos() as f64 / done as f64)
}

/// How much memory the process has.
fn resident_bytes() -> Option<f64> {
    Some(status_field("self", "VmRSS")? as f64 * 1024.0)
}
