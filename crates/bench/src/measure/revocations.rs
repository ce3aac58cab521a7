use super::Bench;
use crate::child::Child;
use crate::cli::Role;
use crate::http::Connection;
use crate::plan::VERIFIERS;
use crate::results::RevocationResult;
use crate::role::AuthApi;
use crate::service::{Contenders, Service};
use crate::stats::Latency;
use anyhow::ensure;
use std::time::Instant;

/// One more protected service, and a connection to it.
struct Verifier {
    _process: Child,
    connection: Connection,
}

/// Each token is known to all verifiers, is logged out, and is then shown to all of them again.
pub(super) fn run(bench: &Bench<'_>) -> anyhow::Result<Vec<RevocationResult>> {
    let logouts = bench.plan.logouts;
    let (database, rows) = bench.filled("revocations", logouts * VERIFIERS.len())?;
    let config = AuthApi { bcrypt_cost: 4 };
    let mut auth = Child::spawn(Role::AuthApi, database.url(), &config)?;
    let mut logout = Connection::open(auth.receive()?)?;
    let mut verifiers = Vec::new();
    let mut tokens = (0..rows.count).map(|number| rows.series.text(number));
    let mut results = Vec::new();
    for count in VERIFIERS {
        // Only ever more of them: one that has ended would be waited for.
        while verifiers.len() < count {
            verifiers.push(Verifier::start(database.url())?);
        }
        let (mut times, mut accepted) = (Vec::new(), 0);
        for token in tokens.by_ref().take(logouts) {
            for verifier in &mut verifiers {
                let status = verifier.connection.ask("GET", "/jeton", &token)?;
                ensure!(status == 200, "a good token was answered {status}");
            }
            let start = Instant::now();
            let status = logout.ask("POST", "/v1/logout", &token)?;
            times.push(start.elapsed().as_secs_f64() * 1e6);
            ensure!(status == 204, "a logout was answered {status}");
            for verifier in &mut verifiers {
                match verifier.connection.ask("GET", "/jeton", &token)? {
                    401 => {}
                    200 => accepted += 1,
                    status => anyhow::bail!("a revoked token was answered {status}"),
                }
            }
        }
        results.push(RevocationResult {
            verifiers: count,
            acknowledged: Latency::of(times),
            checks: logouts * count,
            accepted,
        });
    }
    Ok(results)
}

impl Verifier {
    fn start(database_url: &str) -> anyhow::Result<Self> {
        let config = Service {
            workers: 1,
            contenders: Contenders::Jeton,
        };
        let mut process = Child::spawn(Role::Service, database_url, &config)?;
        Ok(Self {
            connection: Connection::open(process.receive()?)?,
            _process: process,
        })
    }
}
