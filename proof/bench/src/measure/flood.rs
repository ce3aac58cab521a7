use super::Bench;
use super::revocations::ask;
use crate::child::Child;
use crate::cli::Role;
use crate::database::username;
use crate::http::json_request;
use crate::load::{Fillings, Load, Outcome};
use crate::results::FloodResult;
use crate::role::AuthApi;
use crate::stats::Latency;
use jeton_proof_support::RawConnection;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A process may have so many files open, where nobody has said otherwise, and needs some for itself.
const CONNECTIONS_A_PROCESS: usize = 800;
/// How long the flood has been going on when the first logout is timed.
const BEFORE: Duration = Duration::from_secs(2);

/// Logouts of other people, one after the other: quiet, and while one address tries passwords on very many connections.
pub(super) fn run(bench: &Bench<'_>) -> anyhow::Result<FloodResult> {
    let plan = bench.plan;
    let (database, rows) = bench.filled(2 * plan.logouts)?;
    let config = AuthApi {
        bcrypt_cost: plan.bcrypt_cost,
    };
    let mut auth = Child::spawn(Role::AuthApi, database.url(), &config)?;
    let address: SocketAddr = auth.receive()?;
    let mut connection = RawConnection::open(address)?;
    let mut tokens = (0..rows.count).map(|number| rows.series.text(number));
    let mut result = FloodResult {
        connections: plan.flood,
        ..FloodResult::default()
    };
    let mut log_out = |time: Duration, others: &mut usize| -> anyhow::Result<Latency> {
        let (start, mut times) = (Instant::now(), Vec::new());
        for token in tokens.by_ref().take(plan.logouts) {
            let sent = Instant::now();
            let status = ask(&mut connection, "POST", "/v1/logout", &token)?;
            times.push(sent.elapsed().as_secs_f64() * 1e6);
            *others += usize::from(status != 204);
            if start.elapsed() >= time {
                break;
            }
        }
        Ok(Latency::of(times))
    };
    result.quiet = log_out(plan.flood_time, &mut result.refused)?;
    let mut floods = start(address, plan.flood, BEFORE + plan.flood_time, database.url())?;
    std::thread::sleep(BEFORE);
    result.flooded = log_out(plan.flood_time, &mut result.refused)?;
    for flood in &mut floods {
        result.sent += flood.receive::<Outcome>()?.sent;
    }
    Ok(result)
}

/// Wrong passwords, of a few names: nearly all are answered 429 once so many have failed, and 503 before that.
fn start(
    address: SocketAddr,
    connections: usize,
    time: Duration,
    database_url: &str,
) -> anyhow::Result<Vec<Child>> {
    let texts: Vec<_> = (0..64)
        .map(|user| {
            let body = format!(r#"{{"username": "{}", "password": "wrong"}}"#, username(user));
            json_request("/v1/login", &body)
        })
        .collect();
    let parts = (0..connections).step_by(CONNECTIONS_A_PROCESS);
    let flood = |first: usize| {
        let load = Load {
            address,
            around: (String::new(), String::new()),
            fillings: Fillings::Texts(texts.clone()),
            once: false,
            connections: (connections - first).min(CONNECTIONS_A_PROCESS),
            threads: 1,
            warm_up: Duration::ZERO,
            time,
            pace: None,
        };
        Child::spawn(Role::Load, database_url, &load)
    };
    parts.map(flood).collect()
}
