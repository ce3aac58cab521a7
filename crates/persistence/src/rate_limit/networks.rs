//! What counts for networks, for whoever operates.

use super::{Network, STILL_IN_FLIGHT, mend_times, network};
use crate::DatabaseResult;
use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::schema::network_attempts;
use crate::transaction;
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Double, Inet, Timestamptz};
use jeton_domain::rate_limit::{InFlight, LeakyBucket, NetworkAttempts, Standing};
use jeton_domain::{AuditAction, AuditContext};
use serde_json::json;
use std::time::Duration;

/// What counts for a network now.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkLimit {
    /// An IPv4 address, or a /64 of IPv6.
    pub network: Network,
    /// How many sign-ins have failed, or sign-ups were made, as far as they still count.
    pub failures: f64,
    /// When the last was made.
    pub last_at: DateTime<Utc>,
    /// For how long none is let through; `None`: one is.
    pub blocked: Option<Duration>,
}

/// The networks that most counts for, at most so many. From one, `limit` attempts may fail in an hour.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn list_networks(
    connection: &mut PgConnection,
    limit: u32,
    most: u32,
) -> DatabaseResult<Vec<NetworkLimit>> {
    use network_attempts as n;
    type Row = (
        Network,
        f64,
        DateTime<Utc>,
        Vec<Option<DateTime<Utc>>>,
        DateTime<Utc>,
    );
    let bucket = LeakyBucket::of_network(limit);
    // More than the bucket holds counts as what it holds.
    let level = sql::<Double>("least(failures, ")
        .bind::<Double, _>(bucket.capacity)
        .sql(") - greatest(0, extract(epoch FROM now() - last_at))::float8 * ")
        .bind::<Double, _>(bucket.leak_per_sec);
    let found: Vec<Row> = n::table
        .select((
            n::network,
            n::failures,
            n::last_at,
            n::in_flight,
            sql::<Timestamptz>("now()"),
        ))
        .order(level.desc())
        .limit(i64::from(most))
        .load(connection)?;
    let limits = found
        .into_iter()
        .map(|(network, failures, last_at, in_flight, now)| {
            let in_flight = InFlight::new(in_flight.into_iter().flatten().collect());
            let attempts = NetworkAttempts {
                failures,
                last_at,
                in_flight,
            };
            let attempts = attempts.as_of(now, bucket);
            NetworkLimit {
                network,
                failures: attempts.level(now, bucket),
                last_at: attempts.last_at,
                blocked: match attempts.standing(now, bucket) {
                    Standing::Blocked(left) => Some(left),
                    Standing::Free | Standing::Busy => None,
                },
            }
        });
    Ok(limits.filter(|limit| limit.failures > 0.0).collect())
}

/// Forgets what has failed from an address, from the network that it counts for, and from what [`list_networks`] names, which may
/// be anything where somebody else has written the row; so the next attempt is let through at once. Not what has failed for
/// accounts. Says of which of them something had failed.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn unblock_network(
    connection: &mut PgConnection,
    by: &AuditContext,
    listed: Network,
) -> DatabaseResult<Vec<Network>> {
    let mut networks = vec![listed, counted_as(listed)];
    networks.sort_unstable();
    networks.dedup();
    let unblock = format!(
        "UPDATE network_attempts SET failures = 0, audited_at = NULL, {} WHERE network = $1 \
            AND (failures <> 0 OR last_at > now() + interval '1 minute' OR in_flight <> {STILL_IN_FLIGHT})",
        mend_times()
    );
    transaction(connection, |connection| {
        let mut unblocked = Vec::new();
        for network in networks {
            let rows = diesel::sql_query(&unblock)
                .bind::<Inet, _>(network)
                .execute(connection)?;
            if rows > 0 {
                let detail = json!({ "network": network_text(network) });
                let event = NewAuditEvent::new(AuditAction::NetworkUnblocked).detail(detail);
                audit::record(connection, by, &event)?;
                unblocked.push(network);
            }
        }
        Ok(unblocked)
    })
}

/// What sign-ins from an address, or from a network that one counts for, count for; of any other network, that.
#[must_use]
pub fn counted_as(listed: Network) -> Network {
    let prefix = listed.prefix_len();
    if prefix == listed.max_prefix_len() || listed.addr().is_ipv6() && prefix == 64 {
        network(Some(listed.addr()))
    } else {
        listed
    }
}

/// An IPv4 address as it is written anywhere, and a /64 as that.
#[must_use]
pub fn network_text(network: Network) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
    }
}
