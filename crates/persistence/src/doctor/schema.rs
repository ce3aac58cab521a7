//! Whether the tables are as the migrations have made them.

use super::tables::foreign_triggers;
use super::{Applied, Context, Finding, unseen};
use crate::PgConnection;
use crate::declared::declared;
use crate::{DatabaseError, DatabaseResult, locks};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Nullable, Text};
use jeton_coherence::{MIGRATIONS, version};
use jeton_domain::printable::cut;

const MIGRATE: &str = "run `jeton migrate`";

pub(super) fn migrations(_: &mut PgConnection, applied: &Applied) -> DatabaseResult<Vec<Finding>> {
    let applied = match applied {
        Ok(applied) => applied,
        Err(error @ DatabaseError::Unreleased) => {
            return Ok(vec![Finding::error(
                error.to_string(),
                "set up a new database with `jeton migrate`",
            )]);
        }
        // Told of the server and of the encoding.
        Err(DatabaseError::ServerTooOld(_) | DatabaseError::NotUtf8 { .. }) => return Ok(Vec::new()),
        Err(error) => return Ok(vec![unseen(error)]),
    };
    let known = MIGRATIONS.map(version);
    let missing = MIGRATIONS.iter().filter(|name| !applied.contains(&version(name)));
    let newer: Vec<_> = applied
        .iter()
        .filter(|applied| !known.contains(applied))
        .map(String::as_str)
        .collect();
    let mut findings: Vec<_> = missing
        .map(|name| Finding::error(format!("the migration {name} has not been applied"), MIGRATE))
        .collect();
    if !newer.is_empty() {
        findings.push(Finding::warning(
            format!(
                "{} migrations were applied that this version does not know: {}",
                newer.len(),
                cut(&newer.join(", "))
            ),
            "use the `jeton` of the newest version that has migrated this database",
        ));
    }
    Ok(findings)
}

pub(super) fn triggers(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        state: String,
        #[diesel(sql_type = Text)]
        function: String,
    }
    let mut findings = Vec::new();
    for wanted in &declared().triggers {
        let found: Option<Row> = diesel::sql_query(
            "SELECT tgenabled::text AS state, proname::text AS function FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid \
            WHERE tgrelid = to_regclass($1) AND tgname = $2 AND NOT tgisinternal \
                AND p.pronamespace = (SELECT relnamespace FROM pg_class WHERE oid = tgrelid)",
        )
        .bind::<Text, _>(&wanted.table)
        .bind::<Text, _>(&wanted.name)
        .get_result(connection)
        .optional()?;
        let (name, table) = (&wanted.name, &wanted.table);
        let how = if wanted.state == 'A' { "ALWAYS" } else { "REPLICA" };
        let enable = format!("run `jeton migrate`, or `ALTER TABLE {table} ENABLE {how} TRIGGER {name}`");
        findings.extend(match found {
            None => Some(Finding::error(
                format!("the trigger {name} on {table} is missing: revocations go unnoticed"),
                "restore the schema from a dump of a database that has it, or set up a new one",
            )),
            Some(row) if row.function != wanted.function => Some(Finding::error(
                format!(
                    "the trigger {name} on {table} calls {}, and not {}",
                    cut(&row.function),
                    wanted.function
                ),
                "restore the schema from a dump of a database that has it, or set up a new one",
            )),
            Some(row) if row.state == "D" => Some(Finding::error(
                format!("the trigger {name} on {table} is turned off: revocations go unnoticed"),
                enable,
            )),
            Some(row) if row.state != wanted.state.to_string() => Some(Finding::error(
                format!("the trigger {name} on {table} is not enabled as {how}: a restore or replication passes it by"),
                enable,
            )),
            Some(_) => None,
        });
    }
    findings.extend(foreign_triggers(connection)?);
    Ok(findings)
}

