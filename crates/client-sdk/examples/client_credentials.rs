//! A server program that acts for itself: a confidential client that the operator has bound to a service account. How to
//! register it and run it beside `scripts/up` says the crate's README.

use anyhow::Context;
use jeton_client::{AuthClient, SecretText};
use serde_json::Value;
use std::io::Write;

fn base_url(variable: &str, default: &str) -> String {
    let address = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    format!("http://{address}")
}

/// From a file: what is in the environment, other processes of the account can read.
fn secret() -> anyhow::Result<SecretText> {
    let path = std::env::var("CLIENT_SECRET_FILE").context("CLIENT_SECRET_FILE is not set")?;
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    Ok(text.trim().into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let client_id = std::env::var("CLIENT_ID").context("CLIENT_ID is not set")?;
    let auth = AuthClient::new(&base_url("JETON_AUTH_ADDR", "127.0.0.1:8080"))?;
    // Asks for another token with the same secret whenever a service refuses the one it has.
    let session = auth
        .app(client_id, Some(secret()?))
        .client_credentials(&["notes:read"])
        .await?;
    let notes: Value = session
        .get(format!("{}/notes", base_url("NOTES_ADDR", "127.0.0.1:8081")))
        .send_json()
        .await?;
    writeln!(std::io::stdout(), "{notes}")?;
    Ok(())
}
