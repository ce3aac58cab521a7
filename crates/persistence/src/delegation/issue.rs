//! Tokens for clients, and how a code is exchanged for them.
//!
//! Whatever issues one holds the user's row, as whatever else does: so it is before a revocation of all that is the user's,
//! and revoked by it, or after it, and finds nothing left. Before that, what is presented is only looked at: who is not the
//! client that it was given to changes nothing by it.

use super::clients::ClientRow;
use super::grants::take_back;
use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::schema::{authorization_codes, clients, grants, refresh_tokens, tokens, users};
use crate::{DatabaseResult, Pending, transaction};
use diesel::IntoSql;
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use jeton_coherence::revocations::in_this_transaction;
use jeton_coherence::{Prepare, TextArray, from_now, scopes};
use jeton_domain::delegation::{Client, CodeChallenge, GrantType, RefreshToken, Resource, SecretDigest};
use jeton_domain::{
    AuditAction, AuditContext, AuditReason, ClientId, GrantId, ScopeSet, TokenDigest, TokenId, TokenKind,
    UserId,
};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// How many valid tokens there may be by one grant. Beyond them, the oldest give way.
pub const MOST_TOKENS_A_GRANT: i64 = 2_000;

/// How many families of refresh tokens there may be by one grant: one for each device on which a user uses an app, say. Beyond
/// them, the one that was not used for longest gives way.
pub const MOST_FAMILIES_A_GRANT: i64 = 100;

/// An access token about to be issued, and how long a refresh token lives after its last use.
#[derive(Debug)]
pub struct NewTokens {
    /// A fresh id.
    pub id: TokenId,
    /// The digest of its text.
    pub digest: TokenDigest,
    /// How long it lives.
    pub ttl: Duration,
    /// How long a refresh token lives after its last use.
    pub refresh_ttl: Duration,
}

/// What was issued.
#[derive(Debug)]
pub struct IssuedTokens {
    /// What the access token may do.
    pub scopes: ScopeSet,
    /// The refresh token to hand out; `None`: there is none, or the client keeps its own.
    pub refresh: Option<RefreshToken>,
}

/// What became of the wish for tokens.
#[derive(Debug)]
#[must_use]
pub enum Exchange {
    /// They are issued.
    Issued(IssuedTokens),
    /// Not yet: others had to give way. Once that holds everywhere, ask again.
    RoomMade,
    /// Not, since what was presented gives no right to it, or no longer.
    Refused(Refusal),
    /// Not, since what was presented was used before by another: all that came of it is taken back.
    Replayed,
}

impl Exchange {
    pub(super) fn issued(scopes: ScopeSet, refresh: Option<RefreshToken>) -> Self {
        Self::Issued(IssuedTokens { scopes, refresh })
    }
}

/// Why a client gets no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// What was presented is none, or another client's, or too old, or does not fit; or its user, client or grant is gone or
    /// disabled; or nothing is left that it may do.
    Grant,
    /// More was asked for than was given.
    Scope,
    /// Another resource was asked for than was given.
    Resource,
    /// The client's service account is gone, or disabled, or no service account any more.
    Client,
    /// Nobody has decided yet.
    Pending,
    /// Nor has anybody, and the device asks too often.
    SlowDown,
    /// The user has decided against it.
    Denied,
    /// Nobody has decided in time.
    Expired,
}

/// A code, and what its exchange is bound to.
#[derive(Debug)]
pub struct PresentedCode<'a> {
    /// The digest of the code's text.
    pub code: SecretDigest,
    /// Where the user was sent back to.
    pub redirect_uri: &'a str,
    /// What the challenge was made of.
    pub verifier: &'a str,
    /// The resource that the token is to be for; `None`: that of the authorization.
    pub resource: Option<&'a Resource>,
}

/// The first refresh token of a family, in case that there is to be one.
#[derive(Debug)]
pub struct NewFamily {
    /// Its text.
    pub first: RefreshToken,
    /// What its successors are made with: random.
    pub salt: [u8; 32],
}

#[derive(Queryable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct CodeRow {
    grant: Uuid,
    user: Uuid,
    client: Uuid,
    scopes: TextArray,
    audience: Option<String>,
    redirect_uri: String,
    code_challenge: String,
}

/// Whose tokens they are, at the moment.
pub(super) struct Holder {
    pub(super) user: UserId,
    pub(super) client: Client,
    pub(super) grant: GrantId,
    /// What both may have.
    pub(super) held: ScopeSet,
}

impl Holder {
    pub(super) fn new(user: UserId, client: Client, grant: GrantId, users_scopes: &TextArray) -> Self {
        let held = scopes("users.scopes", user.0, users_scopes)
            .intersection(&client.scopes)
            .delegable();
        Self {
            user,
            client,
            grant,
            held,
        }
    }
}

