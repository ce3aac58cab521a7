//! What somebody presents that was given to a client: to have it revoked, or to be told of it.

use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::schema::{clients, grants, refresh_tokens, tokens, users};
use crate::tokens::Noted;
use crate::{DatabaseResult, Pending};
use chrono::{DateTime, Utc};
use diesel::IntoSql;
use diesel::dsl::{now, sql};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Timestamptz, Uuid as SqlUuid};
use jeton_coherence::revocations::revoking;
use jeton_coherence::{TextArray, scopes};
use jeton_domain::delegation::RefreshToken;
use jeton_domain::{AuditAction, AuditContext, ClientId, ScopeSet, TokenDigest, TokenId, UserId};
use serde_json::json;
use uuid::Uuid;

/// A text that somebody presents.
#[derive(Debug, Clone)]
pub enum Presented {
    /// An access token's.
    Access(TokenDigest),
    /// A refresh token.
    Refresh(RefreshToken),
}

/// For whom something is revoked or looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// The client that it was given to.
    Client(ClientId),
    /// The user whose it is.
    User(UserId),
    /// Whoever may ask about any.
    Anybody,
}

impl For {
    fn is_theirs(self, client: Uuid, user: Uuid) -> bool {
        match self {
            Self::Client(id) => id.0 == client,
            Self::User(id) => id.0 == user,
            Self::Anybody => true,
        }
    }
}

/// What became of what was presented to be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// It is revoked, or there is no such thing, or no longer.
    Done,
    /// It is another's, and stays.
    NotTheirs,
}

/// Revokes what was given to a client: an access token; or a refresh token, with its family and the access tokens by the grant
/// ([RFC 7009 §2.1](https://www.rfc-editor.org/rfc/rfc7009#section-2.1)). What the user has consented to stays. That an access token
/// was revoked is written down if `noted` says so of its user: the client may get another as often as it likes.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn revoke(
    connection: &mut PgConnection,
    by: &AuditContext,
    presented: &Presented,
    of: For,
    noted: &Noted<'_>,
) -> DatabaseResult<Pending<Revocation>> {
    revoking(connection, |connection| {
        let Some((grant, user, client, token)) = find(connection, presented)? else {
            return Ok(Revocation::Done);
        };
        if !of.is_theirs(client, user) {
            return Ok(Revocation::NotTheirs);
        }
        let detail = json!({ "grant_id": grant, "client_id": client });
        let event = NewAuditEvent::new(AuditAction::TokenRevoked)
            .of(UserId(user))
            .detail(detail);
        let event = match presented {
            Presented::Refresh(token) => {
                // Whoever is refreshing holds the user's row: this finds what they were given, or they find nothing.
                crate::tokens::lock(connection, UserId(user))?;
                let family = token.family();
                diesel::delete(refresh_tokens::table.find(&family.as_bytes()[..])).execute(connection)?;
                diesel::delete(tokens::table.filter(tokens::grant_id.eq(grant))).execute(connection)?;
                event
            }
            Presented::Access(digest) => {
                let target = tokens::table.filter(tokens::digest.eq(&digest.as_bytes()[..]));
                diesel::delete(target).execute(connection)?;
                if !noted(UserId(user)) {
                    return Ok(Revocation::Done);
                }
                match token {
                    Some(id) => event.token(TokenId(id)),
                    None => event,
                }
            }
        };
        audit::record(connection, by, &event)?;
        Ok(Revocation::Done)
    })
}

/// Of a grant's token: the grant, its user, its client, and the token's id, if it is an access token.
type Found = (Uuid, Uuid, Uuid, Option<Uuid>);

fn find(connection: &mut PgConnection, presented: &Presented) -> DatabaseResult<Option<Found>> {
    Ok(match presented {
        Presented::Access(digest) => tokens::table
            .inner_join(grants::table)
            .filter(tokens::digest.eq(&digest.as_bytes()[..]))
            .select((
                grants::id,
                grants::user_id,
                grants::client_id,
                tokens::id.nullable(),
            ))
            .first(connection)
            .optional()?,
        Presented::Refresh(token) => refresh_tokens::table
            .inner_join(grants::table)
            .filter(refresh_tokens::family.eq(&token.family().as_bytes()[..]))
            .select((
                grants::id,
                grants::user_id,
                grants::client_id,
                sql::<Nullable<SqlUuid>>("NULL::uuid"),
            ))
            .first(connection)
            .optional()?,
    })
}

/// What there is to say of something that was given to a client, and is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introspected {
    /// Whether it is an access token, or else a refresh token.
    pub is_access_token: bool,
    /// To which client.
    pub client: ClientId,
    /// Whose it is.
    pub user: UserId,
    /// What that user is called.
    pub username: String,
    /// What it may do at the moment.
    pub scopes: ScopeSet,
    /// The one resource that accepts it.
    pub audience: Option<String>,
    /// When it was issued.
    pub created_at: DateTime<Utc>,
    /// When it ends, if nobody uses it.
    pub expires_at: Option<DateTime<Utc>>,
}

#[derive(Queryable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    user: Uuid,
    username: String,
    user_scopes: TextArray,
    client: Uuid,
    client_scopes: TextArray,
    scopes: TextArray,
    audience: Option<String>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
}

/// Reads what there is to say of a token that was given to a client; `None`: nothing, it is not valid, or another's.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn introspect(
    connection: &mut PgConnection,
    presented: &Presented,
    of: For,
) -> DatabaseResult<Option<Introspected>> {
    let row: Option<Row> = match presented {
        Presented::Access(digest) => tokens::table
            .inner_join(grants::table.inner_join(clients::table).inner_join(users::table))
            .filter(tokens::digest.eq(&digest.as_bytes()[..]))
            .filter(tokens::expires_at.gt(now.into_sql::<Timestamptz>().nullable()))
            .filter(users::disabled_at.is_null())
            .filter(clients::disabled_at.is_null())
            .select((
                users::id,
                users::username,
                users::scopes,
                clients::id,
                clients::scopes,
                tokens::scopes,
                tokens::audience,
                tokens::created_at,
                tokens::expires_at,
            ))
            .first(connection)
            .optional()?,
        Presented::Refresh(token) => refresh_tokens::table
            .inner_join(grants::table.inner_join(clients::table).inner_join(users::table))
            .filter(refresh_tokens::family.eq(&token.family().as_bytes()[..]))
            .filter(refresh_tokens::digest.eq(&token.digest().as_bytes()[..]))
            .filter(refresh_tokens::expires_at.gt(now))
            .filter(users::disabled_at.is_null())
            .filter(clients::disabled_at.is_null())
            .select((
                users::id,
                users::username,
                users::scopes,
                clients::id,
                clients::scopes,
                refresh_tokens::scopes,
                refresh_tokens::audience,
                refresh_tokens::created_at,
                refresh_tokens::expires_at.nullable(),
            ))
            .first(connection)
            .optional()?,
    };
    Ok(row
        .filter(|row| of.is_theirs(row.client, row.user))
        .map(|row| Introspected {
            is_access_token: matches!(presented, Presented::Access(_)),
            scopes: scopes("tokens.scopes", row.client, &row.scopes)
                .intersection(&scopes("users.scopes", row.user, &row.user_scopes))
                .intersection(&scopes("clients.scopes", row.client, &row.client_scopes))
                .delegable(),
            client: ClientId(row.client),
            user: UserId(row.user),
            username: row.username,
            audience: row.audience,
            created_at: row.created_at,
            expires_at: row.expires_at,
        }))
}
