//! Opening a connection to the first of several servers that will do.

use crate::connection::prepare;
use crate::database_url::{Endpoint, Mode, Place, Target};
use crate::error::with_source;
use crate::open_connection::OpenConnection;
use crate::{ConnectionLimits, DatabaseError, DatabaseResult};
use rand::seq::SliceRandom;
use std::error::Error as _;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::{Client, Config, Connection, Error, Socket};

#[cfg(feature = "tls")]
use crate::tls::{Connector, Stream};
#[cfg(not(feature = "tls"))]
use tokio_postgres::{NoTls as Connector, tls::NoTlsStream as Stream};

/// How long it is looked whether anybody is there.
const PROBE: Duration = Duration::from_millis(200);

type Opened = (Client, Connection<Socket, Stream>);

/// Tries every address of every host, what has failed last after the others, each for as long as `connect_timeout` says, which is for all there is to be done: from
/// looking it up until the session is ready. As with libpq, a server that has answered, and does not let this account in, has the
/// last word: the others have the same accounts and databases.
///
/// # Errors
/// [`DatabaseError::Unavailable`]: none of them will do, and why.
pub(crate) async fn open(target: &Target, limits: &ConnectionLimits) -> DatabaseResult<OpenConnection> {
    let tls = connector(target)?;
    let mut endpoints: Vec<(usize, &Endpoint)> = target.endpoints.iter().enumerate().collect();
    if target.random_order {
        endpoints.shuffle(&mut rand::rng());
    }
    let of_host = |(host, _): &(usize, _)| (*host, None);
    target.standing.sort(&mut endpoints, of_host, target.random_order);
    let mut failures = Vec::new();
    for (host, endpoint) in endpoints {
        let opened = open_endpoint(target, (host, endpoint), &tls, limits).await;
        target.standing.note((host, None), opened.is_ok());
        match opened {
            Ok(connection) => return Ok(connection),
            Err(failure) => {
                failures.push((endpoint, failure.reason));
                if failure.is_final {
                    break;
                }
            }
        }
    }
    Err(unavailable(&failures))
}

/// The first of its addresses that will do; the last failure where none will.
async fn open_endpoint(
    target: &Target,
    (host, endpoint): (usize, &Endpoint),
    tls: &Connector,
    limits: &ConnectionLimits,
) -> Result<OpenConnection, Failure> {
    let mut deadline = Deadline::after(target.connect_timeout);
    let mut failure = Failure::from("the name has no address".to_owned());
    let mut addresses = deadline.wait(addresses(endpoint, target.random_order)).await?;
    target.standing.keep(host, &addresses);
    let of_host = |address: &_| (host, *address);
    target.standing.sort(&mut addresses, of_host, target.random_order);
    for address in addresses {
        let config = config(target, endpoint, address);
        let opening = async {
            let opened = open_one(target, endpoint, config, tls).await?;
            Ok(prepare(opened, limits).await?)
        };
        let opened = deadline.wait(opening).await;
        target.standing.note((host, address), opened.is_ok());
        match opened {
            Err(failed) if failed.is_late => failure = late(address, endpoint.port).await,
            Err(failed) if !failed.is_final => failure = failed,
            opened_or_final => return opened_or_final,
        }
        deadline = Deadline::after(target.connect_timeout);
    }
    Err(failure)
}

/// What is to be told of a server that was too late: whether anybody is there.
async fn late(address: Option<IpAddr>, port: u16) -> Failure {
    let there = match address {
        Some(address) => timeout(PROBE, TcpStream::connect((address, port))).await,
        None => return Failure::late(),
    };
    match there {
        Ok(Ok(_)) => "no answer in time: it takes connections and says nothing, as a server does that has stopped, and a pool \
            (PgBouncer) that has no connection left"
            .to_owned()
            .into(),
        _ => Failure::late(),
    }
}

/// When there must be a connection.
struct Deadline(Option<Instant>);

impl Deadline {
    fn after(time: Option<Duration>) -> Self {
        Self(time.and_then(|time| Instant::now().checked_add(time)))
    }

    async fn wait<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let Some(deadline) = self.0 else {
            return work.await;
        };
        timeout_at(deadline, work).await.map_err(|_| Failure::late())?
    }
}

/// Why a server will not do.
struct Failure {
    reason: String,
    /// Whether the others will not, either.
    is_final: bool,
    /// Whether nothing else is known of it.
    is_late: bool,
}

impl Failure {
    fn late() -> Self {
        Self {
            is_late: true,
            ..Self::from("no connection in time".to_owned())
        }
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self {
            reason,
            is_final: false,
            is_late: false,
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        error.to_string().into()
    }
}

/// An error of the driver's says what it is of, and its source what it is.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            reason: with_source(&error),
            is_final: has_the_last_word(&error),
            is_late: false,
        }
    }
}