/// Exchanges a code of an authenticated client's. Where it was exchanged before, what came of it is taken back.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn exchange_code(
    connection: &mut PgConnection,
    by: &AuditContext,
    client: ClientId,
    presented: &PresentedCode<'_>,
    new: &NewTokens,
    family: &NewFamily,
) -> DatabaseResult<Pending<Exchange>> {
    issuing(connection, |connection| {
        let Some(code) = find_code(connection, client, presented)? else {
            return Ok(Exchange::Refused(Refusal::Grant));
        };
        let (user, grant) = (UserId(code.user), GrantId(code.grant));
        let holder = hold(connection, user, client, grant)?;
        let digest = &presented.code.as_bytes()[..];
        let state: Option<(bool, bool)> = authorization_codes::table
            .find(digest)
            .select((
                authorization_codes::used_at.is_not_null(),
                authorization_codes::expires_at.gt(now),
            ))
            .for_update()
            .first(connection)
            .optional()?;
        let holder = match (holder, state) {
            (_, Some((true, _))) => {
                take_back(connection, by, user, grant, Some(AuditReason::CodeReplayed))?;
                return Ok(Exchange::Replayed);
            }
            (Some(holder), Some((false, true))) => holder,
            _ => return Ok(Exchange::Refused(Refusal::Grant)),
        };
        let asked = scopes("authorization_codes.scopes", code.grant, &code.scopes);
        let given = asked.intersection(&holder.held);
        let audience = code.audience.as_deref();
        if given.is_empty() {
            return Ok(Exchange::Refused(Refusal::Grant));
        }
        if is_another(presented.resource, audience) {
            return Ok(Exchange::Refused(Refusal::Resource));
        }
        if make_room(connection, grant)? {
            return Ok(Exchange::RoomMade);
        }
        diesel::update(authorization_codes::table.find(digest))
            .set(authorization_codes::used_at.eq(now.into_sql::<Timestamptz>().nullable()))
            .prepared()
            .execute(connection)?;
        let refresh = issue_first(connection, by, &holder, &asked, audience, new, family)?;
        Ok(Exchange::Issued(IssuedTokens {
            scopes: given,
            refresh,
        }))
    })
}

/// The code, if it is this client's, and what its exchange is bound to is right.
fn find_code(
    connection: &mut PgConnection,
    client: ClientId,
    presented: &PresentedCode<'_>,
) -> DatabaseResult<Option<CodeRow>> {
    let found: Option<CodeRow> = authorization_codes::table
        .inner_join(grants::table)
        .filter(authorization_codes::digest.eq(&presented.code.as_bytes()[..]))
        .select((
            grants::id,
            grants::user_id,
            grants::client_id,
            authorization_codes::scopes,
            authorization_codes::audience,
            authorization_codes::redirect_uri,
            authorization_codes::code_challenge,
        ))
        .first(connection)
        .optional()?;
    Ok(found.filter(|code| {
        code.client == client.0
            && code.redirect_uri == presented.redirect_uri
            && CodeChallenge::parse(&code.code_challenge)
                .is_ok_and(|challenge| challenge.is_met_by(presented.verifier))
    }))
}

/// Whether a resource is asked for, and it is another than the one that was given.
pub(super) fn is_another(wanted: Option<&Resource>, given: Option<&str>) -> bool {
    wanted.is_some_and(|wanted| Some(wanted.as_str()) != given)
}

/// A transaction that issues, or else revokes: then something has to be waited for.
pub(super) fn issuing(
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> DatabaseResult<Exchange>,
) -> DatabaseResult<Pending<Exchange>> {
    transaction(connection, |connection| {
        let done = work(connection)?;
        match done {
            Exchange::RoomMade | Exchange::Replayed => in_this_transaction(connection, done),
            done => Ok(Pending::settled(done)),
        }
    })
}

/// What user and client may have at the moment, the user's row being the caller's then; `None` where one of them is gone or
/// disabled, or the grant is.
pub(super) fn hold(
    connection: &mut PgConnection,
    user: UserId,
    client: ClientId,
    grant: GrantId,
) -> DatabaseResult<Option<Holder>> {
    let held: Option<TextArray> = users::table
        .find(user.0)
        .filter(users::disabled_at.is_null())
        .select(users::scopes)
        .for_no_key_update()
        .first(connection)
        .optional()?;
    // A statement of its own, after the lock: its snapshot sees what whoever held the lock before has done.
    let known: Option<ClientRow> = clients::table
        .inner_join(grants::table)
        .filter(grants::id.eq(grant.0))
        .filter(clients::id.eq(client.0))
        .filter(clients::disabled_at.is_null())
        .select(ClientRow::as_select())
        .first(connection)
        .optional()?;
    let (Some(held), Some(client)) = (held, known.map(Client::from)) else {
        return Ok(None);
    };
    Ok(Some(Holder::new(user, client, grant, &held)))
}

