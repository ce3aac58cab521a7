//! The server's roles: what services may do, and a role for each of them to sign in as.

pub(crate) mod rights;
mod scram;

use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::{DatabaseError, DatabaseResult};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use jeton_domain::{AuditAction, AuditContext, ExposeSecret, Password};
use scram::ScramVerifier;
use serde_json::json;

/// What every service is a member of that checks tokens.
pub const VERIFIER: &str = "jeton_verifier";
/// What the auth service is a member of, besides [`VERIFIER`].
pub const AUTH: &str = "jeton_auth";

/// Makes the roles and gives them their rights, where that has not been done.
const RIGHTS: &str = include_str!("../migrations/2026-11-28-120300_roles/up.sql");

/// How many connections a service's role may have at once, unless it is said otherwise: two instances of the auth service,
/// or sixteen of a service that only checks tokens.
pub const CONNECTION_LIMIT: u32 = 50;

/// What a service is to do besides checking tokens, and how much of the server it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleOptions {
    /// Sign people in: be the auth service.
    pub auth: bool,
    /// How many connections all its instances may have at once, together.
    pub connection_limit: u32,
}

impl Default for RoleOptions {
    fn default() -> Self {
        Self {
            auth: false,
            connection_limit: CONNECTION_LIMIT,
        }
    }
}

impl RoleOptions {
    /// What the service's role is a member of.
    #[must_use]
    pub fn roles(self) -> &'static [&'static str] {
        if self.auth { &[VERIFIER, AUTH] } else { &[VERIFIER] }
    }
}

/// Why a service did not get its role.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// Whoever is signed in is not the one to do it.
    #[error("the user {0} may not create roles")]
    NotAllowed(String),
    /// A person's, the owner's of the tables, or anybody's who may do more than a service.
    #[error("the role {0} is there, and is no service's: choose another name")]
    Taken(String),
    /// Whoever signs in with it sends one or the other, depending on the client.
    #[error("clients of Postgres do not agree on what this password is (RFC 4013): choose another")]
    UnclearPassword,
    /// The database could not be asked, or refused.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<diesel::result::Error> for RoleError {
    fn from(error: diesel::result::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

/// What became of a role that was to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It is new.
    Created,
    /// It was there.
    Changed,
}

/// Makes a role for a service that checks tokens, and has the options that are said. One that is there is given this
/// password, and may do from now on what is said here. The server is sent what it checks the password by (RFC 5802), and
/// not the password.
///
/// # Errors
/// [`RoleError`]
pub fn create(
    connection: &mut PgConnection,
    by: &AuditContext,
    name: &str,
    password: &Password,
    options: RoleOptions,
) -> Result<Made, RoleError> {
    let verifier = ScramVerifier::new(password.expose_secret()).ok_or(RoleError::UnclearPassword)?;
    connection.transaction(|connection| {
        let found = find(connection, name)?;
        if !found.allowed {
            return Err(RoleError::NotAllowed(found.asker));
        }
        if found.taken {
            return Err(RoleError::Taken(name.to_owned()));
        }
        if !lacking(connection)?.is_empty() {
            connection.batch_execute(RIGHTS)?;
        }
        if !found.exists {
            run(connection, "CREATE ROLE %1$I NOLOGIN", name, "")?;
        }
        let roles = options.roles();
        for role in [VERIFIER, AUTH] {
            let statement = if roles.contains(&role) {
                "GRANT %2$I TO %1$I"
            } else {
                "REVOKE %2$I FROM %1$I"
            };
            run(connection, statement, name, role)?;
        }
        let event = NewAuditEvent::new(AuditAction::RoleCreated);
        let detail =
            json!({ "role": name, "member_of": roles, "connection_limit": options.connection_limit });
        audit::record(connection, by, &event.detail(detail))?;
        let sign_in = format!(
            "ALTER ROLE %1$I LOGIN CONNECTION LIMIT {} PASSWORD %2$L",
            options.connection_limit
        );
        run(connection, &sign_in, name, verifier.expose_text())?;
        Ok(if found.exists {
            Made::Changed
        } else {
            Made::Created
        })
    })
}

