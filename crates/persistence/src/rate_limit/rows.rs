//! The rows that are counted in, locked and written.

use super::{AccountKey, Network};
use crate::DatabaseResult;
use crate::PgConnection;
use crate::schema::{account_attempts, network_attempts};
use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use jeton_coherence::Prepare;
use jeton_domain::rate_limit::{AccountAttempts, InFlight, NetworkAttempts};

/// As they come out of the table, where a constraint sees to it that none is null.
type Times = Vec<Option<DateTime<Utc>>>;
type NetworkColumns = (f64, DateTime<Utc>, Times);
type AccountColumns = (i32, DateTime<Utc>, DateTime<Utc>, Times);

/// Should a crash take some counts away, so be it: no need for this transaction to wait for the disk.
pub(super) fn do_not_wait_for_the_disk(connection: &mut PgConnection) -> DatabaseResult<()> {
    Ok(connection.batch_execute("SET LOCAL synchronous_commit = off")?)
}

/// Locks the network's row, which is made where there is none.
pub(super) fn lock_network(
    connection: &mut PgConnection,
    network: Network,
) -> DatabaseResult<NetworkAttempts> {
    use network_attempts as n;
    let row: NetworkColumns = diesel::insert_into(n::table)
        .values((
            n::network.eq(network),
            n::failures.eq(0.0),
            n::last_at.eq(diesel::dsl::now),
        ))
        .on_conflict(n::network)
        .do_update()
        .set(n::last_at.eq(n::last_at))
        .returning((n::failures, n::last_at, n::in_flight))
        .prepared()
        .get_result(connection)?;
    Ok(of_network(row))
}

/// Locks the network's row, if there is one.
pub(super) fn find_network(
    connection: &mut PgConnection,
    network: Network,
) -> DatabaseResult<Option<NetworkAttempts>> {
    use network_attempts as n;
    let row: Option<NetworkColumns> = n::table
        .find(network)
        .select((n::failures, n::last_at, n::in_flight))
        .for_update()
        .first(connection)
        .optional()?;
    Ok(row.map(of_network))
}

/// Locks the account's row, which is made where there is none.
pub(super) fn lock_account(
    connection: &mut PgConnection,
    key: &AccountKey,
) -> DatabaseResult<AccountAttempts> {
    use account_attempts as a;
    let row: AccountColumns = diesel::insert_into(a::table)
        .values((
            a::account.eq(&key.digest),
            a::network.eq(key.network),
            a::failures.eq(0),
            a::blocked_until.eq(DateTime::UNIX_EPOCH),
            a::last_at.eq(diesel::dsl::now),
        ))
        .on_conflict((a::account, a::network))
        .do_update()
        .set(a::last_at.eq(a::last_at))
        .returning((a::failures, a::blocked_until, a::last_at, a::in_flight))
        .prepared()
        .get_result(connection)?;
    Ok(of_account(row))
}

/// Locks the account's row, if there is one.
pub(super) fn find_account(
    connection: &mut PgConnection,
    key: &AccountKey,
) -> DatabaseResult<Option<AccountAttempts>> {
    use account_attempts as a;
    let row: Option<AccountColumns> = a::table
        .find((&key.digest, key.network))
        .select((a::failures, a::blocked_until, a::last_at, a::in_flight))
        .for_update()
        .first(connection)
        .optional()?;
    Ok(row.map(of_account))
}

pub(super) fn write_network(
    connection: &mut PgConnection,
    network: Network,
    attempts: &NetworkAttempts,
) -> DatabaseResult<()> {
    use network_attempts as n;
    diesel::update(n::table.find(network))
        .set((
            n::failures.eq(attempts.failures),
            n::last_at.eq(attempts.last_at),
            n::in_flight.eq(times(&attempts.in_flight)),
        ))
        .prepared()
        .execute(connection)?;
    Ok(())
}

pub(super) fn write_account(
    connection: &mut PgConnection,
    key: &AccountKey,
    attempts: &AccountAttempts,
) -> DatabaseResult<()> {
    use account_attempts as a;
    diesel::update(a::table.find((&key.digest, key.network)))
        .set((
            a::failures.eq(i32::try_from(attempts.failures).unwrap_or(i32::MAX)),
            a::blocked_until.eq(attempts.blocked_until),
            a::last_at.eq(attempts.last_at),
            a::in_flight.eq(times(&attempts.in_flight)),
        ))
        .prepared()
        .execute(connection)?;
    Ok(())
}

pub(super) fn delete_account(connection: &mut PgConnection, key: &AccountKey) -> DatabaseResult<()> {
    diesel::delete(account_attempts::table.find((&key.digest, key.network))).execute(connection)?;
    Ok(())
}

fn of_network((failures, last_at, in_flight): NetworkColumns) -> NetworkAttempts {
    NetworkAttempts {
        failures,
        last_at,
        in_flight: InFlight::new(in_flight.into_iter().flatten().collect()),
    }
}

fn of_account((failures, blocked_until, last_at, in_flight): AccountColumns) -> AccountAttempts {
    AccountAttempts {
        failures: u32::try_from(failures).unwrap_or_default(),
        blocked_until,
        last_at,
        in_flight: InFlight::new(in_flight.into_iter().flatten().collect()),
    }
}

fn times(in_flight: &InFlight) -> Times {
    in_flight.since().iter().copied().map(Some).collect()
}
