//! What a check asks.

use crate::DatabaseResult;
use crate::columns::{self, TextArray};
use crate::connection::told;
use crate::schema::{tokens, users};
use crate::validity::{ClientScopes, IsValid, RemainingSecs};
use diesel::{ExpressionMethods, QueryDsl, Queryable};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use jeton_domain::{ClientId, ScopeSet, TokenDigest, TokenId, TokenKind, UserId};
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
    username: String,
    user_scopes: TextArray,
    client_id: Option<Uuid>,
    client_scopes: Option<TextArray>,
    audience: Option<String>,
    remaining_secs: Option<f64>,
}

/// Has each look-up on this connection planned by itself, as sizes are then. A plan that is kept may be of a time when the
/// table was empty.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub async fn plan_each(connection: &mut AsyncPgConnection) -> DatabaseResult<()> {
    let set = connection
        .batch_execute("SET plan_cache_mode = force_custom_plan")
        .await;
    Ok(told(set, connection).await?)
}

/// Finds which of the digests belong to tokens that are valid now: stored, not expired nor idle for too long, their user
/// not disabled, nor the client that they were given to. One statement, however many digests; a digest that is not in the answer is not valid. A corrupt row is
/// that token's error, not that of the others asked for along with it.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub async fn find_valid(
    connection: &mut AsyncPgConnection,
    digests: &[TokenDigest],
) -> DatabaseResult<Vec<(TokenDigest, DatabaseResult<ValidToken>)>> {
    let digests: Vec<&[u8]> = digests.iter().map(|digest| &digest.as_bytes()[..]).collect();
    // Users first: Postgres locks the tables in this order, and so does whoever changes a user, issues a token or migrates.
    let query = users::table
        .inner_join(tokens::table)
        .filter(tokens::digest.eq_any(digests))
        .filter(users::disabled_at.is_null())
        .filter(IsValid)
        .select((
            tokens::digest,
            tokens::id,
            tokens::kind,
            tokens::scopes,
            users::id,
            users::username,
            users::scopes,
            tokens::client_id,
            ClientScopes,
            tokens::audience,
            RemainingSecs,
        ));
    let rows: Vec<Row> = told(query.load(connection).await, connection).await?;
    let found = rows.into_iter().filter_map(|row| {
        let digest: [u8; 32] = row.digest.as_slice().try_into().ok()?;
        let its_client_is_out = row.client_id.is_some() && row.client_scopes.is_none();
        if its_client_is_out {
            return None;
        }
        Some((TokenDigest::from(digest), valid_token(row)))
    });
    Ok(found.collect())
}

fn valid_token(row: Row) -> DatabaseResult<ValidToken> {
    let token_scopes = columns::scopes("tokens.scopes", row.token_id, &row.token_scopes);
    let user_scopes = columns::scopes("users.scopes", row.user_id, &row.user_scopes);
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
        username: row.username,
        scopes,
        client_id: row.client_id.map(ClientId),
        audience: row.audience,
        remaining: row
            .remaining_secs
            .map(|secs| Duration::try_from_secs_f64(secs).unwrap_or_default()),
    })
}