/// Which of [`VERIFIER`] and [`AUTH`] lack something of what they are for: whoever migrated could not create them, or somebody
/// took it away.
///
/// # Errors
/// See [`DatabaseError`].
pub fn lacking(connection: &mut PgConnection) -> DatabaseResult<Vec<&'static str>> {
    let mut lacking = Vec::new();
    for role in [VERIFIER, AUTH] {
        if !rights::of_group(connection, role)?.lacks.is_empty() {
            lacking.push(role);
        }
    }
    Ok(lacking)
}

/// Whether anybody may create objects in the schema, as in databases that were made before Postgres 15, and its name: what
/// a role's session then finds there by an unqualified name may be somebody else's.
///
/// # Errors
/// See [`DatabaseError`].
pub fn open_schema(connection: &mut PgConnection) -> DatabaseResult<Option<String>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let row = diesel::sql_query(
        "SELECT current_schema()::text AS name WHERE has_schema_privilege('public', current_schema(), 'CREATE')",
    );
    Ok(row.get_result::<Row>(connection).optional()?.map(|row| row.name))
}

/// Roles of services that may take all of the server's connections, in order: those that were not made by [`create`]. A
/// superuser's limit does not count.
///
/// # Errors
/// See [`DatabaseError`].
pub fn without_connection_limit(connection: &mut PgConnection) -> DatabaseResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT rolname::text AS name FROM pg_roles JOIN pg_auth_members ON member = pg_roles.oid \
            WHERE roleid = to_regrole($1)::oid AND rolcanlogin AND rolconnlimit < 0 AND NOT rolsuper ORDER BY rolname",
    )
    .bind::<Text, _>(VERIFIER)
    .load(connection)?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    asker: String,
    /// Whether the asker may create roles.
    #[diesel(sql_type = Bool)]
    allowed: bool,
    #[diesel(sql_type = Bool)]
    exists: bool,
    /// Whether it exists and is no service's: whoever creates a role may be made a member of it by that.
    #[diesel(sql_type = Bool)]
    taken: bool,
}

fn find(connection: &mut PgConnection, name: &str) -> DatabaseResult<Found> {
    Ok(diesel::sql_query(
        "SELECT current_user::text AS asker, \
            (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) AS allowed, \
            role.oid IS NOT NULL AS exists, \
            role.oid IS NOT NULL AND (role.rolname = current_user OR role.rolsuper OR role.rolcreaterole \
                OR role.rolcreatedb OR role.rolreplication OR role.rolbypassrls \
                OR role.oid = (SELECT relowner FROM pg_class WHERE oid = 'tokens'::regclass) \
                OR NOT EXISTS (SELECT FROM pg_auth_members \
                    WHERE member = role.oid AND roleid IN (to_regrole($2)::oid, to_regrole($3)::oid))) AS taken \
        FROM (VALUES ($1)) AS wanted (name) LEFT JOIN pg_roles AS role ON role.rolname = wanted.name",
    )
    .bind::<Text, _>(name)
    .bind::<Text, _>(VERIFIER)
    .bind::<Text, _>(AUTH)
    .get_result(connection)?)
}

/// Statements about roles take no parameters: Postgres puts them in, as it quotes them.
fn run(connection: &mut PgConnection, statement: &str, name: &str, with: &str) -> DatabaseResult<()> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        statement: String,
    }
    let row: Row = diesel::sql_query("SELECT format($1, $2, $3) AS statement")
        .bind::<Text, _>(statement)
        .bind::<Text, _>(name)
        .bind::<Text, _>(with)
        .get_result(connection)?;
    Ok(connection.batch_execute(&row.statement)?)
}
