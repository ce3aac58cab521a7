//! Whether an attempt may be made.

use super::refusals::{audit_account, audit_network};
use super::{Account, AccountKey, Attempt, Blocked, Limits, Network, Row, Verdict, network, rows};
use crate::DatabaseResult;
use crate::PgConnection;
use crate::transaction;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, Bool, Bytea, Double, Inet, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use jeton_coherence::Prepare;
use jeton_domain::AuditContext;
use jeton_domain::rate_limit::{AccountAttempts, InFlight, NetworkAttempts, Standing};
use std::time::Duration;

/// `$1` is the key of a name, or `$2` a user's id; `$3` the network. `account` is the digest, or no row; `bucket` what
/// counts for it: the network alone, where the account has signed in from there before.
pub(super) const BUCKET: &str = "WITH \
    account AS MATERIALIZED (SELECT sha256(convert_to(key, 'UTF8')) AS digest FROM (SELECT \
        coalesce($1, (SELECT username_key FROM users WHERE id = $2)) AS key) AS named WHERE key IS NOT NULL), \
    bucket AS MATERIALIZED (SELECT digest, coalesce((SELECT known.network FROM account_attempts AS known \
        WHERE known.account = digest AND known.network = $3), '0.0.0.0/0') AS network FROM account)";

/// Who is blocked is blocked for some time.
const SOON: Duration = Duration::from_millis(1);

/// True of a row that the audit log has not been told of within the hour, nor will be in a future that somebody's wrong
/// clock has seen.
pub(super) const TO_AUDIT: &str = "(audited_at IS NULL OR audited_at NOT BETWEEN now() - interval '1 hour' AND now() + interval '1 minute')";

/// Begins an attempt, if one may be made now: to be called before the password is hashed. The first of an hour that may
/// not goes into the audit log.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn begin(
    connection: &mut PgConnection,
    by: &AuditContext,
    account: &Account,
    limits: Limits,
) -> DatabaseResult<Verdict> {
    let network = network(by.address);
    // A look without a lock, so that who is refused is in nobody's way. Rows that are not as they are to be are written.
    let seen = look(connection, account, network)?;
    let (of_network, of_account) = seen.attempts(limits);
    let as_they_are_to_be = of_network == seen.of_network && of_account == seen.of_account;
    let verdict = match stand(&seen, network, &of_network, of_account.as_ref(), limits) {
        Some(refused) if as_they_are_to_be => refused,
        _ => transaction(connection, |connection| {
            lock_and_begin(connection, &seen, network, limits)
        })?,
    };
    if let Verdict::Blocked(blocked) = &verdict {
        if !blocked.account.is_zero() {
            if seen.audit_account {
                audit_account(connection, by, account)?;
            }
        } else if seen.audit_network {
            audit_network(connection, by)?;
        }
    }
    Ok(verdict)
}

/// Begins it under the locks of both rows, where it is decided.
fn lock_and_begin(
    connection: &mut PgConnection,
    seen: &Seen,
    network: Network,
    limits: Limits,
) -> DatabaseResult<Verdict> {
    rows::do_not_wait_for_the_disk(connection)?;
    let mut of_network = rows::lock_network(connection, network)?.as_of(seen.now, limits.bucket());
    let mut of_account = match &seen.key {
        Some(key) => Some(rows::lock_account(connection, key)?.as_of(seen.now, limits.account)),
        None => None,
    };
    let refused = stand(seen, network, &of_network, of_account.as_ref(), limits);
    let verdict = refused.unwrap_or_else(|| {
        let begun = of_account.as_mut().map(|attempts| attempts.begin(seen.now));
        Verdict::Go(Attempt {
            network,
            since: of_network.begin(seen.now, limits.bucket()),
            account: seen.key.clone().zip(begun),
        })
    });
    rows::write_network(connection, network, &of_network)?;
    if let (Some(key), Some(attempts)) = (&seen.key, &of_account) {
        rows::write_account(connection, key, attempts)?;
    }
    Ok(verdict)
}

