//! What roles may do with Jeton's own tables and functions: what the migrations grant, and what they hold.

use crate::declared::{Grant, declared};
use crate::{DatabaseResult, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Oid, Text};
use jeton_domain::printable;
use std::collections::BTreeSet;

/// Of a role that is known from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
pub(crate) struct Right {
    #[diesel(sql_type = Text)]
    pub(crate) object: String,
    #[diesel(sql_type = Text)]
    pub(crate) privilege: String,
    /// Empty: of all the table.
    #[diesel(sql_type = Text)]
    pub(crate) column: String,
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.column.as_str() {
            "" => write!(f, "{} on {}", self.privilege, self.object),
            column => write!(
                f,
                "{} on {}.{}",
                self.privilege,
                self.object,
                printable::cut(column)
            ),
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
    pub(crate) fn is_in(&self, rights: &BTreeSet<Self>) -> bool {
        let whole = Self {
            column: String::new(),
            ..self.clone()
        };
        rights.contains(self) || rights.contains(&whole)
    }
}

/// What the migrations grant to members of these.
pub(crate) fn granted(groups: &[&str]) -> BTreeSet<Right> {
    let grants = declared().grants.iter();
    grants
        .filter(|grant| groups.contains(&grant.role.as_str()))
        .map(Right::from)
        .collect()
}

/// What a role may do with Jeton's own tables and functions, by whatever way. Functions for everybody do not count.
pub(crate) fn held(connection: &mut PgConnection, role: u32) -> DatabaseResult<BTreeSet<Right>> {
    let mut tables = declared().tables.clone();
    tables.push("__diesel_schema_migrations".to_owned());
    let rights: Vec<Right> = diesel::sql_query(
        "WITH t AS (SELECT c.oid, c.relname::text AS name FROM pg_class c WHERE relkind IN ('r', 'p') \
                AND relname = ANY ($2) AND relnamespace = to_regnamespace(quote_ident(current_schema()))::oid), \
            whole AS (SELECT t.oid, t.name, p AS privilege FROM t, \
                unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'] \
                    || CASE WHEN current_setting('server_version_num')::integer >= 170000 \
                        THEN ARRAY['MAINTAIN'] ELSE '{}' END) AS p \
                WHERE has_table_privilege($1, t.oid, p)) \
        SELECT name AS object, privilege, '' AS \"column\" FROM whole \
        UNION ALL SELECT t.name, p, attname::text FROM t JOIN pg_attribute a ON a.attrelid = t.oid \
            AND attnum > 0 AND NOT attisdropped CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS p \
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

/// What a role lacks of what members of it need.
pub(crate) enum Lack {
    /// The role does not exist.
    Role,
    /// It may not use the schema.
    Schema,
    /// It has not what the migrations grant.
    Right(Right),
}

impl std::fmt::Display for Lack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Role => f.write_str("does not exist"),
            Self::Schema => f.write_str("lacks USAGE on the schema"),
            Self::Right(right) => write!(f, "lacks {right}"),
        }
    }
}

/// What is there of a role that services are members of.
pub(crate) struct Group {
    /// What it lacks.
    pub(crate) lacks: Vec<Lack>,
    /// What it may, and no migration grants.
    pub(crate) extra: Vec<Right>,
}

/// Compares what a role may with what the migrations grant it.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub(crate) fn of_group(connection: &mut PgConnection, group: &str) -> DatabaseResult<Group> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Oid)]
        oid: u32,
        #[diesel(sql_type = Bool)]
        may_use: bool,
    }
    let row: Option<Row> = diesel::sql_query(
        "SELECT oid, coalesce(has_schema_privilege(oid, current_schema(), 'USAGE'), false) AS may_use \
            FROM pg_roles WHERE rolname = $1",
    )
    .bind::<Text, _>(group)
    .get_result(connection)
    .optional()?;
    let Some(row) = row else {
        return Ok(Group {
            lacks: vec![Lack::Role],
            extra: Vec::new(),
        });
    };
    let (granted, held) = (granted(&[group]), held(connection, row.oid)?);
    let missing = granted.iter().filter(|right| !right.is_in(&held)).cloned();
    let mut lacks = Vec::new();
    if !row.may_use {
        lacks.push(Lack::Schema);
    }
    lacks.extend(missing.map(Lack::Right));
    let extra = held.into_iter().filter(|right| !right.is_in(&granted)).collect();
    Ok(Group { lacks, extra })
}
