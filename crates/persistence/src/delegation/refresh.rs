//! Tokens by a refresh token.

use super::clients::ClientRow;
use super::grants::take_back;
use super::issue::{
    Exchange, Holder, IssuedTokens, NewTokens, Refusal, insert, is_another, issuing, make_room,
};
use crate::PgConnection;
use crate::row_locks::LockRows;
use crate::schema::{clients, grants, refresh_tokens, users};
use crate::{DatabaseResult, Pending};
use chrono::{DateTime, Utc};
use diesel::IntoSql;
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use jeton_coherence::{Prepare, TextArray, from_now, scopes};
use jeton_domain::delegation::{Client, RefreshFamily, RefreshJudgement, RefreshToken, Resource};
use jeton_domain::{AuditContext, AuditReason, ClientId, GrantId, ScopeSet, UserId};
use std::time::Duration;
use uuid::Uuid;

/// A refresh token's life is put off when less than this part of it is left: most uses write no row.
const PUT_OFF_BELOW: f64 = 0.97;

/// A refresh token, and what is asked for by it.
#[derive(Debug)]
pub struct PresentedRefresh<'a> {
    /// The token.
    pub token: &'a RefreshToken,
    /// What the token is to be for; `None`: for all that was given.
    pub scopes: Option<&'a ScopeSet>,
    /// The resource that the token is to be for; `None`: that of the authorization.
    pub resource: Option<&'a Resource>,
}

#[derive(Queryable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct FamilyRow {
    user: Uuid,
    grant: Uuid,
    user_scopes: TextArray,
    /// Neither the user is disabled, nor the client.
    is_let_in: bool,
    client: ClientRow,
    digest: Vec<u8>,
    salt: Vec<u8>,
    rotations: Vec<Option<DateTime<Utc>>>,
    is_used: bool,
    scopes: TextArray,
    audience: Option<String>,
    now: DateTime<Utc>,
    /// See [`PUT_OFF_BELOW`].
    put_off: bool,
}

impl FamilyRow {
    /// What cannot be read equals nothing.
    fn family(&self) -> RefreshFamily {
        let bytes = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).unwrap_or_default();
        RefreshFamily {
            digest: bytes(&self.digest).into(),
            salt: bytes(&self.salt),
            rotations: self.rotations.iter().flatten().copied().collect(),
            is_used: self.is_used,
        }
    }
}

/// Gives an authenticated client another access token for a refresh token; one that can keep no secret is given another refresh
/// token as well. Where the refresh token was replaced long ago, and its successor used since, all that came of the grant is
/// taken back: two have it, and one of them has stolen it.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn refresh(
    connection: &mut PgConnection,
    by: &AuditContext,
    client: ClientId,
    presented: &PresentedRefresh<'_>,
    new: &NewTokens,
) -> DatabaseResult<Pending<Exchange>> {
    issuing(connection, |connection| {
        let Some(row) = lock_family(connection, client, presented.token, new.refresh_ttl)? else {
            return Ok(Exchange::Refused(Refusal::Grant));
        };
        let family = row.family();
        let (user, grant) = (UserId(row.user), GrantId(row.grant));
        let judgement = family.judge(presented.token, row.now);
        if matches!(judgement, RefreshJudgement::Replayed) {
            let reason = AuditReason::RefreshTokenReplayed;
            take_back(connection, by, user, grant, Some(reason))?;
            return Ok(Exchange::Replayed);
        }
        if !row.is_let_in {
            return Ok(Exchange::Refused(Refusal::Grant));
        }
        let holder = Holder::new(user, Client::from(row.client), grant, &row.user_scopes);
        let given = scopes("refresh_tokens.scopes", grant.0, &row.scopes);
        let given = match presented.scopes {
            Some(wanted) if !wanted.is_subset(&given) => return Ok(Exchange::Refused(Refusal::Scope)),
            Some(wanted) => wanted.intersection(&holder.held),
            None => given.intersection(&holder.held),
        };
        if given.is_empty() {
            return Ok(Exchange::Refused(Refusal::Grant));
        }
        if is_another(presented.resource, row.audience.as_deref()) {
            return Ok(Exchange::Refused(Refusal::Resource));
        }
        if make_room(connection, grant)? {
            return Ok(Exchange::RoomMade);
        }
        insert(connection, &holder, &given, row.audience.as_deref(), new)?;
        let refresh = match judgement {
            RefreshJudgement::Current if !holder.client.confidential => {
                let (after, token) = family.rotated(presented.token, row.now);
                rotate(connection, &token, after, new.refresh_ttl)?;
                Some(token)
            }
            judgement => {
                if row.put_off {
                    put_off(connection, presented.token, new.refresh_ttl)?;
                }
                match judgement {
                    RefreshJudgement::Replaced(current) => Some(current),
                    RefreshJudgement::Current | RefreshJudgement::Replayed => None,
                }
            }
        };
        Ok(Exchange::Issued(IssuedTokens {
            scopes: given,
            refresh,
        }))
    })
}

/// The family of a client's refresh token, if its time is not over, and its user, both as whoever had them before has left them:
/// they are the caller's then, the user first.
fn lock_family(
    connection: &mut PgConnection,
    client: ClientId,
    token: &RefreshToken,
    ttl: Duration,
) -> DatabaseResult<Option<FamilyRow>> {
    let row = refresh_tokens::table
        .inner_join(grants::table.inner_join(users::table).inner_join(clients::table))
        .filter(refresh_tokens::family.eq(&token.family().as_bytes()[..]))
        .filter(refresh_tokens::expires_at.gt(now))
        .filter(clients::id.eq(client.0))
        .select((
            users::id,
            grants::id,
            users::scopes,
            users::disabled_at.is_null().and(clients::disabled_at.is_null()),
            ClientRow::as_select(),
            refresh_tokens::digest,
            refresh_tokens::salt,
            refresh_tokens::rotations,
            refresh_tokens::is_used,
            refresh_tokens::scopes,
            refresh_tokens::audience,
            now.into_sql::<Timestamptz>(),
            refresh_tokens::expires_at.lt(from_now(ttl.mul_f64(PUT_OFF_BELOW))),
        ))
        .lock_rows("users, refresh_tokens")
        .get_result(connection)
        .optional()?;
    Ok(row)
}

/// Puts another token in the place of the family's current one.
fn rotate(
    connection: &mut PgConnection,
    token: &RefreshToken,
    after: RefreshFamily,
    ttl: Duration,
) -> DatabaseResult<()> {
    diesel::update(refresh_tokens::table.find(&token.family().as_bytes()[..]))
        .set((
            refresh_tokens::digest.eq(after.digest.as_bytes().to_vec()),
            refresh_tokens::rotations.eq(after.rotations),
            refresh_tokens::is_used.eq(after.is_used),
            refresh_tokens::expires_at.eq(from_now(ttl)),
        ))
        .prepared()
        .execute(connection)?;
    Ok(())
}

/// Has the family live on from now.
fn put_off(connection: &mut PgConnection, token: &RefreshToken, ttl: Duration) -> DatabaseResult<()> {
    diesel::update(refresh_tokens::table.find(&token.family().as_bytes()[..]))
        .set(refresh_tokens::expires_at.eq(from_now(ttl)))
        .prepared()
        .execute(connection)?;
    Ok(())
}