/// Why an attempt may not be made; `None`: it may.
fn stand(
    seen: &Seen,
    network: Network,
    of_network: &NetworkAttempts,
    of_account: Option<&AccountAttempts>,
    limits: Limits,
) -> Option<Verdict> {
    let mut blocked = Blocked::default();
    let mut busy = None;
    match of_network.standing(seen.now, limits.bucket()) {
        Standing::Free => {}
        Standing::Busy => busy = Some(Row::Network(network)),
        Standing::Blocked(left) => blocked.network = left.max(SOON),
    }
    match of_account.map_or(Standing::Free, |attempts| {
        attempts.standing(seen.now, limits.account)
    }) {
        Standing::Free => {}
        Standing::Busy => busy = busy.or_else(|| seen.key.clone().map(Row::Account)),
        Standing::Blocked(left) => blocked.account = left.max(SOON),
    }
    if blocked != Blocked::default() {
        return Some(Verdict::Blocked(blocked));
    }
    busy.map(Verdict::Busy)
}

/// What a look has shown.
struct Seen {
    now: DateTime<Utc>,
    key: Option<AccountKey>,
    of_network: NetworkAttempts,
    of_account: Option<AccountAttempts>,
    audit_network: bool,
    audit_account: bool,
}

impl Seen {
    fn attempts(&self, limits: Limits) -> (NetworkAttempts, Option<AccountAttempts>) {
        let of_account = self.of_account.as_ref();
        (
            self.of_network.as_of(self.now, limits.bucket()),
            of_account.map(|attempts| attempts.as_of(self.now, limits.account)),
        )
    }
}

#[derive(QueryableByName)]
struct Look {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Bytea>)]
    digest: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Inet>)]
    bucket: Option<Network>,
    #[diesel(sql_type = Nullable<Integer>)]
    failures: Option<i32>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    blocked_until: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    account_last_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Array<Timestamptz>)]
    account_in_flight: Vec<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    audit_account: bool,
    #[diesel(sql_type = Nullable<Double>)]
    level: Option<f64>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    network_last_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Array<Timestamptz>)]
    network_in_flight: Vec<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    audit_network: bool,
}

fn look(connection: &mut PgConnection, account: &Account, network: Network) -> DatabaseResult<Seen> {
    let (key, user) = parts(account);
    let statement = format!(
        "{BUCKET} SELECT now() AS now, bucket.digest, bucket.network AS bucket, \
            a.failures, a.blocked_until, a.last_at AS account_last_at, \
            coalesce(a.in_flight, '{{}}') AS account_in_flight, coalesce(a.to_audit, true) AS audit_account, \
            n.failures AS level, n.last_at AS network_last_at, \
            coalesce(n.in_flight, '{{}}') AS network_in_flight, coalesce(n.to_audit, true) AS audit_network \
        FROM (SELECT) AS always \
            LEFT JOIN bucket ON true \
            LEFT JOIN (SELECT *, {TO_AUDIT} AS to_audit FROM account_attempts) AS a \
                ON a.account = bucket.digest AND a.network = bucket.network \
            LEFT JOIN (SELECT *, {TO_AUDIT} AS to_audit FROM network_attempts) AS n ON n.network = $3"
    );
    let look: Look = diesel::sql_query(statement)
        .bind::<Nullable<Text>, _>(key)
        .bind::<Nullable<SqlUuid>, _>(user)
        .bind::<Inet, _>(network)
        .prepared()
        .get_result(connection)?;
    let key = look.digest.zip(look.bucket);
    Ok(Seen {
        now: look.now,
        of_network: match look.level.zip(look.network_last_at) {
            Some((failures, last_at)) => NetworkAttempts {
                failures,
                last_at,
                in_flight: InFlight::new(look.network_in_flight),
            },
            None => NetworkAttempts::none(look.now),
        },
        of_account: look
            .failures
            .zip(look.blocked_until)
            .zip(look.account_last_at)
            .map(|((failures, blocked_until), last_at)| AccountAttempts {
                failures: u32::try_from(failures).unwrap_or_default(),
                blocked_until,
                last_at,
                in_flight: InFlight::new(look.account_in_flight),
            }),
        key: key.map(|(digest, network)| AccountKey { digest, network }),
        audit_network: look.audit_network,
        audit_account: look.audit_account,
    })
}

pub(super) fn parts(account: &Account) -> (Option<&str>, Option<uuid::Uuid>) {
    match account {
        Account::User(id) => (None, Some(id.0)),
        Account::Named(key) => (Some(key.as_str()), None),
        Account::Nobody => (None, None),
    }
}
