//! Attempts to sign in, counted for each account and each network, so that guessing passwords takes long.
//!
//! An attempt is in flight from before its password is hashed until it [ends](end): of many at once, no more are let through
//! than of many one after the other, and none is refused because others are in flight; those beyond wait for them. The
//! rules are [`jeton_domain::rate_limit`]'s. All instances count in the same rows. Those are locked in one order everywhere:
//! the network's, the account's for all networks, the account's for one.

mod begin;
mod end;
mod networks;
mod refusals;
mod reset;
mod rows;

pub use begin::begin;
pub use end::end;
pub(crate) use end::know;
pub use jeton_domain::rate_limit::Outcome;
pub use networks::{NetworkLimit, counted_as, list_networks, network_text, unblock_network};
pub use reset::unblock;
pub(crate) use reset::{cleanup_accounts, cleanup_networks, clear, forget, rename};

use chrono::{DateTime, Utc};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use jeton_domain::rate_limit::LeakyBucket;
use jeton_domain::{UserId, UsernameKey};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// How many attempts may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For one account, in a row, with delays as [`lockout`](jeton_domain::rate_limit::lockout) says.
    pub account: u32,
    /// From one network, in an hour, together with how many sign up.
    pub network: u32,
}

impl Limits {
    fn bucket(self) -> LeakyBucket {
        LeakyBucket::of_network(self.network)
    }
}

/// Whose password is tried.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Account {
    /// That of somebody who is signed in.
    User(UserId),
    /// That of whoever has this name; perhaps nobody.
    Named(UsernameKey),
    /// That of nobody who is there already: of a name that nobody can have, or of somebody who signs up. Only the network
    /// counts.
    Nobody,
}

/// An attempt that is in flight. It is to be [ended](end); one that is not counts as failed after
/// [a while](jeton_domain::rate_limit::IN_FLIGHT).
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an attempt is in flight until it is ended"]
pub struct Attempt {
    network: Network,
    /// What it is known by in the network's row.
    since: DateTime<Utc>,
    account: Option<(AccountKey, DateTime<Utc>)>,
}

impl Attempt {
    /// The rows that it counts in: whoever waits for one of them may look again once it has ended.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        let account = self.account.as_ref().map(|(key, _)| Row::Account(key.clone()));
        std::iter::once(Row::Network(self.network)).chain(account)
    }
}

/// The key of a row of `account_attempts`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccountKey {
    digest: Vec<u8>,
    /// A network that the account is known from, or [`ANYWHERE`].
    network: Network,
}

/// What an attempt counts in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Row {
    /// What counts for a network.
    Network(Network),
    /// What counts for an account.
    Account(AccountKey),
}

/// What becomes of the wish to make an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an attempt that is to wait must not go on"]
pub enum Verdict {
    /// It is in flight.
    Go(Attempt),
    /// It is not counted, and must not go on: it may be asked for again once an attempt in flight has ended that counts in
    /// the same row.
    Busy(Row),
    /// It is not counted, and must not go on: too many have failed.
    Blocked(Blocked),
}

/// For how much longer no attempt is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Blocked {
    /// From the network, whatever the account; zero: it is not the network that is blocked.
    pub network: Duration,
    /// To the account, from this network; zero: it is not the account.
    pub account: Duration,
}

/// What attempts from an address count for.
pub type Network = IpNet;

/// All networks that an account has never signed in from.
const ANYWHERE: Network = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0));

/// Of a row, the attempts whose outcome is yet to come: others were lost, or began by a clock that was wrong.
const STILL_IN_FLIGHT: &str = "ARRAY(SELECT since FROM unnest(in_flight) AS since \
    WHERE since BETWEEN now() - interval '1 minute' AND now() + interval '1 minute' ORDER BY since)";

/// Sets a row so that it holds nothing but those, and no time that a wrong clock has told.
fn mend_times() -> String {
    format!("last_at = least(last_at, now()), in_flight = {STILL_IN_FLIGHT}")
}

/// The address itself, or the /64 of IPv6, which is what one customer has.
#[must_use]
pub fn network(address: Option<IpAddr>) -> Network {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V6(v6)) => Ipv6Net::new_assert(v6, 64).trunc().into(),
        Some(v4) => v4.into(),
        None => IpAddr::from(Ipv6Addr::UNSPECIFIED).into(),
    }
}
