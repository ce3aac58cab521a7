//! Rows as they come out of the tables, and the step from them to the domain's types.

use crate::schema::{tokens, users};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::{QueryDsl, Queryable, Selectable, SelectableHelper};
use jeton_coherence::{LastUsedAt, TextArray, scopes, token_kind};
use jeton_domain::{Email, Token, TokenId, TokenKind, TokenName, User, UserId, Username};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

#[derive(Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(Pg))]
pub(crate) struct UserRow {
    id: Uuid,
    username: String,
    username_key: String,
    email: Option<String>,
    scopes: TextArray,
    #[diesel(column_name = is_service_account)]
    service: bool,
    created_at: DateTime<Utc>,
    disabled_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tokens, check_for_backend(Pg))]
pub(crate) struct TokenRow {
    id: Uuid,
    user_id: Uuid,
    kind: String,
    name: String,
    scopes: TextArray,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    idle_ttl_secs: Option<i32>,
}

impl UserRow {
    /// The texts that the column has, whatever they are, each once.
    pub(crate) fn stored_scopes(&self) -> BTreeSet<&str> {
        self.scopes.iter().flatten().map(String::as_str).collect()
    }
}

/// Whatever the table has taken is a user, whoever wrote it: one row must not hide the others. What this version would have
/// written otherwise is told in the log.
impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        // What Django writes for none.
        let email = row.email.filter(|text| !text.is_empty());
        if !Username::is_reachable(&row.username, &row.username_key) {
            tell("users.username_key", row.id);
        }
        if email.as_deref().is_some_and(|text| Email::parse(text).is_err()) {
            tell("users.email", row.id);
        }
        Self {
            id: UserId(row.id),
            scopes: scopes("users.scopes", row.id, &row.scopes),
            username: row.username,
            email,
            service: row.service,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
        }
    }
}

/// The operator can do something about it, by the id.
fn tell(column: &'static str, id: Uuid) {
    tracing::warn!(column, %id, "a row holds what Jeton does not write");
}

/// A token, and when it was last used.
#[derive(Queryable)]
#[diesel(check_for_backend(Pg))]
pub(crate) struct UsedTokenRow {
    #[diesel(embed)]
    pub(crate) token: TokenRow,
    pub(crate) last_used_at: Option<DateTime<Utc>>,
}

/// Reads [`UsedTokenRow`]s.
#[diesel::dsl::auto_type]
pub(crate) fn used_tokens() -> _ {
    let row: diesel::dsl::AsSelect<TokenRow, Pg> = TokenRow::as_select();
    tokens::table.select((row, LastUsedAt))
}

/// As a [`User`] is one.
impl From<UsedTokenRow> for Token {
    fn from(
        UsedTokenRow {
            token: row,
            last_used_at,
        }: UsedTokenRow,
    ) -> Self {
        if TokenName::parse(&row.name).is_err() {
            tell("tokens.name", row.id);
        }
        Self {
            id: TokenId(row.id),
            user_id: UserId(row.user_id),
            // Of a kind that only a later version knows, the least can be said. It is listed and can be revoked; no check
            // accepts it.
            kind: token_kind(row.id, &row.kind).unwrap_or_else(|error| {
                tracing::error!(%error, "a token is listed as a personal one");
                TokenKind::Personal
            }),
            scopes: scopes("tokens.scopes", row.id, &row.scopes),
            name: row.name,
            created_at: row.created_at,
            expires_at: row.expires_at,
            idle_ttl: row
                .idle_ttl_secs
                .map(|secs| Duration::from_secs(u64::try_from(secs).unwrap_or_default())),
            last_used_at,
        }
    }
}

pub(crate) fn all<Row, T: From<Row>>(rows: Vec<Row>) -> Vec<T> {
    rows.into_iter().map(T::from).collect()
}
