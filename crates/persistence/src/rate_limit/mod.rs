//! Attempts to sign in, counted for each account and each network, so that guessing passwords takes long.
//!
//! An attempt counts as failed from before its password is hashed until it has succeeded: of many at once, no more are
//! let through than of many one after the other. All instances count in the same rows. Those are locked in one order
//! everywhere: the network's, the account's for all networks, the account's for one. (An update whose condition turns out
//! not to hold may have locked the row all the same.)

mod forgetting;
mod notes;

pub use forgetting::unblock;
pub(crate) use forgetting::{cleanup_accounts, cleanup_networks, clear, forget, rename};

use crate::DatabaseResult;
use crate::audit::{self, NewAuditEvent};
use crate::transaction;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Double, Inet, Nullable, Text, Uuid as SqlUuid};
use ipnet::{IpNet, Ipv6Net};
use jeton_domain::rate_limit::{LOCKOUT, LeakyBucket, lockout};
use jeton_domain::{AuditAction, AuditContext, AuditReason, UserId, UsernameKey};
use notes::{note_account, note_network};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// How many attempts may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For one account, in a row, with delays as [`rate_limit::lockout`](lockout) says.
    pub account: u32,
    /// From one network, in an hour, together with how many sign up.
    pub network: u32,
}

/// So long ago, for the SQL.
fn ago(time: Duration) -> String {
    format!("now() - interval '{} seconds'", time.as_secs())
}

/// Whose password is tried.
#[derive(Debug, Clone)]
pub enum Account {
    /// That of somebody who is signed in.
    User(UserId),
    /// That of whoever has this name; perhaps nobody.
    Named(UsernameKey),
    /// That of nobody who is there already: of a name that nobody can have, or of somebody who signs up. Only the network
    /// counts.
    Nobody,
}

/// What becomes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "an attempt that is to wait must not go on"]
pub enum Verdict {
    /// It is counted, and may go on.
    Go,
    /// It is not counted, and must not go on. Another may, after this time: a second at the least.
    Wait(Duration),
}

/// What attempts from an address count for.
pub type Network = IpNet;

/// The address itself, or the /64 of IPv6, which is what one customer has.
#[must_use]
pub fn network(address: Option<IpAddr>) -> Network {
    match address {
        Some(IpAddr::V6(v6)) => Ipv6Net::new_assert(v6, 64).trunc().into(),
        Some(v4) => v4.into(),
        None => IpAddr::from(Ipv6Addr::UNSPECIFIED).into(),
    }
}

/// `$1` is the key of a name, or `$2` a user's id; `$3` the network. `account` is the digest, or no row; `bucket` what
/// counts for it: the network alone, where the account has signed in from there before.
const BUCKET: &str = "WITH \
    account AS MATERIALIZED (SELECT sha256(convert_to(key, 'UTF8')) AS digest FROM (SELECT \
        coalesce($1, (SELECT username_key FROM users WHERE id = $2)) AS key) AS named WHERE key IS NOT NULL), \
    bucket AS MATERIALIZED (SELECT digest, coalesce((SELECT known.network FROM account_attempts AS known \
        WHERE known.account = digest AND known.network = $3), '0.0.0.0/0') AS network FROM account)";

/// `$4` has the seconds that an account is held off after its first failure, its second and so on, by
/// [`lockout`]. After more than there are, it is as after the last.
fn blocked_until(failures: &str) -> String {
    let secs = format!("($4)[least({failures}, cardinality($4))]");
    // None is not `now()`: an attempt that began before this one may come to its turn after it.
    format!("CASE WHEN {secs} > 0 THEN now() + make_interval(secs => {secs}) ELSE 'epoch'::timestamptz END")
}

