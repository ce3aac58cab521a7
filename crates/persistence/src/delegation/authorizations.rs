//! Requests that wait for a user's decision, and the decision.

use super::clients::ClientRow;
use super::scopes as catalogue;
use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::schema::{authorization_codes, authorizations, clients, grants, tokens, users};
use crate::{DatabaseResult, transaction};
use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::pg::Pg;
use diesel::prelude::*;
use jeton_coherence::{IsValid, TextArray, from_now, scopes};
use jeton_domain::delegation::{Client, CodeChallenge, Resource, SecretDigest};
use jeton_domain::{AuditAction, AuditContext, ClientId, GrantId, ScopeSet, TokenId, UserId};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// A request about to wait.
#[derive(Debug, Clone)]
pub struct NewAuthorization {
    /// Of the handle by which the page names it.
    pub handle: SecretDigest,
    /// Who asks.
    pub client: ClientId,
    /// For what.
    pub scopes: ScopeSet,
    /// For which resource.
    pub audience: Option<Resource>,
    /// Where the user is sent back to, as the request has it.
    pub redirect_uri: String,
    /// What goes along.
    pub state: Option<String>,
    /// What the code's exchange is bound to.
    pub code_challenge: CodeChallenge,
    /// How long it waits.
    pub ttl: Duration,
}

/// A request that waits.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// Names the row.
    pub id: Uuid,
    /// Who asks.
    pub client: Client,
    /// For what.
    pub scopes: ScopeSet,
    /// For which resource.
    pub audience: Option<String>,
    /// Where the user is sent back to; `None`: nowhere, a device asks.
    pub redirect_uri: Option<String>,
    /// What goes along.
    pub state: Option<String>,
    /// Until when it waits.
    pub expires_at: DateTime<Utc>,
    code_challenge: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = authorizations, check_for_backend(Pg))]
struct Row {
    id: Uuid,
    scopes: TextArray,
    audience: Option<String>,
    redirect_uri: Option<String>,
    state: Option<String>,
    code_challenge: Option<String>,
    expires_at: DateTime<Utc>,
}

impl From<(Row, ClientRow)> for Authorization {
    fn from((row, client): (Row, ClientRow)) -> Self {
        Self {
            id: row.id,
            client: client.into(),
            scopes: scopes("authorizations.scopes", row.id, &row.scopes),
            audience: row.audience,
            redirect_uri: row.redirect_uri,
            state: row.state,
            expires_at: row.expires_at,
            code_challenge: row.code_challenge,
        }
    }
}

/// Has a request wait; says until when.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn start(connection: &mut PgConnection, new: &NewAuthorization) -> DatabaseResult<DateTime<Utc>> {
    let expires_at = diesel::insert_into(authorizations::table)
        .values((
            authorizations::id.eq(Uuid::now_v7()),
            authorizations::client_id.eq(new.client.0),
            authorizations::handle.eq(&new.handle.as_bytes()[..]),
            authorizations::scopes.eq(new.scopes.to_texts()),
            authorizations::audience.eq(new.audience.as_ref().map(Resource::as_str)),
            authorizations::redirect_uri.eq(&new.redirect_uri),
            authorizations::state.eq(&new.state),
            authorizations::code_challenge.eq(new.code_challenge.as_str()),
            authorizations::expires_at.eq(from_now(new.ttl)),
        ))
        .returning(authorizations::expires_at)
        .get_result(connection)?;
    Ok(expires_at)
}

/// Reads the request with this handle, if it still waits and its client is not disabled.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn find(connection: &mut PgConnection, handle: SecretDigest) -> DatabaseResult<Option<Authorization>> {
    let found: Option<(Row, ClientRow)> = authorizations::table
        .inner_join(clients::table)
        .filter(authorizations::handle.eq(&handle.as_bytes()[..]))
        .filter(authorizations::expires_at.gt(now))
        .filter(authorizations::grant_id.is_null())
        .filter(authorizations::denied.eq(false))
        .filter(clients::disabled_at.is_null())
        .select((Row::as_select(), ClientRow::as_select()))
        .first(connection)
        .optional()?;
    Ok(found.map(Authorization::from))
}

