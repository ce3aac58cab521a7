use super::lock;
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
    address: SocketAddr,
    /// A private one may be restarted; on somebody else's, a database is made and dropped.
    own: Option<Arc<LocalPostgres>>,
    given: Mutex<Option<TestDatabase>>,
}

impl Server {
    /// A private server; or, at `given`, a new database.
    pub(crate) async fn start(given: Option<String>) -> anyhow::Result<Self> {
        let (text, own, given) = spawn_blocking(|| {
            let (url, own, given) = match given {
                None => {
                    let own = LocalPostgres::temporary()?;
                    (own.url(), Some(Arc::new(own)), None)
                }
                Some(server) => {
                    let database = TestDatabase::empty_on(&server)?;
                    (database.url().to_owned(), None, Some(database))
                }
            };
            migrations::apply(&mut try_connect(&url)?)?;
            anyhow::Ok((url, own, given))
        })
        .await??;
        let url = Url::parse(&text).context("DATABASE_URL")?;
        Ok(Self {
            address: address(&url).await?,
            url,
            own,
            given: Mutex::new(given),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server itself, if it is ours to restart.
    pub(crate) fn own(&self) -> Option<Arc<LocalPostgres>> {
        self.own.clone()
    }

    /// The database's address.
    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The database's address by way of a proxy.
    pub(crate) fn url_through(&self, port: u16) -> anyhow::Result<String> {
        let mut url = self.url.clone();
        url.set_host(Some("127.0.0.1"))
            .and_then(|()| {
                url.set_port(Some(port))
                    .map_err(|()| url::ParseError::InvalidPort)
            })
            .context("DATABASE_URL")?;
        Ok(url.into())
    }

    /// Runs SQL as somebody who typed it.
    pub(crate) async fn execute(&self, sql: String) -> anyhow::Result<()> {
        let url = self.url.to_string();
        spawn_blocking(move || Ok(try_connect(&url)?.batch_execute(&sql)?)).await?
    }

    /// Leaves nothing on a server that is somebody else's.
    pub(crate) async fn end(&self) -> anyhow::Result<()> {
        let given = lock(&self.given).take();
        Ok(spawn_blocking(move || drop(given)).await?)
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
