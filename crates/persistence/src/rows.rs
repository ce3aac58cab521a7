//! Rows as they come out of the tables, and the step from them to the domain's types.

use crate::schema::{token_uses, tokens, users};
use crate::{DatabaseError, DatabaseResult};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, Queryable, Selectable,
    SelectableHelper,
};
use jeton_coherence::{TextArray, scopes, token_kind};
use jeton_domain::{Email, Token, TokenId, TokenName, User, UserId, Username};
use std::time::Duration;
use uuid::Uuid;

#[derive(Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(Pg))]
pub(crate) struct UserRow {
    id: Uuid,
    username: String,
    email: Option<String>,
    scopes: TextArray,
    #[diesel(select_expression = users::password_hash.is_null())]
    #[diesel(select_expression_type = diesel::dsl::IsNull<users::password_hash>)]
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

impl TryFrom<UserRow> for User {
    type Error = DatabaseError;

    fn try_from(row: UserRow) -> DatabaseResult<Self> {
        Ok(Self {
            id: UserId(row.id),
            username: Username::parse(&row.username).or(Err(DatabaseError::Corrupt("users.username")))?,
            email: row
                .email
                // What Django writes for none.
                .filter(|text| !text.is_empty())
                .map(|text| Email::parse(&text))
                .transpose()
                .or(Err(DatabaseError::Corrupt("users.email")))?,
            scopes: scopes(row.scopes).ok_or(DatabaseError::Corrupt("users.scopes"))?,
            service: row.service,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
        })
    }
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
    tokens::table
        .left_join(token_uses::table.on(token_uses::token_id.eq(tokens::id)))
        .select((row, token_uses::last_used_at.nullable()))
}

impl TryFrom<UsedTokenRow> for Token {
    type Error = DatabaseError;

    fn try_from(
        UsedTokenRow {
            token: row,
            last_used_at,
        }: UsedTokenRow,
    ) -> DatabaseResult<Self> {
        Ok(Self {
            id: TokenId(row.id),
            user_id: UserId(row.user_id),
            kind: token_kind(&row.kind)?,
            name: TokenName::parse(&row.name).or(Err(DatabaseError::Corrupt("tokens.name")))?,
            scopes: scopes(row.scopes).ok_or(DatabaseError::Corrupt("tokens.scopes"))?,
            created_at: row.created_at,
            expires_at: row.expires_at,
            idle_ttl: row.idle_ttl_secs.map(idle_ttl).transpose()?,
            last_used_at,
        })
    }
}

fn idle_ttl(secs: i32) -> DatabaseResult<Duration> {
    let secs = u64::try_from(secs).or(Err(DatabaseError::Corrupt("tokens.idle_ttl_secs")))?;
    Ok(Duration::from_secs(secs))
}

pub(crate) fn all<Row, T>(rows: Vec<Row>) -> DatabaseResult<Vec<T>>
where
    T: TryFrom<Row, Error = DatabaseError>,
{
    rows.into_iter().map(T::try_from).collect()
}
