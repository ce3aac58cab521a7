//! How attempts to sign in are counted. Time passes by moving the rows' times back.

mod aftermath;
mod clock;
mod in_flight;
mod networks;
mod races;

use crate::support::{
    CLI, cleaned, cleanup_step, connect, count as rows, create_user, database, execute, hash, new_token,
    new_user, outcome, text,
};
use jeton_domain::{Actor, AuditAction, AuditContext, AuditReason, UserId, Username};
use jeton_persistence::audit::NewAuditEvent;
use jeton_persistence::cleanup::Cleanup;
use jeton_persistence::rate_limit::{self, Account, Attempt, Limits, Network, Outcome, Row, Verdict};
use jeton_persistence::{PgConnection, tokens, users};
use jeton_proof_support::TestDatabase;
use std::net::IpAddr;
use std::sync::Barrier;
use std::thread;

/// Five at once, then with delays, and twenty in all.
const LIMITS: Limits = Limits {
    account: 20,
    network: 60,
};

fn from(address: &str) -> AuditContext {
    AuditContext {
        actor: Actor::Anonymous,
        address: Some(address.parse().unwrap()),
        request_id: None,
    }
}

/// What somebody says who names an address.
fn one(address: &str) -> Network {
    address.parse::<IpAddr>().unwrap().into()
}

fn named(name: &str) -> Account {
    Account::Named(Username::parse(name).unwrap().key().clone())
}

/// Makes an attempt that fails, if it may be made. How many seconds to wait; 0: none, and it was made.
fn attempt(connection: &mut PgConnection, address: &str, account: &Account) -> u64 {
    attempt_within(connection, address, account, LIMITS)
}

fn attempt_within(connection: &mut PgConnection, address: &str, account: &Account, limits: Limits) -> u64 {
    match begin_within(connection, address, account, limits) {
        Verdict::Go(attempt) => {
            end_within(connection, address, &attempt, Outcome::Failed, limits);
            0
        }
        Verdict::Busy(row) => panic!("{row:?}"),
        Verdict::Blocked(blocked) => {
            let wait = blocked.network.max(blocked.account);
            assert!(!wait.is_zero());
            wait.as_secs_f64().ceil() as u64
        }
    }
}

fn begin_within(connection: &mut PgConnection, address: &str, account: &Account, limits: Limits) -> Verdict {
    rate_limit::begin(connection, &from(address), account, limits).unwrap()
}

fn begin(connection: &mut PgConnection, address: &str, account: &Account) -> Verdict {
    begin_within(connection, address, account, LIMITS)
}

/// One that may be made.
fn begun(connection: &mut PgConnection, address: &str, account: &Account) -> Attempt {
    go(begin(connection, address, account))
}

fn go(verdict: Verdict) -> Attempt {
    match verdict {
        Verdict::Go(attempt) => attempt,
        other => panic!("{other:?}"),
    }
}

fn end_within(
    connection: &mut PgConnection,
    address: &str,
    attempt: &Attempt,
    outcome: Outcome,
    limits: Limits,
) {
    rate_limit::end(connection, &from(address), attempt, limits, outcome, None).unwrap();
}

fn end(connection: &mut PgConnection, address: &str, attempt: &Attempt, outcome: Outcome) {
    end_within(connection, address, attempt, outcome, LIMITS);
}

/// The right password is given, and somebody let in.
fn succeed(connection: &mut PgConnection, address: &str, account: &Account) {
    let attempt = begun(connection, address, account);
    end(connection, address, &attempt, Outcome::Succeeded);
}

/// Until one has to wait: how many did not, and how long that one has to.
fn attempts_until_blocked(connection: &mut PgConnection, address: &str, account: &Account) -> (u32, u64) {
    for made in 0.. {
        match attempt(connection, address, account) {
            0 => {}
            wait => return (made, rounded(wait)),
        }
    }
    unreachable!()
}

/// A test may take its time, though no half of that.
fn rounded(wait: u64) -> u64 {
    let delays = [30, 60, 120, 240, 480, 900, 86_400];
    delays.into_iter().find(|delay| *delay >= wait).unwrap()
}

fn pass(connection: &mut PgConnection, time: &str) {
    execute(
        connection,
        &format!(
            "UPDATE account_attempts SET blocked_until = greatest('epoch', blocked_until - interval '{time}'),
                last_at = last_at - interval '{time}', audited_at = audited_at - interval '{time}',
                in_flight = ARRAY(SELECT since - interval '{time}' FROM unnest(in_flight) AS since);
            UPDATE network_attempts SET last_at = last_at - interval '{time}', audited_at = audited_at - interval '{time}',
                in_flight = ARRAY(SELECT since - interval '{time}' FROM unnest(in_flight) AS since)"
        ),
    );
}

fn events(connection: &mut PgConnection) -> String {
    text(
        connection,
        "SELECT coalesce(string_agg(concat_ws(' ', detail->>'limit', subject_username), ', ' ORDER BY at, id), '')
            FROM audit_events WHERE action = 'sign-in-rate-limited'",
    )
}

const HERE: &str = "203.0.113.9";
const THERE: &str = "198.51.100.7";

