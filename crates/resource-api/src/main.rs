//! The demo resource service: see the README of `jeton-resource-api`.

use jeton_resource_api::{Command, Settings, migrate, start};
use std::process::ExitCode;

fn main() -> ExitCode {
    let settings: Settings = jeton_http_kit::parse_settings();
    let log = settings.log.clone();
    jeton_http_kit::run(&log, async {
        match &settings.command {
            Some(Command::Migrate { grant }) => {
                migrate(&settings.database.database_url()?, grant.as_deref()).map(drop)
            }
            None => start(settings).await?.serve().await,
        }
    })
}
