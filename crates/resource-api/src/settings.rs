use jeton_http_kit::{DatabaseSettings, HttpArgs, LogSettings, VerifierArgs};
use std::net::SocketAddr;

/// A message names it.
pub(crate) const ADDRESS: &str = "NOTES_ADDR";

/// Jeton's demo resource service: notes, protected by tokens.
#[derive(Debug, clap::Parser)]
#[command(name = "jeton-resource-api", version)]
// Beside the auth service, whose metrics have the port before.
#[command(mut_arg("metrics_address", |arg| arg.default_value("127.0.0.1:9091")))]
pub struct Settings {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,

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

/// What the program can do instead of serving.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Bring the service's own tables up to date, after `jeton migrate`, as the owner of the database
    Migrate {
        /// Let this role keep notes: one of `jeton role create`
        #[arg(long, value_name = "ROLE")]
        grant: Option<String>,
    },
}
