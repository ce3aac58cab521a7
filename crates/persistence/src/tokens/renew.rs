//! A token in place of another, at the wish of that one.

use super::issue::{Room, room};
use super::{Refusal, described, find, insert};
use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::schema::{tokens, users};
use crate::transaction;
use crate::{DatabaseError, DatabaseResult, Pending};
use chrono::{DateTime, Utc};
use diesel::IntoSql;
use diesel::dsl::{now, sql};
use diesel::prelude::*;
use diesel::sql_types::{Double, Nullable, Timestamptz};
use jeton_coherence::revocations::in_this_transaction;
use jeton_coherence::{TextArray, scopes};
use jeton_domain::{AuditAction, AuditContext, NewToken, ScopeSet, Token, TokenId, TokenKind, UserId};
use std::time::Duration;

/// What became of the wish for a successor.
#[derive(Debug)]
#[must_use]
pub enum Renewal {
    /// It is issued, and is to be handed out whatever becomes of the other: who asked for it may have nothing else.
    Renewed {
        /// The successor.
        token: Token,
        /// When the one that asked ends: for nobody to be told before it holds everywhere.
        old_expires_at: Pending<DateTime<Utc>>,
    },
    /// It is not yet: see [`Issue::RoomMade`](super::Issue::RoomMade).
    RoomMade(Pending<()>),
    /// It is not, since what gave a right to it does not hold, or no longer.
    Refused(Refusal),
    /// It is not, since the user has as many as may be, and none that gives way.
    TooMany,
}

/// What the transaction came to, before it is known what it revoked.
enum Done {
    Renewed(Token, DateTime<Utc>),
    RoomMade,
    Refused(Refusal),
    TooMany,
}

/// Issues a successor to a service account's token, by [`Token::successor`] as `make` calls it with the token, the scopes that
/// the account holds, and how many tokens it may have; and ends the token after this time, or when it would have ended
/// anyway. A time of zero revokes it: then the successor takes its place, also where the account has as many as may be.
///
/// Refused to users who can sign in, who make their own tokens, and to login tokens, whose time is the operator's to set.
///
/// # Errors
/// See [`DatabaseError`].
pub fn renew(
    connection: &mut PgConnection,
    by: &AuditContext,
    user: UserId,
    old: TokenId,
    old_expires_in: Duration,
    user_limit: u32,
    make: impl FnOnce(&Token, &ScopeSet, u32) -> NewToken,
) -> DatabaseResult<Renewal> {
    let mut done = Done::TooMany;
    let revoked = transaction(connection, |connection| {
        done = match may_renew(connection, user, old)? {
            Err(refusal) => Done::Refused(refusal),
            Ok((old, held)) => {
                let places = user_limit.saturating_add(u32::from(old_expires_in.is_zero()));
                let new = make(&old, &held, places);
                match room(connection, by, user, Some(old.id), &new)? {
                    Room::None => Done::TooMany,
                    Room::Made => Done::RoomMade,
                    Room::Found => {
                        let end = end(connection, old.id, old_expires_in)?;
                        let token = insert(connection, user, &new)?;
                        record(connection, by, &old, &token, end)?;
                        Done::Renewed(token, end)
                    }
                }
            }
        };
        in_this_transaction(connection, ())
    })?;
    Ok(match done {
        Done::Renewed(token, end) => Renewal::Renewed {
            token,
            old_expires_at: revoked.map(|()| end),
        },
        Done::RoomMade => Renewal::RoomMade(revoked),
        Done::Refused(refusal) => Renewal::Refused(refusal),
        Done::TooMany => Renewal::TooMany,
    })
}

/// The token, and the scopes that its user holds, whose row is the caller's then.
fn may_renew(
    connection: &mut PgConnection,
    user: UserId,
    old: TokenId,
) -> DatabaseResult<Result<(Token, ScopeSet), Refusal>> {
    let found: Option<(bool, bool, TextArray)> = users::table
        .find(user.0)
        .select((
            users::disabled_at.is_not_null(),
            users::is_service_account,
            users::scopes,
        ))
        .for_no_key_update()
        .first(connection)
        .optional()?;
    let held = match found {
        None => return Ok(Err(Refusal::UserGone)),
        Some((true, ..)) => return Ok(Err(Refusal::UserDisabled)),
        Some((false, false, _)) => return Ok(Err(Refusal::NotAServiceAccount)),
        Some((false, true, held)) => scopes("users.scopes", user.0, &held),
    };
    // A statement of its own, after the lock: its snapshot sees what whoever held the lock before has done.
    Ok(match find(connection, user, old)? {
        None => Err(Refusal::TokenGone),
        Some(old) if old.kind != TokenKind::Personal => Err(Refusal::NotAServiceAccount),
        Some(old) => Ok((old, held)),
    })
}

/// Has the token end after this time, if it would not end before; says when it does.
fn end(connection: &mut PgConnection, old: TokenId, after: Duration) -> DatabaseResult<DateTime<Utc>> {
    let row = tokens::table.find(old.0);
    if after.is_zero() {
        diesel::delete(row).execute(connection)?;
        return Ok(diesel::select(now.into_sql::<Timestamptz>()).get_result(connection)?);
    }
    let end = sql::<Nullable<Timestamptz>>("least(expires_at, now() + make_interval(secs => ")
        .bind::<Double, _>(after.as_secs_f64())
        .sql("))");
    let end: Option<DateTime<Utc>> = diesel::update(row)
        .set(tokens::expires_at.eq(end))
        .returning(tokens::expires_at)
        .get_result(connection)?;
    end.ok_or(DatabaseError::Corrupt {
        column: "tokens.expires_at",
        id: old.0,
    })
}

fn record(
    connection: &mut PgConnection,
    by: &AuditContext,
    old: &Token,
    new: &Token,
    end: DateTime<Utc>,
) -> DatabaseResult<()> {
    let mut detail = described(new);
    detail["renews"] = old.id.0.to_string().into();
    detail["old_expires_at"] = end.to_rfc3339().into();
    let event = NewAuditEvent::new(AuditAction::TokenRenewed)
        .of(new.user_id)
        .token(new.id);
    audit::record(connection, by, &event.detail(detail))
}
