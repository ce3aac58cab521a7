use super::haproxy::HaProxy;
use crate::settings;
use anyhow::ensure;
use diesel::connection::SimpleConnection;
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::migrations;
use jeton_proof_support::{text, try_connect};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

/// Longer than a standby takes that has missed a minute.
const CATCH_UP: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// A primary, and a standby that every commit waits for. What Patroni or an operator does to such a pair, this does.
#[derive(Debug)]
pub(crate) struct Pair {
    servers: [Arc<LocalPostgres>; 2],
    /// Which of them is the primary, as whoever manages the pair has decided.
    primary: watch::Sender<usize>,
    haproxy: Option<HaProxy>,
}

impl Pair {
    /// Starts both; returns when commits wait for the standby.
    pub(super) async fn start(behind: settings::Pair) -> anyhow::Result<Self> {
        let servers = spawn_blocking(|| {
            let primary = LocalPostgres::temporary()?;
            let mut connection = try_connect(&primary.url())?;
            migrations::apply(&mut connection)?;
            // A standby that was away shall find what it has missed.
            connection.batch_execute("ALTER SYSTEM SET wal_keep_size = '256MB'")?;
            connection.batch_execute("SELECT pg_reload_conf()")?;
            let standby = primary.standby()?;
            anyhow::Ok([Arc::new(primary), Arc::new(standby)])
        })
        .await??;
        let primary = watch::Sender::new(0);
        let haproxy = match behind {
            settings::Pair::Hosts => None,
            settings::Pair::Haproxy => Some(HaProxy::start(addresses(&servers), &primary).await?),
        };
        let pair = Self {
            servers,
            primary,
            haproxy,
        };
        pair.wait_for_standby().await?;
        Ok(pair)
    }

    /// Where services connect to.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        match &self.haproxy {
            Some(haproxy) => vec![haproxy.address()],
            None => addresses(&self.servers).to_vec(),
        }
    }

    pub(crate) fn primary(&self) -> Arc<LocalPostgres> {
        self.at(0)
    }

    pub(crate) fn standby(&self) -> Arc<LocalPostgres> {
        self.at(1)
    }

    fn at(&self, place: usize) -> Arc<LocalPostgres> {
        let [first, second] = &self.servers;
        if *self.primary.borrow() == place {
            first
        } else {
            second
        }
        .clone()
    }

    /// Has the standby take over. It commits by itself, since there is none after it.
    pub(crate) async fn promote(&self) -> anyhow::Result<()> {
        let standby = self.standby();
        spawn_blocking(move || {
            standby.promote()?;
            let mut connection = try_connect(&standby.url())?;
            connection.batch_execute("ALTER SYSTEM RESET synchronous_standby_names")?;
            anyhow::Ok(connection.batch_execute("SELECT pg_reload_conf()")?)
        })
        .await??;
        self.primary.send_modify(|primary| *primary = 1 - *primary);
        Ok(())
    }

    /// Makes the former primary, which is down, the standby; returns when commits wait for it.
    pub(crate) async fn follow(&self) -> anyhow::Result<()> {
        let (primary, standby) = (self.primary(), self.standby());
        spawn_blocking(move || standby.follow(&primary)).await??;
        self.wait_for_standby().await
    }

    /// Returns when the standby has caught up, and commits wait for it.
    pub(crate) async fn wait_for_standby(&self) -> anyhow::Result<()> {
        let primary = self.primary();
        spawn_blocking(move || {
            let mut connection = try_connect(&primary.url())?;
            connection.batch_execute("ALTER SYSTEM SET synchronous_standby_names = '*'")?;
            connection.batch_execute("SELECT pg_reload_conf()")?;
            let synchronous = "SELECT count(*) FROM pg_stat_replication \
                WHERE state = 'streaming' AND sync_state = 'sync'";
            wait("a synchronous standby", || {
                text(&mut connection, synchronous) == "1"
            })
        })
        .await?
    }
}

fn addresses(servers: &[Arc<LocalPostgres>; 2]) -> [SocketAddr; 2] {
    servers
        .each_ref()
        .map(|server| (Ipv4Addr::LOCALHOST, server.port()).into())
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) -> anyhow::Result<()> {
    let deadline = Instant::now() + CATCH_UP;
    while !is_so() {
        ensure!(Instant::now() < deadline, "waited in vain for this: {what}");
        std::thread::sleep(LOOK);
    }
    Ok(())
}