#[test]
fn a_quarter_at_once_then_ever_longer_delays_then_none_for_a_day() {
    let (_, connection) = &mut database();
    let ada = named("ada");
    assert_eq!(attempts_until_blocked(connection, HERE, &ada), (5, 30));
    let mut delays = Vec::new();
    for _ in 0..15 {
        pass(connection, "15 minutes");
        assert_eq!(attempt(connection, HERE, &ada), 0);
        delays.push(rounded(attempt(connection, HERE, &ada)));
    }
    let expected = [
        60, 120, 240, 480, 900, 900, 900, 900, 900, 900, 900, 900, 900, 900, 86_400,
    ];
    assert_eq!(delays, expected);
    pass(connection, "23 hours 59 minutes");
    assert!((1..=60).contains(&attempt(connection, HERE, &ada)));
    // And then all over again.
    pass(connection, "1 minute");
    assert_eq!(attempts_until_blocked(connection, HERE, &ada), (5, 30));
}

#[test]
fn attempts_that_are_refused_do_not_count() {
    let (_, connection) = &mut database();
    let ada = named("ada");
    attempts_until_blocked(connection, HERE, &ada);
    for _ in 0..50 {
        assert_ne!(attempt(connection, HERE, &ada), 0);
    }
    assert_eq!(text(connection, "SELECT failures FROM account_attempts"), "5");
    assert_eq!(
        text(connection, "SELECT ceil(failures) FROM network_attempts"),
        "5"
    );
}

#[test]
fn names_of_nobody_count_as_any_and_in_any_case() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "Ada").id;
    for (one, same) in [
        ("Ada", named("ADA")),
        ("Straße", named("STRASSE")),
        ("ADA", Account::User(ada)),
    ] {
        execute(connection, "TRUNCATE account_attempts");
        assert_eq!(attempts_until_blocked(connection, HERE, &named(one)), (5, 30));
        assert_ne!(attempt(connection, THERE, &same), 0, "{one}");
        assert_eq!(attempt(connection, HERE, &named("bob")), 0, "{one}");
    }
    let dump = text(
        connection,
        "SELECT string_agg(a::text, ' ') FROM account_attempts AS a",
    );
    assert!(!dump.to_lowercase().contains("bob"), "{dump}");
}

#[test]
fn a_name_that_nobody_can_have_counts_for_the_network_alone() {
    let (_, connection) = &mut database();
    for _ in 0..30 {
        assert_eq!(attempt(connection, HERE, &Account::Nobody), 0);
    }
    assert_eq!(rows(connection, "account_attempts"), 0);
    assert_eq!(
        text(connection, "SELECT ceil(failures) FROM network_attempts"),
        "30"
    );
}

#[test]
fn a_network_has_its_own_limit_which_comes_back_with_time() {
    let (_, connection) = &mut database();
    let limits = Limits {
        network: 60,
        ..LIMITS
    };
    let mut made = 0;
    let mut next = |connection: &mut PgConnection, address: &str| {
        made += 1;
        attempt_within(connection, address, &named(&format!("user{made}")), limits)
    };
    for _ in 0..60 {
        assert_eq!(next(connection, "2001:db8::1"), 0);
    }
    let wait = next(connection, "2001:db8::ffff:1");
    assert!((50..=60).contains(&wait), "one a minute: {wait}");
    assert_eq!(next(connection, "2001:db8:0:1::1"), 0, "another /64");
    assert_eq!(next(connection, "192.0.2.1"), 0);
    assert_eq!(next(connection, "192.0.2.2"), 0);
    // Nothing is counted for an account whose network is blocked.
    assert_eq!(rows(connection, "account_attempts"), 63);
    pass(connection, "10 minutes");
    for _ in 0..10 {
        assert_eq!(next(connection, "2001:db8::1"), 0);
    }
    assert_ne!(next(connection, "2001:db8::1"), 0);
}

#[test]
fn a_success_is_taken_back_and_clears() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    // More than any limit, one after the other.
    let limits = Limits {
        account: 4,
        network: 4,
    };
    let succeed = |connection: &mut PgConnection, account: &Account| {
        let attempt = go(begin_within(connection, HERE, account, limits));
        end_within(connection, HERE, &attempt, Outcome::Succeeded, limits);
    };
    for account in [named("ada"), Account::User(ada)] {
        for _ in 0..20 {
            succeed(connection, &account);
        }
    }
    // What others have failed with is not taken back with it.
    for name in ["bob", "eve", "mallory"] {
        assert_eq!(attempt_within(connection, HERE, &named(name), limits), 0);
    }
    succeed(connection, &named("ada"));
    assert_eq!(attempt_within(connection, HERE, &named("trent"), limits), 0);
    assert_ne!(attempt_within(connection, HERE, &named("walter"), limits), 0);
}

#[test]
fn a_stranger_does_not_keep_the_owner_out() {
    let (_, connection) = &mut database();
    users::sign_up(connection, &from(HERE), &new_user("ada"), &new_token()).unwrap();
    let account = named("ada");
    assert_eq!(attempts_until_blocked(connection, THERE, &account), (5, 30));
    // The owner, from where she has signed up, has her own five.
    succeed(connection, HERE, &account);
    assert_eq!(attempts_until_blocked(connection, HERE, &account), (5, 30));
    // That she is let in clears nothing of what strangers have done.
    pass(connection, "31 seconds");
    succeed(connection, HERE, &account);
    assert_eq!(attempt(connection, THERE, &account), 0);
    assert_ne!(attempt(connection, THERE, &account), 0);
    assert_ne!(attempt(connection, THERE, &account), 0);
    assert_eq!(attempt(connection, HERE, &account), 0);
    // From a third network it does, and that one is known from now on.
    let third = "2001:db8:7::1";
    pass(connection, "1 hour");
    succeed(connection, third, &account);
    assert_eq!(attempts_until_blocked(connection, THERE, &account), (5, 30));
    assert_eq!(attempt(connection, "2001:db8:7::2", &account), 0);
}