/// What a user may be asked for: what is asked for, and the client may ask for, the user holds, and the catalogue has words for.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn offered(
    connection: &mut PgConnection,
    authorization: &Authorization,
    held: &ScopeSet,
) -> DatabaseResult<ScopeSet> {
    let asked = authorization
        .scopes
        .intersection(&authorization.client.scopes)
        .intersection(held)
        .delegable();
    let known = catalogue::find(connection, &asked)?;
    let names = ScopeSet::from_texts(known.iter().map(|scope| scope.name.as_str())).unwrap_or_default();
    Ok(asked.intersection(&names))
}

/// What the user has consented to before, of all that this client has asked for.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn consented(
    connection: &mut PgConnection,
    user: UserId,
    client: ClientId,
) -> DatabaseResult<Option<ScopeSet>> {
    let found: Option<(Uuid, TextArray)> = grants::table
        .filter(grants::user_id.eq(user.0))
        .filter(grants::client_id.eq(client.0))
        .select((grants::id, grants::scopes))
        .first(connection)
        .optional()?;
    Ok(found.map(|(id, texts)| scopes("grants.scopes", id, &texts)))
}

/// Who decides: a user, by a token from signing in.
#[derive(Debug, Clone, Copy)]
pub struct Decider {
    /// The user.
    pub user: UserId,
    /// The token.
    pub with: TokenId,
}

/// What became of a consent.
#[derive(Debug)]
pub enum Approval {
    /// It holds. Of a request by the page, the code can be exchanged from now on.
    Approved(Authorization),
    /// There is no such request, or no longer: decided, too old, or its client is gone or disabled.
    Gone,
    /// The user or the token that asks is no longer valid.
    TokenGone,
    /// More was to be given than is asked for, or nothing.
    NotAsked,
    /// Nothing of what is asked for can be given: the request is decided by that.
    Nothing(Authorization),
}

/// Lets the client do what it asks for, or `wanted` of it: in any case no more than can be given. `code` is the digest of the code that the client is to be given, and
/// `code_ttl` how long that lives.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn approve(
    connection: &mut PgConnection,
    by: &AuditContext,
    handle: SecretDigest,
    decider: Decider,
    wanted: Option<&ScopeSet>,
    code: SecretDigest,
    code_ttl: Duration,
) -> DatabaseResult<Approval> {
    transaction(connection, |connection| {
        let Some(held) = held_by(connection, decider)? else {
            return Ok(Approval::TokenGone);
        };
        let Some(authorization) = lock(connection, handle)? else {
            return Ok(Approval::Gone);
        };
        let is_other = |wanted: &ScopeSet| wanted.is_empty() || !wanted.is_subset(&authorization.scopes);
        if wanted.is_some_and(is_other) {
            return Ok(Approval::NotAsked);
        }
        let offered = offered(connection, &authorization, &held)?;
        let given = wanted.map_or_else(|| offered.clone(), |wanted| wanted.intersection(&offered));
        if given.is_empty() {
            decide_against(connection, by, &authorization)?;
            return Ok(Approval::Nothing(authorization));
        }
        let grant = give(connection, by, decider.user, &authorization.client, &given)?;
        conclude(connection, &authorization, grant, &given, code, code_ttl)?;
        Ok(Approval::Approved(authorization))
    })
}

/// Puts a code in the place of a request by the page; a device's request is told of the grant.
fn conclude(
    connection: &mut PgConnection,
    authorization: &Authorization,
    grant: GrantId,
    given: &ScopeSet,
    code: SecretDigest,
    code_ttl: Duration,
) -> DatabaseResult<()> {
    let row = authorizations::table.find(authorization.id);
    let (Some(redirect_uri), Some(code_challenge)) =
        (&authorization.redirect_uri, &authorization.code_challenge)
    else {
        diesel::update(row)
            .set((
                authorizations::grant_id.eq(grant.0),
                authorizations::scopes.eq(given.to_texts()),
                authorizations::handle.eq(None::<Vec<u8>>),
                authorizations::user_code.eq(None::<String>),
            ))
            .execute(connection)?;
        return Ok(());
    };
    diesel::delete(row).execute(connection)?;
    let expires_at = from_now(code_ttl);
    diesel::insert_into(authorization_codes::table)
        .values((
            authorization_codes::digest.eq(&code.as_bytes()[..]),
            authorization_codes::grant_id.eq(grant.0),
            authorization_codes::scopes.eq(given.to_texts()),
            authorization_codes::audience.eq(&authorization.audience),
            authorization_codes::redirect_uri.eq(redirect_uri),
            authorization_codes::code_challenge.eq(code_challenge),
            authorization_codes::expires_at.eq(expires_at),
        ))
        .execute(connection)?;
    Ok(())
}

