use super::Bench;
use crate::BenchDatabase;
use crate::child::Child;
use crate::cli::Role;
use crate::results::{KillResult, RevocationResult, RevocationResults};
use crate::role::AuthApi;
use crate::service::{Contenders, Service};
use crate::stats::Latency;
use anyhow::{Context, ensure};
use diesel::connection::SimpleConnection;
use jeton_coherence::verifiers::{NUDGE_CHANNEL, listen, nudge_received};
use jeton_proof_support::{RawConnection, RawRequest};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// One more protected service, and a connection to it.
pub(super) struct Verifier {
    pub(super) process: Child,
    connection: RawConnection,
}

/// How long nothing is revoked before a logout that comes alone.
const QUIET: Duration = Duration::from_millis(1200);

/// Logouts one after the other; then some that come alone.
pub(super) fn run(bench: &Bench<'_>) -> anyhow::Result<RevocationResults> {
    let (logouts, alone, counts) = (bench.plan.logouts, bench.plan.logouts_alone, bench.plan.verifiers);
    let mut bare = bare(bench, logouts, Duration::ZERO)?;
    let bare_alone = self::bare(bench, alone, QUIET)?;
    let (database, rows) = bench.filled((logouts + alone) * counts.len() + 1 + logouts)?;
    let config = AuthApi { bcrypt_cost: 4 };
    let mut auth = Child::spawn(Role::AuthApi, database.url(), &config)?;
    let mut stage = Stage {
        logout: RawConnection::open(auth.receive::<SocketAddr>()?)?,
        verifiers: Vec::new(),
        accepted: 0,
    };
    let mut tokens = (0..rows.count).map(|number| rows.series.text(number));
    let mut rounds = Vec::new();
    for count in counts {
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
        rounds.push(RevocationResult {
            verifiers: count,
            acknowledged: Latency::of(times(logouts, Duration::ZERO)?),
            alone: Latency::of(times(alone, QUIET)?),
            checks: (logouts + alone) * count,
            accepted: stage.accepted,
        });
    }
    let killed = after_kill(&mut stage, &mut tokens, logouts)?;
    // Half before and half after, since the disk is not as quick at all times.
    bare.extend(self::bare(bench, logouts, Duration::ZERO)?);
    Ok(RevocationResults {
        bare: Latency::of(bare),
        bare_alone: Latency::of(bare_alone),
        rounds,
        killed,
    })
}

/// Half of the verifiers are ended as a crash ends them; then logouts one after the other.
fn after_kill(
    stage: &mut Stage,
    tokens: &mut impl Iterator<Item = String>,
    logouts: usize,
) -> anyhow::Result<KillResult> {
    let left = stage.verifiers.len() / 2;
    let killed = stage.verifiers.drain(left..).count();
    let first = stage.log_out(&tokens.next().context("too few tokens")?)?;
    let after = tokens.take(logouts).map(|token| stage.log_out(&token));
    let after: Vec<f64> = after.collect::<Result<_, _>>()?;
    Ok(KillResult {
        killed,
        left,
        first,
        after: Latency::of(after),
    })
}

/// What nobody can be quicker than: microseconds until a durable `DELETE` has committed and one listener has heard of it; so
/// often, with a pause before each.
fn bare(bench: &Bench<'_>, count: usize, pause: Duration) -> anyhow::Result<Vec<f64>> {
    let database = BenchDatabase::create(bench.server)?;
    let heard = listener(&database)?;
    let mut connection = database.connect()?;
    connection.batch_execute(&format!(
        "CREATE TABLE bare AS SELECT * FROM generate_series(1, {count}) AS id; CREATE UNIQUE INDEX ON bare (id)"
    ))?;
    let time = |id| {
        std::thread::sleep(pause);
        let start = Instant::now();
        connection.batch_execute(&format!(
            "DELETE FROM bare WHERE id = {id}; NOTIFY {NUDGE_CHANNEL}"
        ))?;
        let committed = Instant::now();
        let heard = heard.recv().context("the listener has lost its connection")?;
        Ok(heard.max(committed).duration_since(start).as_secs_f64() * 1e6)
    };
    (1..=count).map(time).collect()
}

/// Tells when each notification was there. Returns when it listens.
fn listener(database: &BenchDatabase) -> anyhow::Result<Receiver<Instant>> {
    let mut connection = database.connect()?;
    connection.wait(listen)?;
    let (tell, heard) = channel();
    std::thread::spawn(move || {
        // Until the connection is lost, with its database.
        while connection.wait(nudge_received).is_ok() && tell.send(Instant::now()).is_ok() {}
    });
    Ok(heard)
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
    pub(super) fn start(database_url: &str) -> anyhow::Result<Self> {
        let config = Service {
            workers: 1,
            contenders: Contenders::Jeton,
        };
        let mut process = Child::spawn(Role::Service, database_url, &config)?;
        Ok(Self {
            connection: RawConnection::open(process.receive::<SocketAddr>()?)?,
            process,
        })
    }
}
