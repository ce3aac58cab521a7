use jeton_http_kit::{DatabaseSettings, HttpArgs, LogSettings, VerifierArgs};
use std::net::SocketAddr;

/// A message names it.
pub(crate) const ADDRESS: &str = "JETON_RESOURCE_ADDR";

/// Jeton's demo resource service: notes, protected by tokens.
#[derive(Debug, clap::Parser)]
#[command(name = "jeton-resource-api", version)]
// Beside the auth service, whose metrics have the port before.
#[command(mut_arg("metrics_address", |arg| arg.default_value("127.0.0.1:9091")))]
pub struct Settings {
    /// Where the database is.
    #[command(flatten)]
    pub database: DatabaseSettings,

    /// Where the demo service listens
    #[arg(long, env = ADDRESS, default_value = "127.0.0.1:8081", help_heading = "HTTP")]
    pub address: SocketAddr,

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
