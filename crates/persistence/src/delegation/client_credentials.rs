//! Tokens that a client gets for its own secret ([RFC 6749 §4.4](https://www.rfc-editor.org/rfc/rfc6749#section-4.4)): those of
//! the service account that it is bound to. They hang on a grant as others do, which nobody has consented to: so they are
//! counted, listed and taken back as others are.

use super::issue::{Exchange, Holder, NewTokens, Refusal, hold, insert, issuing, make_room};
use super::scopes as catalogue;
use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::schema::{clients, grants, users};
use crate::{DatabaseError, DatabaseResult, Pending};
use diesel::prelude::*;
use jeton_domain::delegation::Resource;
use jeton_domain::{AuditAction, AuditContext, ClientId, GrantId, ScopeSet, UserId};
use serde_json::json;
use uuid::Uuid;

/// Gives an authenticated confidential client a token of its service account, for what is asked for, or else for all that
/// client and account have in common. No refresh token: the client has its secret.
///
/// # Errors
/// See [`DatabaseError`].
pub fn issue(
    connection: &mut PgConnection,
    by: &AuditContext,
    client: ClientId,
    wanted: Option<&ScopeSet>,
    resource: Option<&Resource>,
    new: &NewTokens,
) -> DatabaseResult<Pending<Exchange>> {
    let issued = issuing(connection, |connection| {
        let Some(account) = lock_account(connection, client)? else {
            return Ok(Exchange::Refused(Refusal::Client));
        };
        let (grant, is_new) = grant(connection, account, client)?;
        let Some(holder) = hold(connection, account, client, grant)? else {
            return Ok(Exchange::Refused(Refusal::Client));
        };
        let given = match given(connection, &holder, wanted, resource)? {
            Ok(given) => given,
            Err(refused) => return Ok(Exchange::Refused(refused)),
        };
        if make_room(connection, grant)? {
            return Ok(Exchange::RoomMade);
        }
        insert(connection, &holder, &given, resource.map(Resource::as_str), new)?;
        if is_new {
            record(connection, by, &holder, &given, new)?;
        }
        Ok(Exchange::issued(given, None))
    });
    match issued {
        // The client was deleted at this moment.
        Err(DatabaseError::Conflict { constraint }) if constraint == "grants_client_id_fkey" => {
            Ok(Pending::settled(Exchange::Refused(Refusal::Client)))
        }
        other => other,
    }
}

/// The client's service account, whose row is the caller's then; `None` where there is none any more, or it is disabled, or has
/// become somebody who signs in.
fn lock_account(connection: &mut PgConnection, client: ClientId) -> DatabaseResult<Option<UserId>> {
    let account: Option<Option<Uuid>> = clients::table
        .find(client.0)
        .select(clients::service_account_id)
        .first(connection)
        .optional()?;
    let Some(account) = account.flatten() else {
        return Ok(None);
    };
    let locked: Option<Uuid> = users::table
        .find(account)
        .filter(users::disabled_at.is_null())
        .filter(users::is_service_account)
        .select(users::id)
        .for_no_key_update()
        .first(connection)
        .optional()?;
    Ok(locked.map(UserId))
}

/// What the tokens hang on, and whether it is new. Of scopes it has none: whoever signs in as the account some day has consented to
/// nothing.
fn grant(
    connection: &mut PgConnection,
    account: UserId,
    client: ClientId,
) -> DatabaseResult<(GrantId, bool)> {
    let known: Option<Uuid> = grants::table
        .filter(grants::user_id.eq(account.0))
        .filter(grants::client_id.eq(client.0))
        .select(grants::id)
        .first(connection)
        .optional()?;
    if let Some(id) = known {
        return Ok((GrantId(id), false));
    }
    let id: Uuid = diesel::insert_into(grants::table)
        .values((
            grants::id.eq(Uuid::now_v7()),
            grants::user_id.eq(account.0),
            grants::client_id.eq(client.0),
            grants::scopes.eq(Vec::<String>::new()),
        ))
        .returning(grants::id)
        .get_result(connection)?;
    Ok((GrantId(id), true))
}

/// What of it both may have, and belongs to the resource.
fn given(
    connection: &mut PgConnection,
    holder: &Holder,
    wanted: Option<&ScopeSet>,
    resource: Option<&Resource>,
) -> DatabaseResult<Result<ScopeSet, Refusal>> {
    let asked = wanted.unwrap_or(&holder.held);
    if asked.is_empty() || !asked.is_subset(&holder.held) {
        return Ok(Err(Refusal::Scope));
    }
    let Some(resource) = resource else {
        return Ok(Ok(asked.clone()));
    };
    let elsewhere = catalogue::find(connection, asked)?
        .into_iter()
        .filter(|scope| scope.resource.as_ref().is_some_and(|its| its != resource));
    let elsewhere: Vec<_> = elsewhere.map(|scope| scope.name).collect();
    let fitting = asked
        .iter()
        .filter(|scope| !elsewhere.iter().any(|other| other.as_str() == *scope));
    let fitting = ScopeSet::from_texts(fitting).unwrap_or_default();
    if fitting.is_empty() || (wanted.is_some() && fitting != *asked) {
        return Ok(Err(Refusal::Resource));
    }
    Ok(Ok(fitting))
}

/// The first of them alone: they may come by the minute.
fn record(
    connection: &mut PgConnection,
    by: &AuditContext,
    holder: &Holder,
    given: &ScopeSet,
    new: &NewTokens,
) -> DatabaseResult<()> {
    let detail = json!({
        "grant_id": holder.grant.0,
        "client_id": holder.client.id.0,
        "client_name": holder.client.name,
        "scopes": given.to_texts(),
    });
    let event = NewAuditEvent::new(AuditAction::GrantUsed)
        .of(holder.user)
        .token(new.id);
    audit::record(connection, by, &event.detail(detail))
}