/// By SQLSTATE all errors of the server's but those that pass, and are its own: of connections (class 08), resources (53), an
/// operator (57, as it starts or ends) and the system (58). Of this side's all that neither the system nor the other side's hanging
/// up is the reason of: a password that is asked for and not there, say.
fn has_the_last_word(error: &Error) -> bool {
    match error.code() {
        Some(code) => !["08", "53", "57", "58"]
            .iter()
            .any(|class| code.code().starts_with(class)),
        None => !error.is_closed() && error.source().is_none_or(|source| !source.is::<std::io::Error>()),
    }
}

/// By SQLSTATE: class 28, invalid authorization.
#[cfg(feature = "tls")]
fn refuses_account(error: &Error) -> bool {
    error.code().is_some_and(|code| code.code().starts_with("28"))
}

/// Where it was tried, and what each has said.
fn unavailable(failures: &[(&Endpoint, String)]) -> DatabaseError {
    let reasons: Vec<String> = failures
        .iter()
        .map(|(endpoint, reason)| format!("{endpoint}: {reason}"))
        .collect();
    DatabaseError::Unavailable(reasons.join("; "))
}

/// `None` stands for a socket, which needs none.
async fn addresses(endpoint: &Endpoint, random_order: bool) -> Result<Vec<Option<IpAddr>>, Failure> {
    match &endpoint.place {
        Place::Socket(_) => Ok(vec![None]),
        Place::Address(address) => Ok(vec![Some(*address)]),
        Place::Name => {
            let found = lookup_host((endpoint.name.as_str(), endpoint.port)).await?;
            let mut found: Vec<_> = found.map(|address| Some(address.ip())).collect();
            if random_order {
                found.shuffle(&mut rand::rng());
            }
            Ok(found)
        }
    }
}

fn config(target: &Target, endpoint: &Endpoint, address: Option<IpAddr>) -> Config {
    let mut config = target.config_for(endpoint);
    config.host(&endpoint.name);
    if let Some(address) = address {
        config.hostaddr(address);
    }
    if target.tls.direct {
        config.ssl_negotiation(SslNegotiation::Direct);
    }
    config
}

/// Nothing is encrypted on a Unix socket, whatever is said (PostgreSQL documentation, §34.19).
fn mode(target: &Target, endpoint: &Endpoint) -> Mode {
    match endpoint.place {
        Place::Socket(_) => Mode::Disable,
        _ => target.mode,
    }
}

#[cfg(not(feature = "tls"))]
fn connector(_target: &Target) -> DatabaseResult<Connector> {
    Ok(Connector)
}

#[cfg(not(feature = "tls"))]
async fn open_one(
    target: &Target,
    endpoint: &Endpoint,
    mut config: Config,
    tls: &Connector,
) -> Result<Opened, Failure> {
    // What asks for anything else was refused already.
    debug_assert_eq!(mode(target, endpoint), Mode::Disable);
    Ok(config.ssl_mode(SslMode::Disable).connect(*tls).await?)
}

#[cfg(feature = "tls")]
fn connector(target: &Target) -> DatabaseResult<Connector> {
    let encrypted = target
        .endpoints
        .iter()
        .any(|endpoint| mode(target, endpoint) != Mode::Disable);
    let connector = if encrypted {
        Connector::new(&target.tls, target.mode)
    } else {
        Ok(Connector::unused())
    };
    connector.map_err(DatabaseError::Unavailable)
}

#[cfg(feature = "tls")]
async fn open_one(
    target: &Target,
    endpoint: &Endpoint,
    mut config: Config,
    tls: &Connector,
) -> Result<Opened, Failure> {
    let tls = tls.clone();
    let (first, second) = match mode(target, endpoint) {
        Mode::Disable => (SslMode::Disable, None),
        Mode::Allow => (SslMode::Disable, Some(SslMode::Require)),
        Mode::Prefer => (SslMode::Prefer, Some(SslMode::Disable)),
        Mode::Require | Mode::VerifyCa | Mode::VerifyFull => (SslMode::Require, None),
    };
    let error = match config.ssl_mode(first).connect(tls.clone()).await {
        Ok(opened) => return Ok(opened),
        Err(error) => error,
    };
    // As libpq: what failed with TLS is tried without, and who is not let in without it with it.
    let otherwise = match first {
        SslMode::Prefer => tls.was_used() && (error.as_db_error().is_none() || refuses_account(&error)),
        _ => refuses_account(&error),
    };
    match second.filter(|_| otherwise) {
        Some(second) => {
            let opened = config.ssl_mode(second).connect(tls).await;
            // Of two errors the one that is about what was wanted more.
            opened.map_err(|_| error.into())
        }
        None => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
