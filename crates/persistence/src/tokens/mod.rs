//! Issuing, listing and revoking tokens.
//!
//! A user's row is the lock of all that is the user's: whatever issues a token, or revokes all of them, holds it
//! `FOR NO KEY UPDATE`. So a token is either issued before such a revocation, and revoked by it, or not at all; and
//! whoever counts a user's tokens before issuing another counts right.

mod issue;
mod renew;

pub use issue::{Issue, Refusal, issue_by_operator, issue_by_token, issue_for_password, issue_for_service};
pub(crate) use issue::{described, insert};
pub use renew::{Renewal, renew};

use crate::PgConnection;
use crate::audit::{self, InsertEvent, NewAuditEvent};
use crate::rows::{self, UsedTokenRow, used_tokens};
use crate::schema::{grants, tokens, users};
use crate::transaction;
use crate::{DatabaseResult, Pending};
use diesel::dsl::{exists, select};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment};
use diesel::sql_types::{Bool, Text, Uuid as SqlUuid};
use jeton_coherence::IsValid;
use jeton_coherence::revocations::{THIS_REVOCATION, revoking, revoking_at_once};
use jeton_coherence::schema::sql_types::Xid8;
use jeton_domain::{
    Actor, AuditAction, AuditContext, Token, TokenDigest, TokenId, TokenKind, TokenName, UserId,
};
use serde_json::json;

/// Reads one of the owner's tokens, if it is valid.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn find(connection: &mut PgConnection, owner: UserId, id: TokenId) -> DatabaseResult<Option<Token>> {
    let row: Option<UsedTokenRow> = used_tokens()
        .filter(tokens::id.eq(id.0))
        .filter(tokens::user_id.eq(owner.0))
        .filter(IsValid)
        .first(connection)
        .optional()?;
    Ok(row.map(Token::from))
}

/// Reads the owner's valid tokens, newest first, at most `limit` of those older than `after`. Those that apps were given are
/// not among them: they come and go by the hour, and are taken back by what was granted.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn list(
    connection: &mut PgConnection,
    owner: UserId,
    after: Option<TokenId>,
    limit: u32,
) -> DatabaseResult<Vec<Token>> {
    let mut query = used_tokens()
        .filter(tokens::user_id.eq(owner.0))
        .filter(tokens::kind.ne(TokenKind::Delegated.as_str()))
        .filter(IsValid)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(tokens::id.lt(after.0));
    }
    let rows = query
        .order(tokens::id.desc())
        .limit(i64::from(limit))
        .load::<UsedTokenRow>(connection)?;
    Ok(rows::all(rows))
}

/// Gives one of the owner's tokens another name; the one that it has, is no event. `None` when the owner has no such valid
/// token.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn rename(
    connection: &mut PgConnection,
    by: &AuditContext,
    owner: UserId,
    id: TokenId,
    name: &TokenName,
) -> DatabaseResult<Option<Token>> {
    transaction(connection, |connection| {
        let target = tokens::table
            .find(id.0)
            .filter(tokens::user_id.eq(owner.0))
            .filter(tokens::name.ne(name.as_str()))
            .filter(IsValid);
        let renamed = diesel::update(target)
            .set(tokens::name.eq(name.as_str()))
            .execute(connection)?;
        if renamed > 0 {
            let event = NewAuditEvent::new(AuditAction::TokenRenamed).of(owner).token(id);
            audit::record(connection, by, &event.detail(json!({ "name": name.as_str() })))?;
        }
        find(connection, owner, id)
    })
}

/// Whether it is written down that a token of this user's that an app was given is revoked: the app may get another as often as
/// it likes, so somebody has to count. Of other tokens it always is.
pub type Noted<'a> = dyn Fn(UserId) -> bool + 'a;

/// Revokes the token that asks for it; says whether it was still there. Twice, or by two at once, does no harm. Whether that is
/// `noted` matters of a token that an app was given, as with [`Noted`].
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn log_out(
    connection: &mut PgConnection,
    by: &AuditContext,
    owner: UserId,
    id: TokenId,
    noted: bool,
) -> DatabaseResult<Pending<bool>> {
    revoke_one(connection, by, AuditAction::Logout, owner, id, noted)
}

/// Revokes one of the owner's tokens; says whether there was one. Twice, or by two at once, does no harm.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn revoke(
    connection: &mut PgConnection,
    by: &AuditContext,
    owner: UserId,
    id: TokenId,
) -> DatabaseResult<Pending<bool>> {
    revoke_noting(connection, by, owner, id, &|_| true)
}

/// As [`revoke`], where an app may get another token as often as one is revoked.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn revoke_noting(
    connection: &mut PgConnection,
    by: &AuditContext,
    owner: UserId,
    id: TokenId,
    noted: &Noted<'_>,
) -> DatabaseResult<Pending<bool>> {
    revoke_one(connection, by, AuditAction::TokenRevoked, owner, id, noted(owner))
}

fn revoke_one(
    connection: &mut PgConnection,
    by: &AuditContext,
    action: AuditAction,
    owner: UserId,
    id: TokenId,
    noted: bool,
) -> DatabaseResult<Pending<bool>> {
    let event = NewAuditEvent::new(action).of(owner).token(id);
    let statement = RevokeOne {
        noted,
        id: id.0,
        owner: owner.0,
        event: InsertEvent::new(by, &event),
    };
    revoking_at_once(connection, &statement)
}

/// Revokes a token and writes the event, and says in which transaction. No row, and no event, where there is none; and no event
/// where an app was given the token, if it is not to be noted.
#[derive(Debug)]
struct RevokeOne {
    noted: bool,
    id: uuid::Uuid,
    owner: uuid::Uuid,
    event: InsertEvent,
}

