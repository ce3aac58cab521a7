//! Rows that SQL has accepted, and that this program cannot read or nobody can reach. By pages, so that a million take no
//! more memory than a few, and hold nothing up.

use super::{Context, Finding, read_only};
use crate::DatabaseResult;
use crate::PgConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use jeton_coherence::TextArray;
use jeton_domain::printable::cut;
use jeton_domain::{Email, PasswordHash, ScopeSet, TokenKind, TokenName, Username, UsernameKey};
use std::collections::HashMap;
use uuid::Uuid;

/// How many rows are read at once.
const PAGE: i64 = 5_000;

/// How many names that are not found are kept, to see which of them are the same.
const REMEMBERED: usize = 10_000;

/// The first findings, and how many there were.
#[derive(Default)]
pub(super) struct Findings {
    first: Vec<Finding>,
    more: usize,
}

impl Findings {
    fn is_full(&self) -> bool {
        self.first.len() >= super::MOST - 1
    }

    pub(super) fn push(&mut self, finding: Finding) {
        if self.is_full() {
            self.more += 1;
        } else {
            self.first.push(finding);
        }
    }

    pub(super) fn finish(mut self, kind: &str) -> Vec<Finding> {
        if self.more > 0 {
            let found = format!("and {} more {kind}", self.more);
            self.first
                .push(Finding::error(found, "mend these, and look again"));
        }
        self.first
    }
}

/// Scopes that cannot be an array of texts with one dimension are read as null.
pub(super) const SCOPES: &str =
    "CASE WHEN coalesce(array_ndims(scopes), 1) = 1 AND cardinality(scopes) <= 65 THEN scopes END AS scopes";

pub(super) fn read_scopes(texts: Option<&TextArray>) -> Option<ScopeSet> {
    let texts: Vec<String> = texts?.iter().cloned().collect::<Option<_>>()?;
    ScopeSet::from_texts(texts).ok()
}

pub(super) fn are_scopes(texts: Option<TextArray>) -> bool {
    read_scopes(texts.as_ref()).is_some()
}

#[derive(QueryableByName)]
struct UserRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    username: String,
    #[diesel(sql_type = Text)]
    username_key: String,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Nullable<Array<Nullable<Text>>>)]
    scopes: Option<TextArray>,
    #[diesel(sql_type = Nullable<Text>)]
    password_hash: Option<String>,
    #[diesel(sql_type = Bool)]
    timely: bool,
}

pub(super) fn users(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    let mut findings = Findings::default();
    let mut by_key: HashMap<String, Uuid> = HashMap::new();
    let select = format!(
        "SELECT id, left(username, 1000) AS username, left(username_key, 1000) AS username_key, \
            left(email, 1000) AS email, password_hash, {SCOPES}, {} AND ({}) IS NOT FALSE AS timely FROM users",
        in_time("created_at"),
        in_time("disabled_at")
    );
    each_row(
        connection,
        &select,
        |row: &UserRow| row.id,
        |connection, row| user(connection, row, &mut by_key, &mut findings),
    )?;
    Ok(findings.finish("users"))
}

/// Hands over all rows of a table that has ids, page by page.
pub(super) fn each_row<Row: QueryableByName<Pg> + 'static>(
    connection: &mut PgConnection,
    select: &str,
    id: impl Fn(&Row) -> Uuid,
    mut take: impl FnMut(&mut PgConnection, Row) -> DatabaseResult<()>,
) -> DatabaseResult<()> {
    let page = format!("{select} WHERE id >= $1 ORDER BY id LIMIT $2");
    let mut from = Some(Uuid::nil());
    while let Some(first) = from {
        let rows: Vec<Row> = read_only(connection, |connection| {
            Ok(diesel::sql_query(&page)
                .bind::<SqlUuid, _>(first)
                .bind::<BigInt, _>(PAGE)
                .load(connection)?)
        })?;
        from = rows.last().and_then(|last| next(id(last)));
        for row in rows {
            take(connection, row)?;
        }
    }
    Ok(())
}

/// The least id that comes after this one.
fn next(id: Uuid) -> Option<Uuid> {
    id.as_u128().checked_add(1).map(Uuid::from_u128)
}

