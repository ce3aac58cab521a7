//! What a check asks.

use crate::DatabaseResult;
use crate::columns::{self, TextArray};
use crate::connection::told;
use crate::validity::{CLIENT_SCOPES, IS_VALID, REMAINING_SECS};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, Bytea, Double, Nullable, Text, Uuid as SqlUuid};
use diesel::{QueryResult, Queryable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jeton_domain::{ClientId, ScopeSet, TokenDigest, TokenId, TokenKind, UserId};
use std::sync::LazyLock;
use std::time::Duration;
use uuid::Uuid;

/// A token that was valid when the statement ran, and what it lets its holder do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidToken {
    /// Names the token without revealing it.
    pub token_id: TokenId,
    /// What the token is for.
    pub kind: TokenKind,
    /// Whose it is.
    pub user_id: UserId,
    /// What that user is called.
    pub username: String,
    /// What the token may do: its own scopes and its user's in common, and its client's.
    pub scopes: ScopeSet,
    /// The client that it was given to; `None`: none, it is the user's own.
    pub client_id: Option<ClientId>,
    /// The one resource that accepts it (RFC 8707); `None`: any.
    pub audience: Option<String>,
    /// How much longer it lives if nobody uses it; `None`: for ever.
    pub remaining: Option<Duration>,
}

#[derive(Queryable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    digest: Vec<u8>,
    token_id: Uuid,
    kind: String,
    token_scopes: TextArray,
    user_id: Uuid,
    username: Option<String>,
    user_scopes: Option<TextArray>,
    client_id: Option<Uuid>,
    client_scopes: Option<TextArray>,
    audience: Option<String>,
    remaining_secs: Option<f64>,
}

/// What [`find_valid`] asks, of the array of digests `$1`.
///
/// From the tokens to their users, whatever the planner takes the tables' sizes for: an outer join is made in no other direction.
/// Users are named first all the same. Postgres locks the tables in this order, and so does whoever changes a user, issues a
/// token or migrates.
pub static STATEMENT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT tokens.digest, tokens.id, tokens.kind, tokens.scopes, tokens.user_id, users.username, users.scopes, \
            tokens.client_id, {CLIENT_SCOPES}, tokens.audience, {REMAINING_SECS} \
            FROM users RIGHT JOIN tokens ON users.id = tokens.user_id \
            WHERE tokens.digest = ANY ($1) AND users.disabled_at IS NULL AND {IS_VALID}"
    )
});

/// [`STATEMENT`], as one that is prepared once a connection.
#[derive(QueryId)]
struct FindValid {
    digests: Vec<Vec<u8>>,
}

impl QueryFragment<Pg> for FindValid {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (before, after) = STATEMENT.split_once("$1").unwrap_or_default();
        out.push_sql(before);
        out.push_bind_param::<Array<Bytea>, _>(&self.digests)?;
        out.push_sql(after);
        Ok(())
    }
}

impl Query for FindValid {
    type SqlType = (
        Bytea,
        SqlUuid,
        Text,
        Array<Nullable<Text>>,
        SqlUuid,
        Nullable<Text>,
        Nullable<Array<Nullable<Text>>>,
        Nullable<SqlUuid>,
        Nullable<Array<Nullable<Text>>>,
        Nullable<Text>,
        Nullable<Double>,
    );
}

/// Finds which of the digests belong to tokens that are valid now: stored, not expired nor idle for too long, their user
/// not disabled, nor the client that they were given to. One statement, however many digests; a digest that is not in the
/// answer is not valid. A corrupt row is that token's error, not that of the others asked for along with it.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub async fn find_valid(
    connection: &mut AsyncPgConnection,
    digests: &[TokenDigest],
) -> DatabaseResult<Vec<(TokenDigest, DatabaseResult<ValidToken>)>> {
    let digests = digests.iter().map(|digest| digest.as_bytes().to_vec()).collect();
    let query = FindValid { digests };
    let rows: Vec<Row> = told(query.load(connection).await, connection).await?;
    let found = rows.into_iter().filter_map(|mut row| {
        let digest: [u8; 32] = row.digest.as_slice().try_into().ok()?;
        let its_client_is_out = row.client_id.is_some() && row.client_scopes.is_none();
        if its_client_is_out {
            return None;
        }
        // No user: there is none of which it could be, since the tables' constraint was taken away.
        let user = (row.username.take()?, row.user_scopes.take()?);
        Some((TokenDigest::from(digest), valid_token(row, user)))
    });
    Ok(found.collect())
}

fn valid_token(row: Row, (username, user_scopes): (String, TextArray)) -> DatabaseResult<ValidToken> {
    let token_scopes = columns::scopes("tokens.scopes", row.token_id, &row.token_scopes);
    let user_scopes = columns::scopes("users.scopes", row.user_id, &user_scopes);
    let mut scopes = token_scopes.intersection(&user_scopes);
    if let (Some(client), Some(its)) = (row.client_id, &row.client_scopes) {
        let its = columns::scopes("clients.scopes", client, its);
        // What is never delegated is not, whatever the rows say.
        scopes = scopes.intersection(&its).delegable();
    }
    Ok(ValidToken {
        token_id: TokenId(row.token_id),
        kind: columns::token_kind(row.token_id, &row.kind)?,
        user_id: UserId(row.user_id),
        username,
        scopes,
        client_id: row.client_id.map(ClientId),
        audience: row.audience,
        remaining: row
            .remaining_secs
            .map(|secs| Duration::try_from_secs_f64(secs).unwrap_or_default()),
    })
}