impl QueryFragment<Pg> for RevokeOne {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH gone AS (DELETE FROM tokens WHERE id = ");
        out.push_bind_param::<SqlUuid, _>(&self.id)?;
        out.push_sql(" AND user_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.owner)?;
        out.push_sql(" RETURNING id, kind), noted AS (");
        self.event.walk_ast(out.reborrow())?;
        out.push_sql(" FROM gone WHERE kind <> ");
        out.push_bind_param::<Text, _>(TokenKind::Delegated.as_str())?;
        out.push_sql(" OR ");
        out.push_bind_param::<Bool, _>(&self.noted)?;
        out.push_sql(&format!(") SELECT {THIS_REVOCATION} FROM gone"));
        Ok(())
    }
}

impl Query for RevokeOne {
    type SqlType = Xid8;
}

/// Revokes a token in the operator's name, whosever it is; says whether there was one.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn revoke_by_operator(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: TokenId,
) -> DatabaseResult<Pending<bool>> {
    revoking(connection, |connection| {
        let owner: Option<uuid::Uuid> = diesel::delete(tokens::table.find(id.0))
            .returning(tokens::user_id)
            .get_result(connection)
            .optional()?;
        if let Some(owner) = owner {
            record_revoked(connection, by, UserId(owner), id)?;
        }
        Ok(owner.is_some())
    })
}

fn record_revoked(
    connection: &mut PgConnection,
    by: &AuditContext,
    owner: UserId,
    id: TokenId,
) -> DatabaseResult<()> {
    let event = NewAuditEvent::new(AuditAction::TokenRevoked).of(owner).token(id);
    audit::record(connection, by, &event)
}

/// What became of a token that somebody presented to have it revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// It is revoked.
    Revoked,
    /// There is no such token, or no longer.
    Unknown,
    /// It belongs to another user, and stays.
    NotTheOwners,
}

/// Revokes the token with this digest: any user's, or only one of `owner`'s.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn revoke_presented(
    connection: &mut PgConnection,
    by: &AuditContext,
    digest: TokenDigest,
    owner: Option<UserId>,
    noted: &Noted<'_>,
) -> DatabaseResult<Pending<Presented>> {
    if let Some(owner) = owner {
        let of_another = tokens::table
            .filter(tokens::digest.eq(&digest.as_bytes()[..]))
            .filter(tokens::user_id.ne(owner.0));
        if select(exists(of_another)).get_result(connection)? {
            return Ok(Pending::settled(Presented::NotTheOwners));
        }
    }
    revoking(connection, |connection| {
        let target = tokens::table.filter(tokens::digest.eq(&digest.as_bytes()[..]));
        let revoked: Option<(uuid::Uuid, uuid::Uuid, String)> = diesel::delete(target)
            .returning((tokens::id, tokens::user_id, tokens::kind))
            .get_result(connection)
            .optional()?;
        let Some((id, owner, kind)) = revoked else {
            return Ok(Presented::Unknown);
        };
        if kind != TokenKind::Delegated.as_str() || noted(UserId(owner)) {
            record_revoked(connection, by, UserId(owner), TokenId(id))?;
        }
        Ok(Presented::Revoked)
    })
}

/// Revokes all of a user's tokens; says how many.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn revoke_all(
    connection: &mut PgConnection,
    by: &AuditContext,
    owner: UserId,
) -> DatabaseResult<Pending<usize>> {
    revoking(connection, |connection| {
        lock(connection, owner)?;
        let revoked = revoke_except(connection, owner, None)?;
        let action = match by.actor {
            Actor::User(id) if id == owner => AuditAction::LogoutAll,
            _ => AuditAction::TokensRevoked,
        };
        record_several(connection, by, action, owner, revoked)?;
        Ok(revoked)
    })
}

/// Revokes all of a user's tokens but one; says how many.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn revoke_others(
    connection: &mut PgConnection,
    by: &AuditContext,
    owner: UserId,
    kept: TokenId,
) -> DatabaseResult<Pending<usize>> {
    revoking(connection, |connection| {
        lock(connection, owner)?;
        let revoked = revoke_except(connection, owner, Some(kept))?;
        record_several(connection, by, AuditAction::LogoutOthers, owner, revoked)?;
        Ok(revoked)
    })
}

fn record_several(
    connection: &mut PgConnection,
    by: &AuditContext,
    action: AuditAction,
    owner: UserId,
    revoked: usize,
) -> DatabaseResult<()> {
    if revoked == 0 {
        return Ok(());
    }
    let event = NewAuditEvent::new(action).of(owner);
    audit::record(connection, by, &event.detail(json!({ "revoked": revoked })))
}

/// Keeps tokens from being issued to the user until the transaction ends.
pub(crate) fn lock(connection: &mut PgConnection, user: UserId) -> DatabaseResult<()> {
    users::table
        .find(user.0)
        .select(users::id)
        .for_no_key_update()
        .first::<uuid::Uuid>(connection)
        .optional()?;
    Ok(())
}

/// Deletes a user's tokens, all but one, and what the user has let apps do: they would get tokens again. The caller holds the user's row, by [`lock`] or by an update.
pub(crate) fn revoke_except(
    connection: &mut PgConnection,
    owner: UserId,
    kept: Option<TokenId>,
) -> DatabaseResult<usize> {
    let all = diesel::delete(tokens::table.filter(tokens::user_id.eq(owner.0)));
    let deleted = match kept {
        Some(kept) => all.filter(tokens::id.ne(kept.0)).execute(connection)?,
        None => all.execute(connection)?,
    };
    diesel::delete(grants::table.filter(grants::user_id.eq(owner.0))).execute(connection)?;
    Ok(deleted)
}
