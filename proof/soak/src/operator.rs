//! What an operator does before the services start: with `jeton`, as one would.

use crate::role::Role;
use anyhow::ensure;
use jeton_proof_support::try_run;
use jeton_resource_api::DatabaseUrl;
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
pub(crate) fn prepare(url: &str) -> anyhow::Result<Prepared> {
    operate(url, &["migrate"], "")?;
    let role = |name: &str, duties: &[&str]| {
        let password = secret();
        let create = [&["role", "create", name], duties].concat();
        operate(url, &create, &password)?;
        let mut url = Url::parse(url)?;
        let set = url.set_username(name).and(url.set_password(Some(&password)));
        ensure!(set.is_ok(), "the server's address takes no password");
        Ok(url.to_string())
    };
    let admin_password = secret();
    let create = ["user", "create", ADMIN, "--admin", "--bcrypt-cost", "4"];
    operate(url, &create, &admin_password)?;
    for scope in ["notes:read", "notes:write"] {
        operate(url, &["scope", "set", scope, "--title", scope], "")?;
    }
    let auth_url = role("soak_auth", &["--auth"])?;
    let notes_url = role("soak_notes", &[])?;
    jeton_resource_api::migrate(&DatabaseUrl::parse(url)?, Some("soak_notes"))?;
    Ok(Prepared {
        auth_url,
        notes_url,
        admin_password,
    })
}

fn operate(url: &str, arguments: &[&str], input: &str) -> anyhow::Result<()> {
    let mut jeton = Role::Jeton.command()?;
    let done = try_run(jeton.args(arguments).env("DATABASE_URL", url), input)?;
    ensure!(done.status == 0, "jeton {}: {}", arguments.join(" "), done.stderr);
    Ok(())
}

/// A password or a name that nobody has had.
pub(crate) fn secret() -> String {
    format!("s{:016x}", rand::random::<u64>())
}
