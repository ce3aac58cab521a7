//! Whether the tables are as the migrations have made them, and Postgres gives and keeps their rows as they are.

use super::{Context, Finding};
use crate::DatabaseResult;
use crate::PgConnection;
use crate::declared::declared;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
use jeton_domain::printable::{cut, escape};

/// What the migrations have been applied is kept in, which services read as well.
const APPLIED: &str = "__diesel_schema_migrations";

/// Where a trigger keeps revocations from coming about, or verifiers from knowing of them.
const OF_REVOCATIONS: [&str; 6] = ["users", "tokens", "clients", "grants", "revocations", "verifiers"];

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    row_security: bool,
    #[diesel(sql_type = Bool)]
    logged: bool,
    #[diesel(sql_type = Array<Text>)]
    rules: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    columns: Vec<String>,
}

pub(super) fn tables(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    let names: Vec<_> = declared()
        .tables
        .iter()
        .map(String::as_str)
        .chain([APPLIED])
        .collect();
    let tables: Vec<Table> = diesel::sql_query(
        "SELECT name, relrowsecurity AS row_security, relpersistence = 'p' AS logged, \
            ARRAY(SELECT rulename::text FROM pg_rewrite WHERE ev_class = c.oid AND rulename <> '_RETURN' ORDER BY 1) AS rules, \
            ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns \
        FROM unnest($1) AS name JOIN pg_class c ON c.oid = to_regclass(name) ORDER BY name",
    )
    .bind::<Array<Text>, _>(&names)
    .load(connection)?;
    let missing = names
        .iter()
        .filter(|name| !tables.iter().any(|table| table.name == **name));
    let mut findings: Vec<_> = missing
        .map(|name| {
            Finding::error(
                format!("the table {name} is missing"),
                "rename it back where it was renamed; or restore it from a dump of this database",
            )
        })
        .collect();
    findings.extend(tables.iter().flat_map(of_table));
    Ok(findings)
}

fn of_table(table: &Table) -> Vec<Finding> {
    let name = &table.name;
    let mut findings: Vec<_> = declared()
        .columns
        .iter()
        .filter(|(of, column)| of == name && !table.columns.contains(column))
        .map(|(_, column)| {
            Finding::error(
                format!("the column {name}.{column} is missing: what asks for it fails"),
                format!(
                    "where it was renamed, `ALTER TABLE {name} RENAME COLUMN … TO {column}`; or restore it from a dump of this database"
                ),
            )
        })
        .collect();
    if table.row_security {
        findings.push(Finding::error(
            format!("the table {name} has row security: services do not see its rows, and call what is right invalid"),
            format!("`ALTER TABLE {name} DISABLE ROW LEVEL SECURITY`"),
        ));
    }
    if !table.logged {
        findings.push(Finding::error(
            format!("the table {name} is unlogged: a crash of the server empties it"),
            format!("`ALTER TABLE {name} SET LOGGED`, while no service runs"),
        ));
    }
    findings.extend(table.rules.iter().map(|rule| {
        let rule = cut(rule);
        Finding::error(
            format!(
                "the table {name} has the rule {rule}: what is written may be undone, and revocations with it"
            ),
            format!("`DROP RULE {rule} ON {name}`"),
        )
    }));
    findings
}

/// Triggers that others have made: one may undo a revocation and say nothing. Those of foreign keys are Postgres' own.
pub(super) fn foreign_triggers(connection: &mut PgConnection) -> DatabaseResult<Vec<Finding>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        of: String,
    }
    let known: Vec<_> = declared()
        .triggers
        .iter()
        .map(|trigger| format!("{} {}", trigger.table, trigger.name))
        .collect();
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT tgname::text AS name, t AS of FROM unnest($1) AS t JOIN pg_trigger ON tgrelid = to_regclass(t) \
            WHERE NOT tgisinternal AND tgenabled <> 'D' AND t || ' ' || tgname <> ALL ($2) ORDER BY 2, 1",
    )
    .bind::<Array<Text>, _>(&OF_REVOCATIONS[..])
    .bind::<Array<Text>, _>(known)
    .load(connection)?;
    let told = rows.iter().map(|Row { name, of }| {
        let name = escape(name);
        Finding::warning(
            format!("the trigger {name} on {of} is none of Jeton's: one may undo a revocation, silently"),
            format!("read what it does; `DROP TRIGGER {name} ON {of}` where it changes or refuses a row"),
        )
    });
    Ok(told.collect())
}