/// Where a grant has as many tokens as there may be, the oldest give way: says whether some had to.
pub(super) fn make_room(connection: &mut PgConnection, grant: GrantId) -> DatabaseResult<bool> {
    let held: i64 = tokens::table
        .filter(tokens::grant_id.eq(grant.0))
        .filter(tokens::expires_at.gt(now.into_sql::<Timestamptz>().nullable()))
        .count()
        .get_result(connection)?;
    // A deletion has a trigger, whatever it deletes.
    if held < MOST_TOKENS_A_GRANT {
        return Ok(false);
    }
    let deleted = diesel::sql_query(
        "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE grant_id = $1 AND expires_at > now() \
            ORDER BY expires_at DESC, id OFFSET $2)",
    )
    .bind::<SqlUuid, _>(grant.0)
    .bind::<BigInt, _>(MOST_TOKENS_A_GRANT - 1)
    .prepared()
    .execute(connection)?;
    Ok(deleted > 0)
}

/// Issues the first token that comes of a user's decision, and the first refresh token, where the client may have one. A token may
/// do what of `asked` both may have now; the refresh token is for all of it, should they have more again.
pub(super) fn issue_first(
    connection: &mut PgConnection,
    by: &AuditContext,
    holder: &Holder,
    asked: &ScopeSet,
    audience: Option<&str>,
    new: &NewTokens,
    family: &NewFamily,
) -> DatabaseResult<Option<RefreshToken>> {
    let given = asked.intersection(&holder.held);
    insert(connection, holder, &given, audience, new)?;
    let detail = json!({
        "grant_id": holder.grant.0,
        "client_id": holder.client.id.0,
        "client_name": holder.client.name,
        "scopes": given.to_texts(),
    });
    let event = NewAuditEvent::new(AuditAction::GrantUsed)
        .of(holder.user)
        .token(new.id);
    audit::record(connection, by, &event.detail(detail))?;
    if !holder.client.may_use(GrantType::RefreshToken) {
        return Ok(None);
    }
    start_family(connection, holder.grant, asked, audience, family, new.refresh_ttl)?;
    Ok(Some(family.first.clone()))
}

pub(super) fn insert(
    connection: &mut PgConnection,
    holder: &Holder,
    given: &ScopeSet,
    audience: Option<&str>,
    new: &NewTokens,
) -> DatabaseResult<()> {
    diesel::insert_into(tokens::table)
        .values((
            tokens::id.eq(new.id.0),
            tokens::user_id.eq(holder.user.0),
            tokens::digest.eq(&new.digest.as_bytes()[..]),
            tokens::kind.eq(TokenKind::Delegated.as_str()),
            tokens::name.eq(&holder.client.name),
            tokens::scopes.eq(given.to_texts()),
            tokens::expires_at.eq(from_now(new.ttl).nullable()),
            tokens::client_id.eq(holder.client.id.0),
            tokens::grant_id.eq(holder.grant.0),
            tokens::audience.eq(audience),
        ))
        .execute(connection)?;
    Ok(())
}

fn start_family(
    connection: &mut PgConnection,
    grant: GrantId,
    asked: &ScopeSet,
    audience: Option<&str>,
    family: &NewFamily,
    ttl: Duration,
) -> DatabaseResult<()> {
    // No verifier remembers a refresh token: nothing to wait for.
    diesel::sql_query(
        "DELETE FROM refresh_tokens WHERE family IN (SELECT family FROM refresh_tokens WHERE grant_id = $1 \
            ORDER BY expires_at DESC OFFSET $2)",
    )
    .bind::<SqlUuid, _>(grant.0)
    .bind::<BigInt, _>(MOST_FAMILIES_A_GRANT - 1)
    .prepared()
    .execute(connection)?;
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::family.eq(&family.first.family().as_bytes()[..]),
            refresh_tokens::grant_id.eq(grant.0),
            refresh_tokens::digest.eq(&family.first.digest().as_bytes()[..]),
            refresh_tokens::salt.eq(&family.salt[..]),
            refresh_tokens::scopes.eq(asked.to_texts()),
            refresh_tokens::audience.eq(audience),
            refresh_tokens::expires_at.eq(from_now(ttl)),
        ))
        .execute(connection)?;
    Ok(())
}
