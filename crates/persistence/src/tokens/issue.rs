//! Issuing tokens, no more to a user than there may be.

use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::rows::{TokenRow, UsedTokenRow};
use crate::schema::{tokens, users};
use crate::transaction;
use crate::{DatabaseResult, Pending};
use diesel::dsl::{exists, select, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable, Timestamptz, Uuid as SqlUuid};
use jeton_coherence::revocations::in_this_transaction;
use jeton_coherence::{IS_VALID, IsValid, LAST_USED_AT, Prepare};
use jeton_domain::{
    AuditAction, AuditContext, AuditReason, NewToken, PasswordHash, Token, TokenId, TokenKind, UserId,
};
use serde_json::json;
use uuid::Uuid;

/// What became of the wish for a token.
#[derive(Debug)]
#[must_use]
pub enum Issue {
    /// It is issued.
    Issued(Token),
    /// It is not yet: others had to give way, which are revoked as any other. Once that holds everywhere, ask again. Should
    /// it come to nothing, there is no token that nobody knows, and whoever tries again finds the room that was made.
    RoomMade,
    /// It is not, since what gave a right to it does not hold, or no longer.
    Refused(Refusal),
    /// It is not, since the user has as many as may be, and none that gives way.
    TooMany,
}

/// Why a user gets no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such user.
    #[error("there is no such user")]
    UserGone,
    /// The user is disabled.
    #[error("the user is disabled")]
    UserDisabled,
    /// The password is not the one that was verified.
    #[error("the password was changed")]
    PasswordChanged,
    /// The token that asks is not valid.
    #[error("the token that asks is not valid any more")]
    TokenGone,
    /// The user is a person.
    #[error("the user is no service account")]
    NotAServiceAccount,
}

impl Issue {
    /// The token, if there is one.
    #[must_use]
    pub fn token(self) -> Option<Token> {
        match self {
            Self::Issued(token) => Some(token),
            Self::RoomMade | Self::Refused(_) | Self::TooMany => None,
        }
    }
}

/// Issues a token to a user who has just proved to know the password. Refused when the password was changed, or the
/// user disabled or deleted, since `verified` was read: the proof is then of something that no longer holds.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn issue_for_password(
    connection: &mut PgConnection,
    by: &AuditContext,
    user: UserId,
    verified: &PasswordHash,
    token: &NewToken,
) -> DatabaseResult<Pending<Issue>> {
    issuing(connection, user, |connection, holder| {
        if holder.password_hash.as_deref() != Some(verified.expose_encoded()) {
            return Ok(Issue::Refused(Refusal::PasswordChanged));
        }
        issue(
            connection,
            &by.as_user(user),
            AuditAction::SignIn,
            user,
            None,
            token,
        )
    })
}

/// Issues a token by means of another of the same user, which does not give way to it. Refused when that one is no
/// longer valid.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn issue_by_token(
    connection: &mut PgConnection,
    by: &AuditContext,
    user: UserId,
    with: TokenId,
    token: &NewToken,
) -> DatabaseResult<Pending<Issue>> {
    issuing(connection, user, |connection, _| {
        // A statement of its own, after the lock: its snapshot sees what whoever held the lock before has done.
        let still_valid: bool = select(exists(
            tokens::table
                .find(with.0)
                .filter(tokens::user_id.eq(user.0))
                .filter(IsValid),
        ))
        .get_result(connection)?;
        if !still_valid {
            return Ok(Issue::Refused(Refusal::TokenGone));
        }
        issue(connection, by, AuditAction::TokenIssued, user, Some(with), token)
    })
}

/// Issues a token in the operator's name. Refused when there is no such user, or the user is disabled.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn issue_by_operator(
    connection: &mut PgConnection,
    by: &AuditContext,
    user: UserId,
    token: &NewToken,
) -> DatabaseResult<Pending<Issue>> {
    issuing(connection, user, |connection, _| {
        issue(connection, by, AuditAction::TokenIssued, user, None, token)
    })
}

/// Issues a token to a service account. Refused when there is none, or it is disabled, or a user who can sign in.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn issue_for_service(
    connection: &mut PgConnection,
    by: &AuditContext,
    user: UserId,
    token: &NewToken,
) -> DatabaseResult<Pending<Issue>> {
    issuing(connection, user, |connection, holder| {
        if !holder.is_service_account {
            return Ok(Issue::Refused(Refusal::NotAServiceAccount));
        }
        issue(connection, by, AuditAction::TokenIssued, user, None, token)
    })
}

/// Whose the token will be.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
struct Holder {
    #[diesel(select_expression = users::disabled_at.is_not_null())]
    #[diesel(select_expression_type = diesel::dsl::IsNotNull<users::disabled_at>)]
    disabled: bool,
    password_hash: Option<String>,
    is_service_account: bool,
}

/// A transaction that issues a token to a user who is there and not disabled, or else makes room, which is all that it may
/// revoke. The work is done under the lock of the user's row, and is told what that says.
fn issuing(
    connection: &mut PgConnection,
    user: UserId,
    work: impl FnOnce(&mut PgConnection, &Holder) -> DatabaseResult<Issue>,
) -> DatabaseResult<Pending<Issue>> {
    transaction(connection, |connection| {
        // What is read is the row that is locked: as whoever held it before has left it.
        let found: Option<Holder> = users::table
            .find(user.0)
            .select(Holder::as_select())
            .for_no_key_update()
            .first(connection)
            .optional()?;
        let issue = match found {
            None => Issue::Refused(Refusal::UserGone),
            Some(holder) if holder.disabled => Issue::Refused(Refusal::UserDisabled),
            Some(holder) => work(connection, &holder)?,
        };
        match issue {
            Issue::RoomMade => in_this_transaction(connection, Issue::RoomMade),
            other => Ok(Pending::settled(other)),
        }
    })
}