fn in_time(column: &str) -> String {
    format!("{column} >= '1970-01-01 00:00:00Z' AND {column} < '10000-01-01 00:00:00Z'")
}

fn user(
    connection: &mut PgConnection,
    row: UserRow,
    by_key: &mut HashMap<String, Uuid>,
    findings: &mut Findings,
) -> DatabaseResult<()> {
    let id = row.id;
    if !Username::is_reachable(&row.username, &row.username_key) {
        match UsernameKey::of_typed(&row.username) {
            None => findings.push(Finding::error(
                format!(
                    "the user {id} has the name \"{}\", by which nobody signs in",
                    cut(&row.username)
                ),
                format!("`jeton user rename {id} NAME`"),
            )),
            Some(key) => {
                let key = key.as_str();
                let other = match by_key.get(key) {
                    Some(other) => Some(*other),
                    None if findings.is_full() => None,
                    None => holder(connection, key)?,
                };
                if by_key.len() < REMEMBERED {
                    by_key.entry(key.to_owned()).or_insert(id);
                }
                findings.push(unreachable(id, &row.username, other));
            }
        }
    }
    let bad_email = row
        .email
        .is_some_and(|email| !email.is_empty() && Email::parse(&email).is_err());
    if bad_email {
        findings.push(Finding::error(
            format!("the user {id} has an e-mail address that is none"),
            format!("`jeton user set-email {id} ADDRESS`, or `--no-email`"),
        ));
    }
    let is_unreadable = |hash: String| !PasswordHash::read(&hash).is_readable();
    if row.password_hash.is_some_and(is_unreadable) {
        findings.push(Finding::error(
            format!("the user {id} has a password hash that cannot be read: no password is right"),
            format!("`jeton user set-password {id}`"),
        ));
    }
    if !are_scopes(row.scopes) {
        findings.push(Finding::error(
            format!("the user {id} has scopes that are none"),
            format!("`jeton user set-scopes {id} SCOPE…`"),
        ));
    }
    if !row.timely {
        findings.push(Finding::error(
            format!("the user {id} was created or disabled at a time that cannot be told"),
            format!("`UPDATE users SET created_at = now() WHERE id = '{id}'`, or disabled_at"),
        ));
    }
    Ok(())
}

/// Who signs in by this key.
fn holder(connection: &mut PgConnection, key: &str) -> DatabaseResult<Option<Uuid>> {
    use crate::schema::users;
    read_only(connection, |connection| {
        Ok(users::table
            .filter(users::username_key.eq(key))
            .select(users::id)
            .first(connection)
            .optional()?)
    })
}

fn unreachable(id: Uuid, name: &str, other: Option<Uuid>) -> Finding {
    let name = cut(name);
    match other {
        Some(other) => Finding::error(
            format!("the user {id}, \"{name}\", cannot sign in: by that name it is the user {other}"),
            format!("`jeton user rename {id} NAME`, with a name that is nobody's"),
        ),
        None => Finding::error(
            format!(
                "the user {id}, \"{name}\", cannot sign in: username_key is not what the name is looked up by"
            ),
            format!("`jeton user rename {id} NAME`, with the same name"),
        ),
    }
}

#[derive(QueryableByName)]
struct TokenRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Array<Nullable<Text>>>)]
    scopes: Option<TextArray>,
}

pub(super) fn tokens(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    let mut findings = Findings::default();
    let select =
        format!("SELECT id, left(kind, 100) AS kind, left(name, 1000) AS name, {SCOPES} FROM tokens");
    each_row(
        connection,
        &select,
        |row: &TokenRow| row.id,
        |_, row| {
            token(row, &mut findings);
            Ok(())
        },
    )?;
    Ok(findings.finish("tokens"))
}

fn token(row: TokenRow, findings: &mut Findings) {
    let id = row.id;
    let wrong = [
        (TokenKind::parse(&row.kind).is_err(), "a kind that is none"),
        (TokenName::parse(&row.name).is_err(), "a name that is none"),
        (!are_scopes(row.scopes), "scopes that are none"),
    ];
    for (_, what) in wrong.iter().filter(|(is_wrong, _)| *is_wrong) {
        findings.push(Finding::error(
            format!("the token {id} has {what}"),
            format!("`jeton token revoke {id}`, or mend it with `UPDATE tokens`"),
        ));
    }
}
