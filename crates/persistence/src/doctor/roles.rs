//! The roles that services sign in as, and what they may do.

use super::declared::{Grant, declared};
use super::{Context, Finding, each, shown};
use crate::DatabaseResult;
use crate::PgConnection;
use crate::roles::{AUTH, VERIFIER, open_schema};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Oid, Text};
use std::collections::BTreeSet;

/// Who signs in as a service: a member of one of the roles that this is about, whose rights it has without asking. Not the
/// owner of the tables, whom Postgres makes a member of the roles that it creates, nor superusers, who are members of all.
const SERVICE: &str = "r.rolcanlogin AND NOT r.rolsuper \
    AND r.oid <> (SELECT relowner FROM pg_class WHERE oid = 'tokens'::regclass) \
    AND EXISTS (SELECT FROM pg_roles g WHERE g.rolname IN ('jeton_verifier', 'jeton_auth') \
        AND pg_has_role(r.oid, g.oid, 'USAGE'))";

/// The roles exist, and they and who is a member of them may do what the migrations grant, and nothing else.
pub(super) fn rights(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    const SET_UP: &str =
        "run `jeton role create`, as a user who may create roles: it sets up what is missing";
    let mut findings = Vec::new();
    let mut extra_of_groups = BTreeSet::new();
    for group in [VERIFIER, AUTH] {
        let Some(oid) = find(connection, group)? else {
            findings.push(Finding::error(format!("the role {group} does not exist"), SET_UP));
            continue;
        };
        findings.extend(each(
            connection,
            &format!(
                "SELECT current_schema()::text AS line WHERE NOT has_schema_privilege({oid}::oid, current_schema(), 'USAGE')"
            ),
            |schema| Finding::error(format!("{group} lacks USAGE of the schema {}", shown(&schema)), SET_UP),
        )?);
        let (granted, held) = (granted(&[group]), held(connection, oid)?);
        let missing = granted.iter().filter(|right| !right.is_in(&held));
        findings.extend(missing.map(|right| Finding::error(format!("{group} lacks {right}"), SET_UP)));
        for right in held.into_iter().filter(|right| !right.is_in(&granted)) {
            findings.push(too_much(group, &right));
            extra_of_groups.insert(right);
        }
    }
    for service in services_of(connection)? {
        let granted = granted(&service.groups());
        let held = held(connection, service.oid)?.into_iter();
        findings.extend(
            held.filter(|right| !right.is_in(&granted) && !right.is_in(&extra_of_groups))
                .map(|right| too_much(&service.name, &right)),
        );
    }
    if let Some(schema) = open_schema(connection)? {
        findings.push(Finding::warning(
            format!("every role may create objects in the schema {}", shown(&schema)),
            format!("`REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC`"),
        ));
    }
    Ok(findings)
}

fn too_much(role: &str, right: &Right) -> Finding {
    let (role, object) = (shown(role), &right.object);
    let columns = if right.column.is_empty() {
        String::new()
    } else {
        format!(" ({})", right.column)
    };
    let kind = if right.privilege == "EXECUTE" {
        "FUNCTION "
    } else {
        ""
    };
    Finding::error(
        format!("{role} has {right}, which no migration grants"),
        format!(
            "`REVOKE {}{columns} ON {kind}{object} FROM …`: from {role}, from PUBLIC, or from a role that {role} is a member of",
            right.privilege
        ),
    )
}

/// Of a role that is known from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
struct Right {
    #[diesel(sql_type = Text)]
    object: String,
    #[diesel(sql_type = Text)]
    privilege: String,
    /// Empty: of all the table.
    #[diesel(sql_type = Text)]
    column: String,
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.column.as_str() {
            "" => write!(f, "{} on {}", self.privilege, self.object),
            column => write!(f, "{} on {}.{}", self.privilege, self.object, shown(column)),
        }
    }
}

impl From<&Grant> for Right {
    fn from(grant: &Grant) -> Self {
        Self {
            object: grant.object.clone(),
            privilege: grant.privilege.clone(),
            column: grant.column.clone(),
        }
    }
}

impl Right {
    /// Whether these have it, perhaps for all of the table.
    fn is_in(&self, rights: &BTreeSet<Self>) -> bool {
        let whole = Self {
            column: String::new(),
            ..self.clone()
        };
        rights.contains(self) || rights.contains(&whole)
    }
}

/// What the migrations grant to members of these.
fn granted(groups: &[&str]) -> BTreeSet<Right> {
    let grants = declared().grants.iter();
    grants
        .filter(|grant| groups.contains(&grant.role.as_str()))
        .map(Right::from)
        .collect()
}

