use crate::output;
use anyhow::{Context, anyhow, ensure};
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::{
    ConnectionLimits, DELAYED, DatabaseError, DatabaseResult, LAST_ADMIN, Pending, PgConnection, establish,
    migrations, roles, users,
};
use std::fmt::Display;
use std::time::Duration;

/// How long a statement of a command's may take: all tokens of somebody who has a million, say.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Connects to the database as it is, for work that may take its time.
pub(crate) fn connect_patiently(settings: &DatabaseSettings) -> anyhow::Result<PgConnection> {
    establish_with(settings, ConnectionLimits::NONE)
}

/// Connects to the database as it is.
pub(crate) fn connect(settings: &DatabaseSettings) -> anyhow::Result<PgConnection> {
    establish_with(settings, ConnectionLimits::beside_any_commits(STATEMENT_TIMEOUT))
}

fn establish_with(settings: &DatabaseSettings, limits: ConnectionLimits) -> anyhow::Result<PgConnection> {
    let limits = limits.on_delay(|| output::note(DELAYED));
    Ok(establish(&settings.database_url()?, limits)?)
}

/// Connects, and refuses a database that is not up to date, before its missing tables become riddles.
pub(crate) fn open(settings: &DatabaseSettings) -> anyhow::Result<PgConnection> {
    let mut connection = connect(settings)?;
    let pending = migrations::pending(&mut connection)?;
    ensure!(
        pending.is_empty(),
        "the database is not up to date (pending: {}); run `jeton migrate`",
        pending.join(", ")
    );
    Ok(connection)
}

/// A role that may do little is worth less where it may create what others take for their own.
pub(crate) fn warn_of_open_schema(connection: &mut PgConnection) -> anyhow::Result<()> {
    if let Some(schema) = roles::open_schema(connection)? {
        output::note(&format!(
            "warning: every role may create objects in the schema {schema}, as they could before Postgres 15, and so \
            meddle with the others' work; `REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC` ends that"
        ));
    }
    Ok(())
}

/// Does what may revoke something, and waits until no verifier anywhere accepts what it revoked.
pub(crate) fn revoke<T>(
    connection: &mut PgConnection,
    act: impl FnOnce(&mut PgConnection) -> DatabaseResult<Pending<T>>,
) -> anyhow::Result<T> {
    let pending = act(connection).map_err(|error| match error {
        DatabaseError::Conflict { constraint } if constraint == LAST_ADMIN => {
            anyhow!("nobody else who can sign in has the scope admin: give it to somebody first")
        }
        DatabaseError::Conflict { constraint } if constraint == users::USERNAME_TAKEN => {
            anyhow!("somebody else has this name")
        }
        error => error.into(),
    })?;
    confirm(connection, pending)
}

/// Waits until what an act revoked holds everywhere.
pub(crate) fn confirm<T>(connection: &mut PgConnection, pending: Pending<T>) -> anyhow::Result<T> {
    jeton_revoker::confirm(connection, pending).context("done, but try again until this succeeds")
}

/// What is said of a name that is nobody's.
pub(crate) fn no_user(name: impl Display) -> String {
    format!("no user named \"{name}\"")
}
