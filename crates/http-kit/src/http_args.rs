use crate::cors::CorsArgs;
use crate::{DurationSetting, MetricsAddress, NumberSetting, ProxyArgs, descriptors};
use std::time::Duration;

/// Messages name these.
pub(crate) const METRICS_ADDRESS: &str = "JETON_METRICS_ADDR";
pub(crate) const MAX_CONNECTIONS: &str = "JETON_MAX_CONNECTIONS";

const HOUR_MS: u64 = 3_600_000;

/// How a service treats those who connect to it.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "HTTP")]
pub struct HttpArgs {
    /// Where Prometheus is told metrics, at `/metrics`: an address, or `off`
    ///
    /// Whoever reaches it can read them: leave it on this machine or on a network of your own.
    #[arg(long, env = METRICS_ADDRESS, default_value = "127.0.0.1:9090")]
    pub metrics_address: MetricsAddress,

    /// Whose word is taken on where requests come from.
    #[command(flatten)]
    pub proxies: ProxyArgs,

    /// Which pages may call the service.
    #[command(flatten)]
    pub(crate) cors: CorsArgs,

    /// How long a client may take to send the head of its first request, and the body of any; after it, 408
    #[arg(long, env = "JETON_CLIENT_TIMEOUT", default_value = "10s")]
    client_timeout: DurationSetting<100, HOUR_MS>,

    /// How long a connection is kept for the client's next request
    ///
    /// A load balancer's own keep-alive should be shorter: the side that asks should be the one that hangs up.
    #[arg(long, env = "JETON_KEEP_ALIVE", default_value = "75s")]
    keep_alive: DurationSetting<100, HOUR_MS>,

    /// How many connections are served at a time; those beyond wait
    ///
    /// One address may have nine tenths of them, unless it is a trusted proxy. Each takes two file descriptors. Where the system does not allow so many, it is fewer, and the log says so.
    #[arg(long, env = MAX_CONNECTIONS, default_value = "10000")]
    pub(crate) max_connections: NumberSetting<1, 1_000_000>,

    /// When it is told to end, how long a service goes on while its `readyz` says 503, for load balancers to notice
    #[arg(long, env = "JETON_SHUTDOWN_GRACE", default_value = "0s")]
    shutdown_grace: DurationSetting<0, HOUR_MS>,

    /// How long the requests under way then have, in whole seconds
    ///
    /// A logout that waits for a service which has died may take a JETON_LEASE_TTL; a shorter time cuts it off. Whoever
    /// ends the service must wait for longer than this and JETON_SHUTDOWN_GRACE together.
    #[arg(long, env = "JETON_SHUTDOWN_TIMEOUT", default_value = "10s")]
    shutdown_timeout: DurationSetting<1000, HOUR_MS>,
}

impl HttpArgs {
    /// How many connections are served at a time: as many as is set, or as there are file descriptors for.
    #[must_use]
    pub fn connections(&self) -> usize {
        descriptors::provide_for(self.max_connections.0 as usize)
    }

    pub(crate) fn client_timeout(&self) -> Duration {
        self.client_timeout.0
    }

    pub(crate) fn keep_alive(&self) -> Duration {
        self.keep_alive.0
    }

    pub(crate) fn shutdown_grace(&self) -> Duration {
        self.shutdown_grace.0
    }

    pub(crate) fn shutdown_secs(&self) -> u64 {
        self.shutdown_timeout.0.as_secs()
    }
}
