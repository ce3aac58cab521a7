use jeton_http_kit::{DatabaseSettings, HttpArgs, LogSettings, MetricsAddress, VerifierArgs};
use std::net::SocketAddr;

/// Jeton's demo resource service: notes, protected by tokens.
#[derive(Debug, clap::Parser)]
#[command(name = "jeton-resource-api", version)]
pub struct Settings {
    /// Where the database is.
    #[command(flatten)]
    pub database: DatabaseSettings,

    /// Where to listen
    #[arg(
        long,
        env = "JETON_RESOURCE_ADDR",
        value_name = "JETON_RESOURCE_ADDR",
        default_value = "127.0.0.1:8081"
    )]
    pub address: SocketAddr,

    /// Where to tell metrics to Prometheus, or off
    #[arg(
        long,
        env = "JETON_METRICS_ADDR",
        value_name = "JETON_METRICS_ADDR",
        default_value = "127.0.0.1:9091"
    )]
    pub metrics_address: MetricsAddress,

    /// How those who connect are treated.
    #[command(flatten)]
    pub http: HttpArgs,

    /// How tokens are checked.
    #[command(flatten)]
    pub verifier: VerifierArgs,

    /// What to log, and how.
    #[command(flatten)]
    pub log: LogSettings,
}