/// The level of a network's [`LeakyBucket`] now: `$5` is its capacity, and `$6` how much leaks out in a second.
const LEVEL: &str =
    "greatest(0, n.failures - greatest(0, extract(epoch FROM now() - n.last_at))::float8 * $6)";

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Bool)]
    of_network: bool,
    #[diesel(sql_type = Bool)]
    of_account: bool,
    /// Whether it is the account that was held off already.
    #[diesel(sql_type = Bool)]
    blocked: bool,
    #[diesel(sql_type = Nullable<Double>)]
    blocked_secs: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    level: Option<f64>,
    /// Whether the audit log has not been told for an hour.
    #[diesel(sql_type = Bool)]
    to_note: bool,
}

/// Counts an attempt as failed, if one may be made now: to be called before the password is hashed. The first that may
/// not, of an hour, goes into the audit log.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn count(
    connection: &mut PgConnection,
    by: &AuditContext,
    account: &Account,
    limits: Limits,
) -> DatabaseResult<Verdict> {
    let again = format!(
        "CASE WHEN a.last_at <= {} THEN 1 ELSE a.failures + 1 END",
        ago(LOCKOUT)
    );
    // First a look at both without a lock, so that neither counts what the other does not let through. The conditions
    // of the updates decide. Should a crash take some counts away, so be it: no need to wait for the disk.
    let statement = format!(
        "{BUCKET}, \
        standing AS MATERIALIZED (SELECT \
            (SELECT extract(epoch FROM a.blocked_until - now())::float8 FROM bucket \
                JOIN account_attempts AS a ON a.account = bucket.digest AND a.network = bucket.network) AS blocked_secs, \
            (SELECT {LEVEL} FROM network_attempts AS n WHERE n.network = $3) AS level), \
        of_network AS (INSERT INTO network_attempts AS n (network, failures, last_at) \
            SELECT $3, 1, now() FROM standing WHERE coalesce(blocked_secs, 0) <= 0 \
            ON CONFLICT (network) DO UPDATE SET failures = {LEVEL} + 1, last_at = greatest(n.last_at, now()) \
                WHERE {LEVEL} + 1 <= $5 \
            RETURNING true), \
        of_account AS (INSERT INTO account_attempts AS a (account, network, failures, blocked_until, last_at) \
            SELECT bucket.digest, bucket.network, 1, {first}, now() FROM bucket, of_network \
            ON CONFLICT (account, network) DO UPDATE SET failures = {again}, blocked_until = {next}, \
                last_at = greatest(a.last_at, now()) \
                WHERE a.blocked_until <= now() \
            RETURNING true) \
        SELECT EXISTS (SELECT FROM of_network) AS of_network, \
            (NOT EXISTS (SELECT FROM account) OR EXISTS (SELECT FROM of_account)) AS of_account, \
            coalesce(blocked_secs > 0, false) AS blocked, blocked_secs, level, \
            coalesce(CASE WHEN blocked_secs > 0 \
                THEN (SELECT a.noted_at FROM bucket JOIN account_attempts AS a \
                    ON a.account = bucket.digest AND a.network = bucket.network) \
                ELSE (SELECT n.noted_at FROM network_attempts AS n WHERE n.network = $3) END, '-infinity') \
                <= now() - interval '1 hour' AS to_note, \
            set_config('synchronous_commit', 'off', true) \
        FROM standing",
        first = blocked_until("1"),
        next = blocked_until(&format!("({again})")),
    );
    let (key, user) = parts(account);
    let network = network(by.address);
    let delays: Vec<f64> = (1..=limits.account.max(1))
        .map(|failures| lockout(failures, limits.account).as_secs_f64())
        .collect();
    let bucket = LeakyBucket::of_network(limits.network);
    let counted: Counted = diesel::sql_query(statement)
        .bind::<Nullable<Text>, _>(key)
        .bind::<Nullable<SqlUuid>, _>(user)
        .bind::<Inet, _>(network)
        .bind::<Array<Double>, _>(delays)
        .bind::<Double, _>(bucket.capacity)
        .bind::<Double, _>(bucket.leak_per_sec)
        .get_result(connection)?;
    match (counted.of_network, counted.of_account) {
        (true, true) => return Ok(Verdict::Go),
        (true, false) => {
            // Another attempt has come before this one, between the look and the update.
            give_back(connection, network)?;
            note_account(connection, by, account)?;
        }
        (false, _) if !counted.to_note => {}
        (false, _) if counted.blocked => note_account(connection, by, account)?,
        (false, _) => note_network(connection, by)?,
    }
    let blocked = counted.blocked_secs.unwrap_or_default();
    let full = bucket.wait(counted.level.unwrap_or_default()).as_secs_f64();
    Ok(Verdict::Wait(Duration::from_secs_f64(
        blocked.max(full).max(1.0).ceil(),
    )))
}

