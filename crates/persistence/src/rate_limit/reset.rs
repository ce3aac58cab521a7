//! What ends the counting for an account: the operator, the end of the user, or time.

use super::mend_times;
use crate::DatabaseResult;
use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::cleanup::CLEANUP_CLOCK;
use crate::schema::users;
use crate::transaction;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text, Uuid as SqlUuid};
use jeton_domain::rate_limit::{KNOWN_NETWORK, LOCKOUT, NETWORK_WINDOW};
use jeton_domain::{AuditAction, AuditContext, UserId};
use std::time::Duration;
use uuid::Uuid;

/// Forgets all failures of an account, so that its owner is let in at once. Not those of networks. `false` when there is
/// no such user.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn unblock(connection: &mut PgConnection, by: &AuditContext, user: UserId) -> DatabaseResult<bool> {
    transaction(connection, |connection| {
        // Before the attempts, as whoever deletes the user does.
        let found: Option<Uuid> = users::table
            .find(user.0)
            .select(users::id)
            .for_key_share()
            .first(connection)
            .optional()?;
        if found.is_none() {
            return Ok(false);
        }
        clear(connection, user)?;
        audit::record(
            connection,
            by,
            &NewAuditEvent::new(AuditAction::UserUnblocked).of(user),
        )?;
        Ok(true)
    })
}

/// Forgets all failures of an account. Its user's row is locked already. What is in flight may still fail.
pub(crate) fn clear(connection: &mut PgConnection, user: UserId) -> DatabaseResult<()> {
    // In the order in which everybody locks them: that of all networks is the first.
    diesel::sql_query(format!(
        "WITH locked AS MATERIALIZED (SELECT account, network FROM account_attempts WHERE account = \
            (SELECT sha256(convert_to(username_key, 'UTF8')) FROM users WHERE id = $1) \
            ORDER BY network FOR UPDATE) \
        UPDATE account_attempts AS a SET failures = 0, blocked_until = 'epoch', audited_at = NULL, {} FROM locked \
            WHERE a.account = locked.account AND a.network = locked.network",
        mend_times()
    ))
    .bind::<SqlUuid, _>(user.0)
    .execute(connection)?;
    Ok(())
}

/// Forgets all that is known of an account whose user is gone.
pub(crate) fn forget(connection: &mut PgConnection, username_key: &str) -> DatabaseResult<()> {
    diesel::sql_query(
        "DELETE FROM account_attempts WHERE (account, network) IN (SELECT account, network FROM account_attempts \
            WHERE account = sha256(convert_to($1, 'UTF8')) ORDER BY network FOR UPDATE)",
    )
    .bind::<Text, _>(username_key)
    .execute(connection)?;
    Ok(())
}

/// Takes all that is known of an account along to its user's new name, whose row is locked already: the networks that it is
/// known from, and what failed. Nobody finds it at the old name, whoever has that next. What was tried at the new name
/// before it was anybody's counts on.
pub(crate) fn rename(connection: &mut PgConnection, from: &str, to: &str) -> DatabaseResult<()> {
    // In the order in which everybody locks them.
    diesel::sql_query(
        "WITH gone AS (DELETE FROM account_attempts WHERE (account, network) IN (SELECT account, network \
            FROM account_attempts WHERE account = sha256(convert_to($1, 'UTF8')) ORDER BY network FOR UPDATE) \
            RETURNING network, failures, blocked_until, last_at, audited_at) \
        INSERT INTO account_attempts AS a (account, network, failures, blocked_until, last_at, audited_at) \
            SELECT sha256(convert_to($2, 'UTF8')), network, failures, blocked_until, last_at, audited_at \
                FROM gone ORDER BY network \
        ON CONFLICT (account, network) DO UPDATE SET failures = greatest(a.failures, excluded.failures), \
            blocked_until = greatest(a.blocked_until, excluded.blocked_until), \
            last_at = greatest(a.last_at, excluded.last_at), audited_at = greatest(a.audited_at, excluded.audited_at)",
    )
    .bind::<Text, _>(from)
    .bind::<Text, _>(to)
    .execute(connection)?;
    Ok(())
}

/// Deletes counts of accounts that no longer count, at most so many of each kind; says how many.
pub(crate) fn cleanup_accounts(connection: &mut PgConnection, most: i32) -> DatabaseResult<usize> {
    let failures = format!(
        "network = '0.0.0.0/0' AND {} AND blocked_until <= now()",
        older_than(LOCKOUT)
    );
    let known_networks = format!("network <> '0.0.0.0/0' AND {}", older_than(KNOWN_NETWORK));
    let mut deleted = 0;
    for old in [failures, known_networks] {
        deleted += delete_old(connection, "account_attempts", "account, network", &old, most)?;
    }
    Ok(deleted)
}

/// The same of networks.
pub(crate) fn cleanup_networks(connection: &mut PgConnection, most: i32) -> DatabaseResult<usize> {
    let old = older_than(NETWORK_WINDOW);
    delete_old(connection, "network_attempts", "network", &old, most)
}

fn older_than(time: Duration) -> String {
    format!(
        "last_at < {CLEANUP_CLOCK} - interval '{} seconds'",
        time.as_secs()
    )
}

fn delete_old(
    connection: &mut PgConnection,
    table: &str,
    key: &str,
    old: &str,
    most: i32,
) -> DatabaseResult<usize> {
    Ok(diesel::sql_query(format!(
        "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {old} \
            ORDER BY last_at LIMIT $1 FOR UPDATE SKIP LOCKED)"
    ))
    .bind::<Integer, _>(most)
    .execute(connection)?)
}
