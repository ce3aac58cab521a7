//! The demo resource service: see the README of `jeton-resource-api`.

use jeton_resource_api::{Command, Settings, migrate, start};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let settings: Settings = jeton_http_kit::parse_settings();
    let log = settings.log.clone();
    jeton_http_kit::run(&log, async {
        match &settings.command {
            Some(Command::Migrate { grant }) => {
                say(&migrate(&settings.database.database_url()?, grant.as_deref())?);
                Ok(())
            }
            None => start(settings).await?.serve().await,
        }
    })
}

/// As `jeton migrate` does. Whether anybody reads it changes nothing.
fn say(applied: &[String]) {
    let lines: String = applied.iter().map(|name| format!("applied {name}\n")).collect();
    let said = if lines.is_empty() { "up to date\n" } else { &lines };
    let _ = std::io::stdout().write_all(said.as_bytes());
}
