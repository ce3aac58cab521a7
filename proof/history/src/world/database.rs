use super::lock;
use super::pair::Pair;
use crate::settings::Settings;
use anyhow::Context;
use diesel::connection::SimpleConnection;
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::migrations;
use jeton_proof_support::{TestDatabase, try_connect};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::task::spawn_blocking;
use url::Url;

/// The Postgres of a run, and the one database on it that everybody uses.
#[derive(Debug)]
pub(crate) struct Server {
    url: Url,
    /// Where services connect to: any of these.
    addresses: Vec<SocketAddr>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// May be restarted.
    Own(Arc<LocalPostgres>),
    /// One of two is in place of the other.
    Pair(Pair),
    /// On somebody else's, a database is made and dropped.
    Given(Mutex<Option<TestDatabase>>),
}

impl Server {
    /// A private server, or a pair of them; or, at the address that was given, a new database.
    pub(crate) async fn start(settings: &Settings) -> anyhow::Result<Self> {
        if let Some(behind) = settings.pair {
            let pair = Pair::start(behind).await?;
            return Ok(Self {
                url: Url::parse(&pair.primary().url())?,
                addresses: pair.addresses(),
                kind: Kind::Pair(pair),
            });
        }
        let given = settings.database_url.clone();
        let (text, kind) = spawn_blocking(|| {
            let (url, kind) = match given {
                None => {
                    let own = LocalPostgres::temporary()?;
                    (own.url(), Kind::Own(Arc::new(own)))
                }
                Some(server) => {
                    let database = TestDatabase::empty_on(&server)?;
                    let url = database.url().to_owned();
                    (url, Kind::Given(Mutex::new(Some(database))))
                }
            };
            migrations::apply(&mut try_connect(&url)?)?;
            anyhow::Ok((url, kind))
        })
        .await??;
        let url = Url::parse(&text).context("DATABASE_URL")?;
        Ok(Self {
            addresses: vec![address(&url).await?],
            url,
            kind,
        })
    }

    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The server itself, if it is ours to restart.
    pub(crate) fn own(&self) -> Option<Arc<LocalPostgres>> {
        match &self.kind {
            Kind::Own(own) => Some(own.clone()),
            _ => None,
        }
    }

    pub(crate) fn pair(&self) -> Option<&Pair> {
        match &self.kind {
            Kind::Pair(pair) => Some(pair),
            _ => None,
        }
    }

    /// The database's address; of a pair, the primary's, which operators know.
    pub(crate) fn url(&self) -> String {
        self.pair()
            .map_or_else(|| self.url.as_str().to_owned(), |pair| pair.primary().url())
    }

    /// The database's address by way of a proxy that listens on these ports.
    pub(crate) fn url_through(&self, ports: &[u16]) -> anyhow::Result<String> {
        let mut url = self.url.clone();
        // What this type knows is one host; a list of them is libpq's.
        url.set_host(Some("hosts"))
            .and_then(|()| url.set_port(None).map_err(|()| url::ParseError::InvalidPort))
            .context("DATABASE_URL")?;
        let hosts: Vec<_> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let url = String::from(url).replacen("@hosts/", &format!("@{}/", hosts.join(",")), 1);
        Ok(match ports {
            [_] => url,
            _ => format!("{url}?target_session_attrs=read-write"),
        })
    }

    /// Runs SQL as somebody who typed it.
    pub(crate) async fn execute(&self, sql: String) -> anyhow::Result<()> {
        let url = self.url();
        spawn_blocking(move || Ok(try_connect(&url)?.batch_execute(&sql)?)).await?
    }

    /// Leaves nothing on a server that is somebody else's.
    pub(crate) async fn end(&self) -> anyhow::Result<()> {
        if let Kind::Given(given) = &self.kind {
            let given = lock(given).take();
            spawn_blocking(move || drop(given)).await?;
        }
        Ok(())
    }
}

async fn address(url: &Url) -> anyhow::Result<SocketAddr> {
    let host = url.host_str().context("DATABASE_URL names no host")?;
    let found = tokio::net::lookup_host((host, url.port().unwrap_or(5432))).await;
    found
        .context("DATABASE_URL")?
        .next()
        .context("DATABASE_URL: no such host")
}