/// What a role may do with Jeton's own tables and functions, by whatever way. Functions for everybody do not count.
fn held(connection: &mut PgConnection, role: u32) -> DatabaseResult<BTreeSet<Right>> {
    let mut tables = declared().tables.clone();
    tables.push("__diesel_schema_migrations".to_owned());
    let rights: Vec<Right> = diesel::sql_query(
        "WITH t AS (SELECT c.oid, c.relname::text AS name FROM pg_class c WHERE relkind IN ('r', 'p') \
                AND relname = ANY ($2) AND relnamespace = to_regnamespace(quote_ident(current_schema()))::oid), \
            whole AS (SELECT t.oid, t.name, p AS privilege FROM t, \
                unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p \
                WHERE has_table_privilege($1, t.oid, p)) \
        SELECT name AS object, privilege, '' AS \"column\" FROM whole \
        UNION ALL SELECT t.name, p, attname::text FROM t JOIN pg_attribute a ON a.attrelid = t.oid \
            AND attnum > 0 AND NOT attisdropped CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS p \
            WHERE has_column_privilege($1, t.oid, attnum, p) \
                AND NOT EXISTS (SELECT FROM whole WHERE whole.oid = t.oid AND whole.privilege = p) \
        UNION ALL SELECT proname::text, 'EXECUTE', '' FROM pg_proc f WHERE proname = ANY ($3) \
            AND pronamespace = to_regnamespace(quote_ident(current_schema()))::oid \
            AND has_function_privilege($1, f.oid, 'EXECUTE')",
    )
    .bind::<Oid, _>(role)
    .bind::<Array<Text>, _>(&tables)
    .bind::<Array<Text>, _>(&declared().private)
    .load(connection)?;
    Ok(rights.into_iter().collect())
}

fn find(connection: &mut PgConnection, role: &str) -> DatabaseResult<Option<u32>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Oid)]
        oid: u32,
    }
    let row: Option<Row> = diesel::sql_query("SELECT oid FROM pg_roles WHERE rolname = $1")
        .bind::<Text, _>(role)
        .get_result(connection)
        .optional()?;
    Ok(row.map(|row| row.oid))
}

/// By its number: it may be dropped at any time, and then may nothing.
#[derive(QueryableByName)]
struct Service {
    #[diesel(sql_type = Oid)]
    oid: u32,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    verifier: bool,
    #[diesel(sql_type = Bool)]
    auth: bool,
}

impl Service {
    fn groups(&self) -> Vec<&'static str> {
        let both = [(self.verifier, VERIFIER), (self.auth, AUTH)];
        both.into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, group)| group)
            .collect()
    }
}

/// The services' roles. A hundred of them are enough to look at.
fn services_of(connection: &mut PgConnection) -> DatabaseResult<Vec<Service>> {
    Ok(diesel::sql_query(format!(
        "SELECT r.oid, r.rolname::text AS name, \
            coalesce(pg_has_role(r.oid, to_regrole('jeton_verifier')::oid, 'USAGE'), false) AS verifier, \
            coalesce(pg_has_role(r.oid, to_regrole('jeton_auth')::oid, 'USAGE'), false) AS auth \
        FROM pg_roles r WHERE {SERVICE} ORDER BY 2 LIMIT 100"
    ))
    .load(connection)?)
}

/// What services sign in as can do no more than a service does.
pub(super) fn services(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    const OWN_ROLE: &str = "give the service a role of its own: `jeton role create NAME`";
    let mut findings = each(
        connection,
        "SELECT r.rolname || ' ' || attribute AS line FROM pg_roles r \
            JOIN (SELECT DISTINCT member FROM pg_auth_members WHERE roleid IN \
                (SELECT oid FROM pg_roles WHERE rolname IN ('jeton_verifier', 'jeton_auth'))) AS m ON m.member = r.oid \
            CROSS JOIN LATERAL (VALUES (r.rolsuper, 'is a superuser'), (r.rolbypassrls, 'passes by row security'), \
                (r.rolcreaterole, 'may create roles'), (r.rolcreatedb, 'may create databases'), \
                (r.rolreplication, 'may replicate the whole server')) AS v (is_so, attribute) \
        WHERE is_so AND r.rolcanlogin AND r.rolname <> current_user \
            AND r.oid <> (SELECT relowner FROM pg_class WHERE oid = 'tokens'::regclass) ORDER BY 1",
        |line| {
            Finding::error(
                format!("the role {}", shown(&line)),
                "take that from it with `ALTER ROLE`: a service needs none of it",
            )
        },
    )?;
    findings.extend(each(
        connection,
        &format!(
            "SELECT r.rolname || ' is a member of ' || g.rolname AS line FROM pg_roles r JOIN pg_roles g \
                ON g.rolname IN ('pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files', \
                    'pg_write_server_files', 'pg_execute_server_program') AND pg_has_role(r.oid, g.oid, 'MEMBER') \
            WHERE {SERVICE} ORDER BY 1"
        ),
        |line| Finding::error(format!("the role {}", shown(&line)), "take that from it with `REVOKE`"),
    )?);
    findings.extend(each(
        connection,
        "SELECT role || CASE WHEN rolsuper THEN ', a superuser' WHEN rolbypassrls THEN ', which passes by row security' \
            ELSE ', the owner of the tables' END AS line \
        FROM (SELECT DISTINCT owner AS role FROM (SELECT owner FROM verifiers LIMIT 100000) AS part) AS v \
            JOIN pg_roles ON rolname = role \
        WHERE rolsuper OR rolbypassrls \
            OR pg_roles.oid = (SELECT relowner FROM pg_class WHERE oid = 'tokens'::regclass) ORDER BY 1",
        |line| {
            Finding::warning(
                format!("services check tokens as {}: they could do anything to anybody's", shown(&line)),
                OWN_ROLE,
            )
        },
    )?);
    Ok(findings)
}