pub(super) fn functions(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        body: String,
        #[diesel(sql_type = Bool)]
        definer: bool,
        #[diesel(sql_type = Bool)]
        pinned: bool,
        #[diesel(sql_type = Bool)]
        owned: bool,
        #[diesel(sql_type = Bool)]
        public: bool,
        #[diesel(sql_type = Text)]
        owner: String,
    }
    const RESTORE: &str =
        "restore the function from the migrations of this version, as the owner of the tables";
    let mut findings = Vec::new();
    for wanted in &declared().functions {
        let name = &wanted.name;
        let found: Vec<Row> = diesel::sql_query(
            "SELECT prosrc AS body, prosecdef AS definer, pg_get_userbyid(proowner)::text AS owner, \
                coalesce(proconfig @> ARRAY[format('search_path=%I, pg_temp', current_schema())], false) AS pinned, \
                proowner = (SELECT relowner FROM pg_class WHERE oid = 'tokens'::regclass) AS owned, \
                has_function_privilege('public', p.oid, 'EXECUTE') AS public \
            FROM pg_proc p WHERE pronamespace = to_regnamespace(quote_ident(current_schema()))::oid AND proname = $1",
        )
        .bind::<Text, _>(name)
        .load(connection)?;
        let row = match &found[..] {
            [] => {
                findings.push(Finding::error(format!("the function {name} is missing"), RESTORE));
                continue;
            }
            [row] => row,
            _ => {
                findings.push(Finding::error(
                    format!("there are {} functions {name}, and one is Jeton's", found.len()),
                    "drop the others, which somebody else has made",
                ));
                continue;
            }
        };
        let mut is_wrong = |wrong: bool, what: String, remedy: String| {
            if wrong {
                findings.push(Finding::error(format!("the function {name} {what}"), remedy));
            }
        };
        is_wrong(
            row.body.trim() != wanted.body.trim(),
            "does not do what this version's does".to_owned(),
            RESTORE.to_owned(),
        );
        is_wrong(
            row.definer != wanted.definer,
            format!("is {}SECURITY DEFINER", if row.definer { "" } else { "not " }),
            RESTORE.to_owned(),
        );
        is_wrong(
            wanted.pinned && !row.pinned,
            "does not have this schema for its search_path: it may be made to use others' objects".to_owned(),
            format!("`ALTER FUNCTION {name} SET search_path = …`, to this schema and then pg_temp"),
        );
        is_wrong(
            !row.owned,
            format!("belongs to {}, who does not own the tables", cut(&row.owner)),
            format!("`ALTER FUNCTION {name} OWNER TO …`, to the owner of the tables"),
        );
        is_wrong(
            row.public && declared().private.contains(name),
            "may be executed by everybody".to_owned(),
            format!("`REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC`"),
        );
    }
    Ok(findings)
}

pub(super) fn constraints(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Nullable<Bool>)]
        valid: Option<bool>,
    }
    const SCHEMA: &str = "to_regnamespace(quote_ident(current_schema()))::oid";
    let mut findings = Vec::new();
    for (what, names, query) in [
        (
            "constraint",
            &declared().constraints,
            format!(
                "SELECT name, (SELECT bool_and(convalidated AND coalesce(indisvalid, true)) \
                    FROM pg_constraint LEFT JOIN pg_index ON indexrelid = conindid AND contype IN ('p', 'u', 'x') \
                    WHERE conname = name AND connamespace = {SCHEMA}) AS valid FROM unnest($1) AS name"
            ),
        ),
        (
            "index",
            &declared().indexes,
            format!(
                "SELECT name, (SELECT bool_and(indisvalid) FROM pg_index JOIN pg_class c ON c.oid = indexrelid \
                    WHERE relname = name AND relnamespace = {SCHEMA}) AS valid FROM unnest($1) AS name"
            ),
        ),
    ] {
        let rows: Vec<Row> = diesel::sql_query(query)
            .bind::<Array<Text>, _>(names)
            .load(connection)?;
        for row in rows.iter().filter(|row| row.valid != Some(true)) {
            let state = if row.valid.is_none() {
                "is missing"
            } else {
                "is not valid"
            };
            findings.push(Finding::error(
                format!("the {what} {} {state}", row.name),
                "make it again, as the migrations do; rows that are in its way are the first thing to look at",
            ));
        }
    }
    Ok(findings)
}

/// What one does at a time is a row, which nobody deletes but by hand.
pub(super) fn lock_rows(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    let missing = locks::missing(connection)?.into_iter();
    Ok(missing
        .map(|name| {
            Finding::error(
                format!("the table locks has no row {name}: what holds it fails"),
                format!("`INSERT INTO locks (name) VALUES ('{name}')`"),
            )
        })
        .collect())
}
