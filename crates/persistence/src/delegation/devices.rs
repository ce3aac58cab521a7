//! Requests of devices ([RFC 8628](https://www.rfc-editor.org/rfc/rfc8628)): a device shows a code and asks again and again what
//! has become of it; a person types the code elsewhere, and decides as about any other request.

use super::authorizations::{self, Authorization};
use super::issue::{
    Exchange, NewFamily, NewTokens, Refusal, hold, is_another, issue_first, issuing, make_room,
};
use crate::PgConnection;
use crate::schema::{authorizations as table, grants};
use crate::{DatabaseResult, Pending, transaction};
use diesel::IntoSql;
use diesel::dsl::{now, sql};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Nullable, Timestamptz};
use jeton_coherence::{TextArray, from_now, scopes};
use jeton_domain::delegation::{Resource, SecretDigest, UserCode};
use jeton_domain::{AuditContext, ClientId, GrantId, ScopeSet, UserId};
use std::time::Duration;
use uuid::Uuid;

/// How many seconds a device waits between two polls, unless it is told to slow down.
pub const POLL_INTERVAL_SECS: i32 = 5;

/// A request of a device, about to wait.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// Of what the device asks with.
    pub device_code: SecretDigest,
    /// What it shows.
    pub user_code: UserCode,
    /// Who asks.
    pub client: ClientId,
    /// For what.
    pub scopes: ScopeSet,
    /// For which resource.
    pub audience: Option<Resource>,
    /// How long it waits.
    pub ttl: Duration,
}

/// Has a device's request wait. `false`: another shows this code.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn start(connection: &mut PgConnection, new: &NewDevice) -> DatabaseResult<bool> {
    let inserted = diesel::insert_into(table::table)
        .values((
            table::id.eq(Uuid::now_v7()),
            table::client_id.eq(new.client.0),
            table::device_code.eq(&new.device_code.as_bytes()[..]),
            table::user_code.eq(new.user_code.as_str()),
            table::interval_secs.eq(POLL_INTERVAL_SECS),
            table::scopes.eq(new.scopes.to_texts()),
            table::audience.eq(new.audience.as_ref().map(Resource::as_str)),
            table::expires_at.eq(from_now(new.ttl)),
        ))
        .on_conflict(table::user_code)
        .do_nothing()
        .execute(connection)?;
    Ok(inserted > 0)
}

/// Takes a code that somebody has typed for a handle, by which the request is decided. Until then the code can be typed again,
/// as by whoever has loaded the page anew: from then on it is by that handle, and no more by the one before. `None`: no device waits
/// with it.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn enter(
    connection: &mut PgConnection,
    code: &UserCode,
    handle: SecretDigest,
) -> DatabaseResult<Option<Authorization>> {
    transaction(connection, |connection| {
        let waiting = table::table
            .filter(table::user_code.eq(code.as_str()))
            .filter(table::expires_at.gt(now));
        let entered = diesel::update(waiting)
            .set(table::handle.eq(&handle.as_bytes()[..]))
            .execute(connection)?;
        if entered == 0 {
            return Ok(None);
        }
        authorizations::find(connection, handle)
    })
}

/// A request, its client, and the grant with its user, once there is one.
type Found = (Uuid, Uuid, Option<(Uuid, Uuid)>);

#[derive(Queryable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    scopes: TextArray,
    audience: Option<String>,
    grant: Option<Uuid>,
    denied: bool,
    is_over: bool,
    /// Whether less than the interval has passed since the poll before; a second less is let pass, for the way.
    too_soon: Option<bool>,
}

/// Gives an authenticated client tokens for its device code, once a user has approved it, and once for each code. `resource` is
/// what the token is to be for; `None`: that of the request.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn poll(
    connection: &mut PgConnection,
    by: &AuditContext,
    client: ClientId,
    (device_code, resource): (SecretDigest, Option<&Resource>),
    new: &NewTokens,
    family: &NewFamily,
) -> DatabaseResult<Pending<Exchange>> {
    issuing(connection, |connection| {
        let found: Option<Found> = table::table
            .left_join(grants::table)
            .filter(table::device_code.eq(&device_code.as_bytes()[..]))
            .select((
                table::id,
                table::client_id,
                (grants::id, grants::user_id).nullable(),
            ))
            .first(connection)
            .optional()?;
        let Some((id, _, approved)) = found.filter(|(_, its, _)| *its == client.0) else {
            return Ok(Exchange::Refused(Refusal::Grant));
        };
        // The user's row before the request's, as whoever decides locks them.
        let holder = match approved {
            Some((grant, user)) => hold(connection, UserId(user), client, GrantId(grant))?,
            None => None,
        };
        let Some(row) = lock(connection, id)? else {
            return Ok(Exchange::Refused(Refusal::Grant));
        };
        if row.is_over {
            return Ok(Exchange::Refused(Refusal::Expired));
        }
        if row.denied {
            return Ok(Exchange::Refused(Refusal::Denied));
        }
        if approved.is_none() || row.grant.is_none() {
            return wait(connection, id, row.too_soon.unwrap_or_default());
        }
        let Some(holder) = holder else {
            return Ok(Exchange::Refused(Refusal::Grant));
        };
        let asked = scopes("authorizations.scopes", id, &row.scopes);
        let given = asked.intersection(&holder.held);
        if given.is_empty() {
            return Ok(Exchange::Refused(Refusal::Grant));
        }
        let audience = row.audience.as_deref();
        if is_another(resource, audience) {
            return Ok(Exchange::Refused(Refusal::Resource));
        }
        if make_room(connection, holder.grant)? {
            return Ok(Exchange::RoomMade);
        }
        diesel::delete(table::table.find(id)).execute(connection)?;
        let refresh = issue_first(connection, by, &holder, &asked, audience, new, family)?;
        Ok(Exchange::issued(given, refresh))
    })
}

/// The request, which nobody else polls or decides meanwhile.
fn lock(connection: &mut PgConnection, id: Uuid) -> DatabaseResult<Option<Row>> {
    let too_soon = "polled_at + make_interval(secs => interval_secs - 1) > now()";
    Ok(table::table
        .find(id)
        .select((
            table::scopes,
            table::audience,
            table::grant_id,
            table::denied,
            table::expires_at.le(now),
            sql::<Nullable<Bool>>(too_soon),
        ))
        .for_update()
        .first(connection)
        .optional()?)
}

/// Nobody has decided yet. Whoever polls too soon waits five seconds more from now on
/// ([RFC 8628 §3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5)).
fn wait(connection: &mut PgConnection, id: Uuid, too_soon: bool) -> DatabaseResult<Exchange> {
    let longer = if too_soon { 5 } else { 0 };
    diesel::update(table::table.find(id))
        .set((
            table::polled_at.eq(now.into_sql::<Timestamptz>().nullable()),
            table::interval_secs.eq(sql::<Nullable<Integer>>("least(60, interval_secs + ")
                .bind::<Integer, _>(longer)
                .sql(")")),
        ))
        .execute(connection)?;
    Ok(Exchange::Refused(if too_soon {
        Refusal::SlowDown
    } else {
        Refusal::Pending
    }))
}
