use crate::cors::CorsOrigins;
use crate::{DurationSetting, ProxyArgs};
use std::time::Duration;

/// How a service treats those who connect to it.
#[derive(Debug, Clone, clap::Args)]
pub struct HttpArgs {
    /// Whose word is taken on where requests come from.
    #[command(flatten)]
    pub proxies: ProxyArgs,

    /// The origins whose pages may call the service, as `https://app.example.org`, with commas between them; or *
    #[arg(
        long,
        env = "JETON_CORS_ORIGINS",
        value_name = "JETON_CORS_ORIGINS",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) cors_origins: CorsOrigins,

    /// How long a client may take to send the head of its first request, and the body of any
    #[arg(
        long,
        env = "JETON_CLIENT_TIMEOUT",
        value_name = "JETON_CLIENT_TIMEOUT",
        default_value = "10s"
    )]
    client_timeout: DurationSetting<100, 3_600_000>,

    /// How long a connection is kept for the client's next request
    #[arg(
        long,
        env = "JETON_KEEP_ALIVE",
        value_name = "JETON_KEEP_ALIVE",
        default_value = "75s"
    )]
    keep_alive: DurationSetting<100, 3_600_000>,

    /// How many connections are served at a time; those beyond wait
    #[arg(
        long,
        env = "JETON_MAX_CONNECTIONS",
        value_name = "JETON_MAX_CONNECTIONS",
        default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub(crate) max_connections: u32,

    /// Told to end, how long to go on while readyz says 503, so that load balancers notice
    #[arg(
        long,
        env = "JETON_SHUTDOWN_GRACE",
        value_name = "JETON_SHUTDOWN_GRACE",
        default_value = "0s"
    )]
    shutdown_grace: DurationSetting<0, 3_600_000>,

    /// Told to end, how long requests under way have after that, in whole seconds
    #[arg(
        long,
        env = "JETON_SHUTDOWN_TIMEOUT",
        value_name = "JETON_SHUTDOWN_TIMEOUT",
        default_value = "10s"
    )]
    shutdown_timeout: DurationSetting<1000, 3_600_000>,
}

impl HttpArgs {
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
