use jeton_http_kit::{DatabaseSettings, HttpArgs, LogSettings, VerifierArgs};
use jeton_verifier::ProtectedResource;
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

    /// What apps know this service by, as `https://notes.example`: it then accepts the tokens as well that are for it alone
    ///
    /// It serves its metadata as a protected resource (RFC 9728), which says that JETON_ISSUER issues its tokens, and names that when
    /// it refuses a request.
    #[arg(long, env = "NOTES_RESOURCE", help_heading = "Apps")]
    pub resource: Option<String>,

    /// Who issues the tokens: what apps know the auth service by, as `https://auth.example.org`
    #[arg(long, env = "JETON_ISSUER", help_heading = "Apps")]
    pub issuer: Option<String>,

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

impl Settings {
    /// What the service is to apps.
    pub(crate) fn protected_resource(&self) -> anyhow::Result<Option<ProtectedResource>> {
        let Some(resource) = &self.resource else {
            return Ok(None);
        };
        let issuer = self.issuer.as_ref();
        let issuer = issuer.ok_or_else(|| anyhow::anyhow!("NOTES_RESOURCE needs JETON_ISSUER"))?;
        let scopes = ["notes:read", "notes:write"];
        Ok(Some(ProtectedResource::new(resource, issuer, &scopes)?))
    }
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
