use anyhow::{Context, ensure};
use jeton_domain::{User, Username};
use jeton_persistence::{ConnectionLimits, PgConnection, establish, migrations, users};
use jeton_service::DatabaseSettings;

/// Connects to the database as it is. A command may take its time: somebody is waiting who can interrupt it.
pub(crate) fn connect(settings: &DatabaseSettings) -> anyhow::Result<PgConnection> {
    Ok(establish(&settings.database_url()?, ConnectionLimits::NONE)?)
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

/// Finds the user, who must be there.
pub(crate) fn find_user(connection: &mut PgConnection, name: &Username) -> anyhow::Result<User> {
    users::find_by_username(connection, name.key())?.with_context(|| no_user(name))
}

/// What is said of a name that is nobody's.
pub(crate) fn no_user(name: &Username) -> String {
    format!("no user named \"{name}\"")
}