/// Stores the token where there is room, or else makes room. The caller holds the user's row.
fn issue(
    connection: &mut PgConnection,
    by: &AuditContext,
    action: AuditAction,
    user: UserId,
    kept: Option<TokenId>,
    token: &NewToken,
) -> DatabaseResult<Issue> {
    match room(connection, by, user, kept, token)? {
        Room::Found => {}
        Room::Made => return Ok(Issue::RoomMade),
        Room::None => return Ok(Issue::TooMany),
    }
    let token = insert(connection, user, token)?;
    let event = NewAuditEvent::new(action).of(user).token(token.id);
    audit::record(connection, by, &event.detail(described(&token)))?;
    Ok(Issue::Issued(token))
}

/// Whether one more token fits.
pub(super) enum Room {
    /// It does.
    Found,
    /// It will, once it is known everywhere that those are revoked that gave way.
    Made,
    /// It does not.
    None,
}

/// Whether there is room for the token; what gives way to it is revoked. The caller holds the user's row.
pub(super) fn room(
    connection: &mut PgConnection,
    by: &AuditContext,
    user: UserId,
    kept: Option<TokenId>,
    token: &NewToken,
) -> DatabaseResult<Room> {
    let Some(gone) = make_room(connection, user, kept, token)? else {
        return Ok(Room::None);
    };
    for id in &gone {
        let event = NewAuditEvent::new(AuditAction::TokenRevoked).of(user).token(*id);
        let why = json!({ "reason": AuditReason::TooManyTokens.as_str(), "for": token.id.0 });
        audit::record(connection, by, &event.detail(why))?;
    }
    Ok(if gone.is_empty() { Room::Found } else { Room::Made })
}

/// Revokes what has to give way to the token: the login tokens that were not used for longest, and never one that was
/// made for a program; what apps were given counts by itself. `None` when there can be no room: one place is kept for signing in, or a user with many programs
/// could not sign in to revoke the tokens of some. The caller holds the user's row.
fn make_room(
    connection: &mut PgConnection,
    user: UserId,
    kept: Option<TokenId>,
    token: &NewToken,
) -> DatabaseResult<Option<Vec<TokenId>>> {
    #[derive(QueryableByName)]
    struct Held {
        #[diesel(sql_type = BigInt)]
        personal: i64,
        #[diesel(sql_type = BigInt)]
        login: i64,
    }
    #[derive(QueryableByName)]
    struct Gone {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let held: Held = diesel::sql_query(format!(
        "SELECT count(*) FILTER (WHERE kind = 'personal') AS personal, \
            count(*) FILTER (WHERE kind = 'login') AS login \
            FROM tokens WHERE user_id = $1 AND kind IN ('login', 'personal') AND {IS_VALID}",
    ))
    .bind::<SqlUuid, _>(user.0)
    .prepared()
    .get_result(connection)?;
    let limit = i64::from(token.user_limit);
    let room_for_programs = match token.kind {
        TokenKind::Personal => limit - 1,
        TokenKind::Login | TokenKind::Delegated => limit,
    };
    if held.personal >= room_for_programs {
        return Ok(None);
    }
    let excess = held.personal + held.login + 1 - limit;
    if excess <= 0 {
        return Ok(Some(Vec::new()));
    }
    let gone: Vec<Gone> = diesel::sql_query(format!(
        "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens \
            WHERE user_id = $1 AND kind = 'login' AND {IS_VALID} AND id IS DISTINCT FROM $2 \
            ORDER BY coalesce({LAST_USED_AT}, created_at), id LIMIT $3) RETURNING id",
    ))
    .bind::<SqlUuid, _>(user.0)
    .bind::<Nullable<SqlUuid>, _>(kept.map(|id| id.0))
    .bind::<BigInt, _>(excess)
    .prepared()
    .load(connection)?;
    Ok(Some(gone.into_iter().map(|row| TokenId(row.id)).collect()))
}

/// What the audit log says of a new token.
pub(crate) fn described(token: &Token) -> serde_json::Value {
    json!({
        "kind": token.kind.as_str(),
        "name": token.name,
        "scopes": token.scopes.to_texts(),
        "expires_at": token.expires_at,
    })
}

pub(crate) fn insert(connection: &mut PgConnection, user: UserId, token: &NewToken) -> DatabaseResult<Token> {
    let ttl_secs = token.ttl.map(|ttl| ttl.as_secs_f64());
    // Longer than anybody lives is as good as any other such time.
    let idle_ttl_secs = token
        .idle_ttl
        .map(|ttl| i32::try_from(ttl.as_secs()).unwrap_or(i32::MAX));
    let token = diesel::insert_into(tokens::table)
        .values((
            tokens::id.eq(token.id.0),
            tokens::user_id.eq(user.0),
            tokens::digest.eq(&token.digest.as_bytes()[..]),
            tokens::kind.eq(token.kind.as_str()),
            tokens::name.eq(token.name.as_str()),
            tokens::scopes.eq(token.scopes.to_texts()),
            tokens::expires_at.eq(sql::<Nullable<Timestamptz>>("now() + make_interval(secs => ")
                .bind::<Nullable<Double>, _>(ttl_secs)
                .sql(")")),
            tokens::idle_ttl_secs.eq(idle_ttl_secs),
        ))
        .returning(TokenRow::as_returning())
        .prepared()
        .get_result(connection)?;
    let row = UsedTokenRow {
        token,
        last_used_at: None,
    };
    Ok(row.into())
}
