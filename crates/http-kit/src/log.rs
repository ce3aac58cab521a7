use crate::log_writer::LogWriter;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal};
use std::panic::{self, PanicHookInfo};
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
    /// Starts logging. From then on a panic is told in the log, too.
    ///
    /// # Errors
    /// There are no more threads or file descriptors to be had.
    pub fn install(&self) -> io::Result<()> {
        let filter = EnvFilter::builder().parse_lossy(&self.filter.0);
        let on_terminal = io::stdout().is_terminal();
        let writer = LogWriter::install()?;
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(on_terminal)
            .with_writer(move || writer.clone())
            // They would go to standard error, and panic where that cannot be written.
            .log_internal_errors(false);
        match self.format {
            Some(Format::Json) => builder.json().flatten_event(true).with_span_list(false).init(),
            None if !on_terminal => builder.json().flatten_event(true).with_span_list(false).init(),
            _ => builder.with_target(false).init(),
        }
        panic::set_hook(Box::new(log_panic));
        Ok(())
    }
}

/// The standard library would write to standard error, and wait for as long as nobody reads that: with it all requests of
/// the thread that panics.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let said = payload.downcast_ref::<&str>().copied();
    let said = said.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let backtrace = Backtrace::capture();
    tracing::error!(
        thread = std::thread::current().name(),
        place = panic.location().map(tracing::field::display),
        backtrace =
            (backtrace.status() == BacktraceStatus::Captured).then(|| tracing::field::display(&backtrace)),
        "panicked: {}",
        said.unwrap_or("it did not say why")
    );
}
