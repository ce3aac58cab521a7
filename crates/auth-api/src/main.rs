//! The auth service: see the README of `jeton-auth-api`.

use jeton_auth_api::{Settings, start};
use std::process::ExitCode;

fn main() -> ExitCode {
    let settings: Settings = jeton_http_kit::parse_settings();
    let log = settings.log.clone();
    jeton_http_kit::run(&log, async { start(settings).await?.serve().await })
}
