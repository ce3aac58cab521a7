//! The roles that services sign in as, and what they may do.

use super::{Context, Finding, each};
use crate::DatabaseResult;
use crate::PgConnection;
use crate::roles::rights::{Group, Right, granted, held, of_group};
use crate::roles::{AUTH, CONNECTION_LIMIT, VERIFIER, open_schema, without_connection_limit};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Oid, Text};
use jeton_domain::printable::escape;
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
        let Group { lacks, extra } = of_group(connection, group)?;
        findings.extend(
            lacks
                .iter()
                .map(|lack| Finding::error(format!("{group} {lack}"), SET_UP)),
        );
        findings.extend(extra.iter().map(|right| too_much(group, right)));
        extra_of_groups.extend(extra);
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
            format!("every role may create objects in the schema {}", escape(&schema)),
            format!("`REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC`"),
        ));
    }
    Ok(findings)
}

fn too_much(role: &str, right: &Right) -> Finding {
    let (role, object) = (escape(role), &right.object);
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
                format!("the role {}", escape(&line)),
                "take that from it with `ALTER ROLE`: a service needs none of it",
            )
        },
    )?;
    findings.extend(each(
        connection,
        &format!(
            "SELECT r.rolname || ' is a member of ' || g.rolname AS line FROM pg_roles r JOIN pg_roles g \
                ON g.rolname IN ('pg_read_all_data', 'pg_write_all_data', 'pg_maintain', 'pg_signal_backend', \
                    'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program') AND pg_has_role(r.oid, g.oid, 'MEMBER') \
            WHERE {SERVICE} ORDER BY 1"
        ),
        |line| Finding::error(format!("the role {}", escape(&line)), "take that from it with `REVOKE`"),
    )?);
    findings.extend(each(
        connection,
        &format!(
            "SELECT r.rolname::text AS line FROM pg_roles r WHERE {SERVICE} \
                AND has_schema_privilege(r.oid, current_schema(), 'CREATE') \
                AND NOT has_schema_privilege('public', current_schema(), 'CREATE') ORDER BY 1"
        ),
        |role| {
            Finding::error(
                format!(
                    "the role {} may create objects in the schema of the tables",
                    escape(&role)
                ),
                "`REVOKE CREATE ON SCHEMA … FROM …`: from it, or from a role that it is a member of",
            )
        },
    )?);
    findings.extend(without_connection_limit(connection)?.iter().map(|role| {
        Finding::warning(
            format!("the role {} may take all of the server's connections", escape(role)),
            format!("`ALTER ROLE … CONNECTION LIMIT {CONNECTION_LIMIT}`, or as many as its processes need; `jeton role create` sets one"),
        )
    }));
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
                format!("services check tokens as {}: they could do anything to anybody's", escape(&line)),
                OWN_ROLE,
            )
        },
    )?);
    Ok(findings)
}