fn parts(account: &Account) -> (Option<&str>, Option<uuid::Uuid>) {
    match account {
        Account::User(id) => (None, Some(id.0)),
        Account::Named(key) => (Some(key.as_str()), None),
        Account::Nobody => (None, None),
    }
}

/// The attempt was none after all: it is as though it had not been counted. Others that were, still are.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn take_back(connection: &mut PgConnection, by: &AuditContext, account: &Account) -> DatabaseResult<()> {
    let network = network(by.address);
    let (key, user) = parts(account);
    transaction(connection, |connection| {
        give_back(connection, network)?;
        // It was let through, so nothing held it off: what does now is of itself.
        diesel::sql_query(format!(
            "{BUCKET} UPDATE account_attempts AS a SET failures = greatest(0, failures - 1), blocked_until = 'epoch' \
                FROM bucket WHERE a.account = bucket.digest AND a.network = bucket.network"
        ))
        .bind::<Nullable<Text>, _>(key)
        .bind::<Nullable<SqlUuid>, _>(user)
        .bind::<Inet, _>(network)
        .execute(connection)?;
        Ok(())
    })
}

/// The right password was given, and there is a reason why nobody is signed in by it: written down, since whoever tries
/// stolen ones has found one. Neither a failure nor a sign-in: the failures of others stay, and the network is as unknown
/// as it was.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn refuse_right(
    connection: &mut PgConnection,
    by: &AuditContext,
    user: UserId,
    reason: AuditReason,
) -> DatabaseResult<()> {
    transaction(connection, |connection| {
        take_back(connection, by, &Account::User(user))?;
        let event = NewAuditEvent::new(AuditAction::SignInFailed).of(user);
        audit::record(connection, by, &event.reason(reason))
    })
}

fn give_back(connection: &mut PgConnection, network: IpNet) -> DatabaseResult<()> {
    diesel::sql_query("UPDATE network_attempts SET failures = greatest(0, failures - 1) WHERE network = $1")
        .bind::<Inet, _>(network)
        .execute(connection)?;
    Ok(())
}

/// The attempt has succeeded: the network gets it back, and the account's failures are forgotten that it was counted
/// with. From now on this network is one that the account has signed in from.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn succeed(connection: &mut PgConnection, by: &AuditContext, user: UserId) -> DatabaseResult<()> {
    if by.address.is_some() {
        transaction(connection, |connection| {
            give_back(connection, network(by.address))?;
            know(connection, by, user)
        })?;
    }
    Ok(())
}

/// Remembers that the account has signed in from there.
pub(crate) fn know(connection: &mut PgConnection, by: &AuditContext, user: UserId) -> DatabaseResult<()> {
    for statement in [
        "DELETE FROM account_attempts AS a USING bucket \
            WHERE a.account = bucket.digest AND a.network = bucket.network AND a.network = '0.0.0.0/0'",
        "INSERT INTO account_attempts AS a (account, network, failures, blocked_until, last_at) \
            SELECT digest, $3, 0, 'epoch', now() FROM account \
            ON CONFLICT (account, network) DO UPDATE SET failures = 0, blocked_until = 'epoch', last_at = now()",
    ] {
        diesel::sql_query(format!("{BUCKET} {statement}"))
            .bind::<Nullable<Text>, _>(None::<String>)
            .bind::<Nullable<SqlUuid>, _>(Some(user.0))
            .bind::<Inet, _>(network(by.address))
            .execute(connection)?;
    }
    Ok(())
}
