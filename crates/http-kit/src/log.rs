use std::io::IsTerminal;
use std::str::FromStr;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

// actix_http logs every request that is no HTTP as an error: strangers would fill the log.
const DEFAULT_FILTER: &str = "info,actix_http=off";

/// What a program logs, and how. The log goes to standard output, one event a line.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Log")]
pub struct LogSettings {
    /// What to log: a level (error, warn, info, debug, trace), or tracing directives as `info,jeton_verifier=debug`
    #[arg(long = "log", env = "JETON_LOG", default_value = DEFAULT_FILTER)]
    filter: Filter,

    /// How to log: for people, or one JSON object a line; unless set, for people on a terminal and else as JSON
    #[arg(long = "log-format", env = "JETON_LOG_FORMAT")]
    format: Option<Format>,
}

/// Directives that can be read.
#[derive(Debug, Clone)]
struct Filter(String);

impl FromStr for Filter {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        // Set to nothing, it is as if it were not set; as a filter, nothing would let nothing through.
        let text = match text.trim() {
            "" => DEFAULT_FILTER,
            text => text,
        };
        EnvFilter::builder().parse(text)?;
        Ok(Self(text.to_owned()))
    }
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Pretty,
    Json,
}

impl LogSettings {
    /// Starts logging.
    pub fn install(&self) {
        let filter = EnvFilter::builder().parse_lossy(&self.filter.0);
        let on_terminal = std::io::stdout().is_terminal();
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(on_terminal);
        match self.format {
            Some(Format::Json) => builder.json().flatten_event(true).with_span_list(false).init(),
            None if !on_terminal => builder.json().flatten_event(true).with_span_list(false).init(),
            _ => builder.with_target(false).init(),
        }
    }
}
