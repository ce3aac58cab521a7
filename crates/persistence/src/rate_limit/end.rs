//! What has become of an attempt.

use super::{ANYWHERE, AccountKey, Attempt, Limits, network, rows};
use crate::DatabaseResult;
use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::transaction;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bytea, Inet, Uuid as SqlUuid};
use jeton_coherence::Prepare;
use jeton_domain::rate_limit::Outcome;
use jeton_domain::{AuditContext, UserId};

/// Ends an attempt, and writes down what there is to say of it. One that has ended is ended again without effect, so that
/// this may be tried again where it is not known whether it was done.
///
/// After a success, the network is one that the account has signed in from.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn end(
    connection: &mut PgConnection,
    by: &AuditContext,
    attempt: &Attempt,
    limits: Limits,
    outcome: Outcome,
    event: Option<&NewAuditEvent>,
) -> DatabaseResult<()> {
    transaction(connection, |connection| {
        if event.is_none() {
            rows::do_not_wait_for_the_disk(connection)?;
        }
        let now: DateTime<Utc> =
            diesel::select(diesel::dsl::now.into_sql::<diesel::sql_types::Timestamptz>())
                .get_result(connection)?;
        if let Some(mut attempts) = rows::find_network(connection, attempt.network)? {
            if attempts.in_flight.has_ended(attempt.since, now) {
                return Ok(());
            }
            attempts.end(attempt.since, outcome, now, limits.bucket());
            rows::write_network(connection, attempt.network, &attempts)?;
        }
        if let Some((key, since)) = &attempt.account {
            let is_there = end_of_account(connection, key, *since, outcome, now, limits)?;
            if is_there && outcome == Outcome::Succeeded && by.address.is_some() {
                know_account(connection, &key.digest, by)?;
            }
        }
        match event {
            Some(event) => audit::record(connection, by, event),
            None => Ok(()),
        }
    })
}

/// `false`: there is no row, since the user was deleted meanwhile.
fn end_of_account(
    connection: &mut PgConnection,
    key: &AccountKey,
    since: DateTime<Utc>,
    outcome: Outcome,
    now: DateTime<Utc>,
    limits: Limits,
) -> DatabaseResult<bool> {
    let Some(mut attempts) = rows::find_account(connection, key)? else {
        return Ok(false);
    };
    attempts.end(since, outcome, now, limits.account);
    let nothing_left = outcome == Outcome::Succeeded && attempts.in_flight.count() == 0;
    if nothing_left && key.network == ANYWHERE {
        rows::delete_account(connection, key)?;
    } else {
        rows::write_account(connection, key, &attempts)?;
    }
    Ok(true)
}

/// Remembers that the account has signed in from there.
pub(crate) fn know(connection: &mut PgConnection, by: &AuditContext, user: UserId) -> DatabaseResult<()> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bytea)]
        digest: Vec<u8>,
    }
    let found: Found = diesel::sql_query(
        "SELECT sha256(convert_to(username_key, 'UTF8')) AS digest FROM users WHERE id = $1",
    )
    .bind::<SqlUuid, _>(user.0)
    .prepared()
    .get_result(connection)?;
    know_account(connection, &found.digest, by)
}

fn know_account(connection: &mut PgConnection, digest: &[u8], by: &AuditContext) -> DatabaseResult<()> {
    diesel::sql_query(
        "INSERT INTO account_attempts AS a (account, network, failures, blocked_until, last_at) \
            VALUES ($1, $2, 0, 'epoch', now()) ON CONFLICT (account, network) DO UPDATE SET last_at = now()",
    )
    .bind::<Bytea, _>(digest)
    .bind::<Inet, _>(network(by.address))
    .prepared()
    .execute(connection)?;
    Ok(())
}