/// Decides against what a client asks for; `None` where there is no such request, or no longer.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn deny(
    connection: &mut PgConnection,
    by: &AuditContext,
    handle: SecretDigest,
) -> DatabaseResult<Option<Authorization>> {
    transaction(connection, |connection| {
        let Some(authorization) = lock(connection, handle)? else {
            return Ok(None);
        };
        decide_against(connection, by, &authorization)?;
        Ok(Some(authorization))
    })
}

/// What who decides may do, by the token as well, whose user's row is the caller's then; `None` where the user or the token is not
/// valid any more.
fn held_by(connection: &mut PgConnection, decider: Decider) -> DatabaseResult<Option<ScopeSet>> {
    let by_user: Option<TextArray> = users::table
        .find(decider.user.0)
        .filter(users::disabled_at.is_null())
        .select(users::scopes)
        .for_no_key_update()
        .first(connection)
        .optional()?;
    // A statement of its own, after the lock: its snapshot sees what whoever held the lock before has done.
    let by_token: Option<TextArray> = tokens::table
        .find(decider.with.0)
        .filter(tokens::user_id.eq(decider.user.0))
        .filter(IsValid)
        .select(tokens::scopes)
        .first(connection)
        .optional()?;
    Ok(by_user.zip(by_token).map(|(by_user, by_token)| {
        scopes("users.scopes", decider.user.0, &by_user).intersection(&scopes(
            "tokens.scopes",
            decider.with.0,
            &by_token,
        ))
    }))
}

/// The request, which nobody else decides meanwhile.
fn lock(connection: &mut PgConnection, handle: SecretDigest) -> DatabaseResult<Option<Authorization>> {
    let id: Option<Uuid> = authorizations::table
        .filter(authorizations::handle.eq(&handle.as_bytes()[..]))
        .select(authorizations::id)
        .for_update()
        .first(connection)
        .optional()?;
    match id {
        Some(_) => find(connection, handle),
        None => Ok(None),
    }
}

fn decide_against(
    connection: &mut PgConnection,
    by: &AuditContext,
    authorization: &Authorization,
) -> DatabaseResult<()> {
    let row = authorizations::table.find(authorization.id);
    if authorization.redirect_uri.is_some() {
        diesel::delete(row).execute(connection)?;
    } else {
        diesel::update(row)
            .set((
                authorizations::denied.eq(true),
                authorizations::handle.eq(None::<Vec<u8>>),
                authorizations::user_code.eq(None::<String>),
            ))
            .execute(connection)?;
    }
    let event = NewAuditEvent::new(AuditAction::GrantDenied);
    let event = match by.actor.user_id() {
        Some(user) => event.of(user),
        None => event,
    };
    let detail = json!({
        "client_id": authorization.client.id.0,
        "client_name": authorization.client.name,
        "scopes": authorization.scopes.to_texts(),
    });
    audit::record(connection, by, &event.detail(detail))
}

/// Adds to what the user lets the client do; says what the grant is called. The caller holds the user's row.
pub(super) fn give(
    connection: &mut PgConnection,
    by: &AuditContext,
    user: UserId,
    client: &Client,
    given: &ScopeSet,
) -> DatabaseResult<GrantId> {
    let before: Option<(Uuid, TextArray)> = grants::table
        .filter(grants::user_id.eq(user.0))
        .filter(grants::client_id.eq(client.id.0))
        .select((grants::id, grants::scopes))
        .for_update()
        .first(connection)
        .optional()?;
    let id = match before {
        Some((id, texts)) => {
            let all = scopes("grants.scopes", id, &texts).union(given);
            diesel::update(grants::table.find(id))
                .set(grants::scopes.eq(all.to_texts()))
                .execute(connection)?;
            id
        }
        None => diesel::insert_into(grants::table)
            .values((
                grants::id.eq(Uuid::now_v7()),
                grants::user_id.eq(user.0),
                grants::client_id.eq(client.id.0),
                grants::scopes.eq(given.to_texts()),
            ))
            .returning(grants::id)
            .get_result(connection)?,
    };
    let detail = json!({
        "grant_id": id,
        "client_id": client.id.0,
        "client_name": client.name,
        "scopes": given.to_texts(),
    });
    let event = NewAuditEvent::new(AuditAction::GrantGiven)
        .of(user)
        .detail(detail);
    audit::record(connection, by, &event)?;
    Ok(GrantId(id))
}
