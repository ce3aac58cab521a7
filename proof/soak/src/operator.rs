//! What an operator does before the services start: with `jeton`, as one would.

use anyhow::{Context, ensure};
use jeton_proof_support::without_settings;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use url::Url;

/// What the services sign in to Postgres as, and the one administrator.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) auth_url: String,
    pub(crate) notes_url: String,
    pub(crate) admin_password: String,
}

/// The one administrator's name.
pub(crate) const ADMIN: &str = "soak-root";

/// Migrates the database, and makes the roles of the services and an administrator.
pub(crate) fn prepare(jeton: &Path, url: &str) -> anyhow::Result<Prepared> {
    operate(jeton, url, &["migrate"], "")?;
    let role = |name: &str, duty: &str| {
        let password = secret();
        operate(jeton, url, &["role", "create", name, duty], &password)?;
        let mut url = Url::parse(url)?;
        let set = url.set_username(name).and(url.set_password(Some(&password)));
        ensure!(set.is_ok(), "the server's address takes no password");
        Ok(url.to_string())
    };
    let admin_password = secret();
    let create = ["user", "create", ADMIN, "--admin", "--bcrypt-cost", "4"];
    operate(jeton, url, &create, &admin_password)?;
    Ok(Prepared {
        auth_url: role("soak_auth", "--auth")?,
        notes_url: role("soak_notes", "--notes")?,
        admin_password,
    })
}

fn operate(jeton: &Path, url: &str, arguments: &[&str], input: &str) -> anyhow::Result<()> {
    let mut child = without_settings(jeton)
        .args(arguments)
        .env("DATABASE_URL", url)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", jeton.display()))?;
    if let Some(mut stdin) = child.stdin.take() {
        writeln!(stdin, "{input}")?;
    }
    let output = child.wait_with_output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "jeton {}: {complaint}",
        arguments.join(" ")
    );
    Ok(())
}

/// A password or a name that nobody has had.
pub(crate) fn secret() -> String {
    format!("s{:016x}", rand::random::<u64>())
}
