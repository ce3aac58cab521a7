use anyhow::Context;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

// actix_http logs every request that is no HTTP as an error: strangers would fill the log.
const DEFAULT_FILTER: &str = "info,actix_http=off";

/// What a program logs, and how. The log goes to standard output, one event a line.
#[derive(Debug, Clone, clap::Args)]
pub struct LogSettings {
    /// What to log: a level, or tracing directives as `info,jeton_verifier=debug`
    #[arg(
        long = "log",
        env = "JETON_LOG",
        value_name = "JETON_LOG",
        default_value = DEFAULT_FILTER
    )]
    filter: String,

    /// How to log it [default: pretty on a terminal, else json]
    #[arg(
        long = "log-format",
        env = "JETON_LOG_FORMAT",
        value_name = "JETON_LOG_FORMAT"
    )]
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Pretty,
    Json,
}

impl LogSettings {
    /// Starts logging.
    ///
    /// # Errors
    /// A filter that cannot be read.
    pub fn install(&self) -> anyhow::Result<()> {
        // Set to nothing, it is as if it were not set; as a filter, nothing would let nothing through.
        let filter = match self.filter.trim() {
            "" => DEFAULT_FILTER,
            filter => filter,
        };
        let filter = EnvFilter::builder()
            .parse(filter)
            .with_context(|| format!("JETON_LOG: cannot read the filter {:?}", self.filter))?;
        let on_terminal = std::io::stdout().is_terminal();
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(on_terminal);
        match self.format {
            Some(Format::Json) => builder.json().flatten_event(true).with_span_list(false).init(),
            None if !on_terminal => builder.json().flatten_event(true).with_span_list(false).init(),
            _ => builder.with_target(false).init(),
        }
        Ok(())
    }
}
