//! A command line whose user has a browser elsewhere: it shows a code, and waits until that was typed and approved. How to
//! register it and run it beside `scripts/up` says the crate's README.

use anyhow::Context;
use jeton_client::AuthClient;
use serde_json::Value;
use std::io::Write;

fn base_url(variable: &str, default: &str) -> String {
    let address = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    format!("http://{address}")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let client_id = std::env::var("CLIENT_ID").context("CLIENT_ID is not set")?;
    let auth = AuthClient::new(&base_url("JETON_AUTH_ADDR", "127.0.0.1:8080"))?;
    let device = auth
        .app(client_id, None)
        .device_authorization(&["notes:read"])
        .await?;
    let minutes = device.expires_in().as_secs() / 60;
    writeln!(
        std::io::stdout(),
        "Open {} and type {} within {minutes} minutes.",
        device.verification_uri(),
        device.user_code(),
    )?;
    let session = match device.wait().await {
        Err(error) if error.oauth() == Some("access_denied") => anyhow::bail!("you have denied it"),
        Err(error) if error.oauth() == Some("expired_token") => anyhow::bail!("the code has expired"),
        outcome => outcome?,
    };
    let notes: Value = session
        .get(format!("{}/notes", base_url("NOTES_ADDR", "127.0.0.1:8081")))
        .send_json()
        .await?;
    writeln!(std::io::stdout(), "{notes}")?;
    session.logout().await?;
    Ok(())
}
