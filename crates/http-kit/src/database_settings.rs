use anyhow::{Context, bail};
use jeton_persistence::DatabaseUrl;
use secrecy::zeroize::Zeroizing;
use std::path::PathBuf;

/// Where the database is. Given as text, or as a file that holds it, which is how secrets are mounted.
#[derive(Clone, clap::Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseSettings {
    /// The database, as `postgres://user:password@host:5432/name`
    ///
    /// Required, unless a file holds it. On another machine, it takes `?sslmode=verify-full`, or `?sslmode=disable`. All that
    /// it may say: docs/DATABASE_URL.md.
    #[arg(long = "database-url", env = "DATABASE_URL", hide_env_values = true)]
    url: Option<String>,

    /// A file that holds the address of the database, as secrets are mounted
    ///
    /// White space around it is dropped. Both at once are an error.
    #[arg(long = "database-url-file", env = "DATABASE_URL_FILE")]
    file: Option<PathBuf>,
}

impl DatabaseSettings {
    /// The address.
    ///
    /// # Errors
    /// Neither setting or both are given, the file cannot be read, or the address cannot be used. The address itself
    /// is never part of the message.
    pub fn database_url(&self) -> anyhow::Result<DatabaseUrl> {
        let (setting, text) = match (&self.url, &self.file) {
            (Some(url), None) => ("DATABASE_URL", Zeroizing::new(url.clone())),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("DATABASE_URL_FILE: cannot read {}", file.display()))?;
                ("DATABASE_URL_FILE", Zeroizing::new(text))
            }
            (None, None) => bail!("DATABASE_URL is not set, nor is DATABASE_URL_FILE"),
            (Some(_), Some(_)) => bail!("DATABASE_URL and DATABASE_URL_FILE are both set"),
        };
        DatabaseUrl::parse(text.trim()).context(setting)
    }
}

impl std::fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseSettings")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}
