use super::Bench;
use crate::child::Child;
use crate::cli::Role;
use crate::plan::VERIFIERS;
use crate::results::RevocationResult;
use crate::role::AuthApi;
use crate::service::{Contenders, Service};
use crate::stats::Latency;
use anyhow::ensure;
use jeton_proof_support::{RawConnection, RawRequest};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// One more protected service, and a connection to it.
struct Verifier {
    _process: Child,
    connection: RawConnection,
}

/// How long nothing is revoked before a logout that comes alone.
const QUIET: Duration = Duration::from_millis(1200);

/// Logouts one after the other; then some that come alone.
pub(super) fn run(bench: &Bench<'_>) -> anyhow::Result<Vec<RevocationResult>> {
    let (logouts, alone) = (bench.plan.logouts, bench.plan.logouts_alone);
    let (database, rows) = bench.filled((logouts + alone) * VERIFIERS.len())?;
    let config = AuthApi { bcrypt_cost: 4 };
    let mut auth = Child::spawn(Role::AuthApi, database.url(), &config)?;
    let mut stage = Stage {
        logout: RawConnection::open(auth.receive::<SocketAddr>()?)?,
        verifiers: Vec::new(),
        accepted: 0,
    };
    let mut tokens = (0..rows.count).map(|number| rows.series.text(number));
    let mut results = Vec::new();
    for count in VERIFIERS {
        // Only ever more of them: one that has ended would be waited for.
        while stage.verifiers.len() < count {
            stage.verifiers.push(Verifier::start(database.url())?);
        }
        stage.accepted = 0;
        let mut times = |number, pause| -> anyhow::Result<Vec<f64>> {
            let mut tokens = tokens.by_ref().take(number);
            tokens.try_fold(Vec::new(), |mut times, token| {
                std::thread::sleep(pause);
                times.push(stage.log_out(&token)?);
                Ok(times)
            })
        };
        results.push(RevocationResult {
            verifiers: count,
            acknowledged: Latency::of(times(logouts, Duration::ZERO)?),
            alone: Latency::of(times(alone, QUIET)?),
            checks: (logouts + alone) * count,
            accepted: stage.accepted,
        });
    }
    Ok(results)
}

/// Where tokens are logged out, and where they are shown.
struct Stage {
    logout: RawConnection,
    verifiers: Vec<Verifier>,
    /// How many that were logged out were let through.
    accepted: usize,
}

impl Stage {
    /// The token is known to all verifiers, is logged out, and is then shown to all of them again. Microseconds from
    /// sending the logout to its answer.
    fn log_out(&mut self, token: &str) -> anyhow::Result<f64> {
        for verifier in &mut self.verifiers {
            let status = ask(&mut verifier.connection, "GET", "/jeton", token)?;
            ensure!(status == 200, "a good token was answered {status}");
        }
        let start = Instant::now();
        let status = ask(&mut self.logout, "POST", "/v1/logout", token)?;
        let time = start.elapsed().as_secs_f64() * 1e6;
        ensure!(status == 204, "a logout was answered {status}");
        for verifier in &mut self.verifiers {
            match ask(&mut verifier.connection, "GET", "/jeton", token)? {
                401 => {}
                200 => self.accepted += 1,
                status => anyhow::bail!("a revoked token was answered {status}"),
            }
        }
        Ok(time)
    }
}

/// The status of the answer.
pub(super) fn ask(
    connection: &mut RawConnection,
    method: &str,
    path: &str,
    token: &str,
) -> anyhow::Result<u16> {
    let request = RawRequest::new(method, path).header("Authorization", format!("Bearer {token}"));
    Ok(connection.send(&request.body("").to_bytes())?.status)
}

impl Verifier {
    fn start(database_url: &str) -> anyhow::Result<Self> {
        let config = Service {
            workers: 1,
            contenders: Contenders::Jeton,
        };
        let mut process = Child::spawn(Role::Service, database_url, &config)?;
        Ok(Self {
            connection: RawConnection::open(process.receive::<SocketAddr>()?)?,
            _process: process,
        })
    }
}
