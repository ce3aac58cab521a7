//! The other end of [`Child`](crate::child::Child).

use crate::cli::Role;
use crate::{introspection, load, memory, service};
use anyhow::Context;
use jeton_auth_api::Settings;
use jeton_proof_support::end_with_input;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::net::SocketAddr;

pub(crate) fn play(role: Role) -> anyhow::Result<()> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    end_with_input();
    match role {
        Role::Service => block_on(service::run(config(&line)?)),
        Role::Introspection => block_on(introspection::run(config(&line)?)),
        Role::AuthApi => block_on(auth_api(config(&line)?)),
        Role::Memory => tell(&memory::measure(&config(&line)?)?),
        Role::Load => tell(&load::run(&config(&line)?)?),
    }
}

fn config<T: DeserializeOwned>(line: &str) -> anyhow::Result<T> {
    serde_json::from_str(line).context("this role is for the program itself")
}

/// Says something to the parent.
pub(crate) fn tell(message: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut output = std::io::stdout();
    output.write_all(&line)?;
    Ok(output.flush()?)
}

fn block_on(service: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    actix_web::rt::System::new().block_on(service)
}

pub(crate) fn database_url() -> anyhow::Result<String> {
    std::env::var("DATABASE_URL").context("DATABASE_URL is not set")
}

/// How the auth service is started.
#[derive(Serialize, Deserialize)]
pub(crate) struct AuthApi {
    pub(crate) bcrypt_cost: u32,
}

/// The auth service as it is: its program does little more than this.
async fn auth_api(config: AuthApi) -> anyhow::Result<()> {
    let cost = config.bcrypt_cost.to_string();
    let arguments = [
        "jeton-auth-api",
        "--address",
        "127.0.0.1:0",
        "--metrics-address",
        "off",
        "--bcrypt-cost",
        &cost,
        "--user-acts",
        "1000000",
        "--default-scopes",
        "notes:read notes:write",
    ];
    let settings = <Settings as clap::Parser>::try_parse_from(arguments)?;
    let running = jeton_auth_api::start(settings).await?;
    let address: SocketAddr = running.address;
    tell(&address)?;
    running.serve().await
}
