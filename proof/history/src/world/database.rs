use anyhow::Context;
use diesel::connection::SimpleConnection;
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::{ConnectionLimits, DatabaseUrl, PgConnection, establish, migrations};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use url::Url;

/// The Postgres of a run, and the one database on it that everybody uses.
#[derive(Debug)]
pub(crate) struct Server {
    url: Url,
    address: SocketAddr,
    /// A private one may be restarted; with somebody else's, a database is made and dropped.
    own: Option<Arc<LocalPostgres>>,
    given: Option<Given>,
}

#[derive(Debug)]
struct Given {
    server: Url,
    name: String,
}

impl Server {
    /// A private server; or, at `given`, a new database.
    pub(crate) async fn start(given: Option<String>) -> anyhow::Result<Self> {
        let server = match given {
            None => {
                let own = spawn_blocking(LocalPostgres::temporary).await??;
                let url = Url::parse(&own.url())?;
                Self {
                    address: address(&url).await?,
                    url,
                    own: Some(Arc::new(own)),
                    given: None,
                }
            }
            Some(text) => {
                let server = Url::parse(&text).context("DATABASE_URL")?;
                let name = format!("jeton_history_{:08x}", rand::random::<u32>());
                execute(server.as_str(), format!("CREATE DATABASE {name}")).await?;
                let mut url = server.clone();
                url.set_path(&name);
                let address = address(&url).await?;
                let given = Some(Given { server, name });
                Self {
                    url,
                    address,
                    own: None,
                    given,
                }
            }
        };
        let url = server.url.to_string();
        spawn_blocking(move || anyhow::Ok(migrations::apply(&mut connect(&url)?)?)).await??;
        Ok(server)
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
        execute(self.url.as_str(), sql).await
    }

    /// Leaves nothing on a server that is somebody else's.
    pub(crate) async fn end(&self) -> anyhow::Result<()> {
        match &self.given {
            Some(Given { server, name }) => {
                execute(server.as_str(), format!("DROP DATABASE {name} WITH (FORCE)")).await
            }
            None => Ok(()),
        }
    }
}

/// Opens a connection of one's own.
pub(crate) fn connect(url: &str) -> anyhow::Result<PgConnection> {
    Ok(establish(&DatabaseUrl::parse(url)?, ConnectionLimits::NONE)?)
}

async fn execute(url: &str, sql: String) -> anyhow::Result<()> {
    let url = url.to_owned();
    spawn_blocking(move || Ok(connect(&url)?.batch_execute(&sql)?)).await?
}

async fn address(url: &Url) -> anyhow::Result<SocketAddr> {
    let host = url.host_str().context("DATABASE_URL names no host")?;
    let found = tokio::net::lookup_host((host, url.port().unwrap_or(5432))).await;
    found
        .context("DATABASE_URL")?
        .next()
        .context("DATABASE_URL: no such host")
}
