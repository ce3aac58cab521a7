//! How attempts to sign in are counted. Time passes by moving the rows' times back.

use crate::support::{
    connect, count as rows, create_user, execute, hash, new_token, new_user, outcome, text,
};
use jeton_domain::{Actor, Initiator, UserId, Username};
use jeton_persistence::attempts::{self, Account, Limits, Verdict};
use jeton_persistence::purge::Purge;
use jeton_persistence::{PgConnection, tokens, users};
use jeton_test_support::TestDatabase;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

/// Five at once, then with delays, and twenty in all.
const LIMITS: Limits = Limits {
    account: 20,
    network: 60,
};

fn from(address: &str) -> Initiator {
    Initiator {
        actor: Actor::Anonymous,
        address: Some(address.parse().unwrap()),
        request_id: None,
    }
}

fn named(name: &str) -> Account {
    Account::Named(Username::parse(name).unwrap().key().clone())
}

/// How many seconds to wait; 0: none, and it is counted.
fn attempt(connection: &mut PgConnection, address: &str, account: &Account) -> u64 {
    attempt_within(connection, address, account, LIMITS)
}

fn attempt_within(connection: &mut PgConnection, address: &str, account: &Account, limits: Limits) -> u64 {
    match attempts::count(connection, &from(address), account, limits).unwrap() {
        Verdict::Go => 0,
        Verdict::Wait(time) => {
            assert!(time >= Duration::from_secs(1));
            time.as_secs()
        }
    }
}

/// Until one has to wait: how many did not, and how long that one has to.
fn attempts_until_held_off(connection: &mut PgConnection, address: &str, account: &Account) -> (u32, u64) {
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
            "UPDATE account_attempts SET blocked_until = blocked_until - interval '{time}',
                last_at = last_at - interval '{time}', noted_at = noted_at - interval '{time}';
            UPDATE network_attempts SET last_at = last_at - interval '{time}', noted_at = noted_at - interval '{time}'"
        ),
    );
}

fn events(connection: &mut PgConnection) -> String {
    text(
        connection,
        "SELECT coalesce(string_agg(concat_ws(' ', detail->>'limit', subject_username), ', ' ORDER BY at, id), '')
            FROM audit_events WHERE action = 'sign-in-throttled'",
    )
}

const HERE: &str = "203.0.113.9";
const THERE: &str = "198.51.100.7";

#[test]
fn a_quarter_at_once_then_ever_longer_delays_then_none_for_a_day() {
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    let ada = named("ada");
    assert_eq!(attempts_until_held_off(connection, HERE, &ada), (5, 30));
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
    assert_eq!(attempts_until_held_off(connection, HERE, &ada), (5, 30));
}

#[test]
fn what_is_held_off_does_not_count() {
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    let ada = named("ada");
    attempts_until_held_off(connection, HERE, &ada);
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
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    let ada = create_user(connection, "Ada").id;
    for (one, same) in [
        ("Ada", named("ADA")),
        ("Straße", named("STRASSE")),
        ("ADA", Account::User(ada)),
    ] {
        execute(connection, "TRUNCATE account_attempts");
        assert_eq!(attempts_until_held_off(connection, HERE, &named(one)), (5, 30));
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
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
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
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
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
    // Nothing is counted for an account that its network is held off.
    assert_eq!(rows(connection, "account_attempts"), 63);
    pass(connection, "10 minutes");
    for _ in 0..10 {
        assert_eq!(next(connection, "2001:db8::1"), 0);
    }
    assert_ne!(next(connection, "2001:db8::1"), 0);
}

#[test]
fn a_success_is_taken_back_and_clears() {
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    let ada = create_user(connection, "ada").id;
    // More than any limit, one after the other.
    let limits = Limits {
        account: 4,
        network: 4,
    };
    for _ in 0..20 {
        assert_eq!(attempt_within(connection, HERE, &named("ada"), limits), 0);
        let issued = tokens::issue_for_password(connection, &from(HERE), ada, &hash(4), &new_token());
        outcome(issued.unwrap()).token().unwrap();
    }
    for _ in 0..20 {
        assert_eq!(attempt_within(connection, HERE, &Account::User(ada), limits), 0);
        attempts::succeed(connection, &from(HERE), ada).unwrap();
    }
    // What others have failed with is not taken back with it.
    for name in ["bob", "eve", "mallory"] {
        assert_eq!(attempt_within(connection, HERE, &named(name), limits), 0);
    }
    assert_eq!(attempt_within(connection, HERE, &named("ada"), limits), 0);
    attempts::succeed(connection, &from(HERE), ada).unwrap();
    assert_eq!(attempt_within(connection, HERE, &named("trent"), limits), 0);
    assert_ne!(attempt_within(connection, HERE, &named("walter"), limits), 0);
}

#[test]
fn a_stranger_does_not_keep_the_owner_out() {
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    let (ada, _) = users::sign_up(connection, &from(HERE), &new_user("ada"), &new_token()).unwrap();
    let account = named("ada");
    assert_eq!(attempts_until_held_off(connection, THERE, &account), (5, 30));
    // The owner, from where she has signed up, has her own five.
    assert_eq!(attempt(connection, HERE, &account), 0);
    attempts::succeed(connection, &from(HERE), ada.id).unwrap();
    assert_eq!(attempts_until_held_off(connection, HERE, &account), (5, 30));
    // That she is let in clears nothing of what strangers have done.
    attempts::succeed(connection, &from(HERE), ada.id).unwrap();
    assert_ne!(attempt(connection, THERE, &account), 0);
    assert_eq!(attempt(connection, HERE, &account), 0);
    // From a third network it does, and that one is known from now on.
    let third = "2001:db8:7::1";
    pass(connection, "1 hour");
    assert_eq!(attempt(connection, third, &account), 0);
    attempts::succeed(connection, &from(third), ada.id).unwrap();
    assert_eq!(attempts_until_held_off(connection, THERE, &account), (5, 30));
    assert_eq!(attempt(connection, "2001:db8:7::2", &account), 0);
}

/// Whatever the order, so many are let through and not one more.
#[test]
fn of_a_hundred_at_once_as_many_go_on_as_one_after_the_other() {
    let database = TestDatabase::create();
    let create = |name: &str| create_user(&mut connect(&database), name).id;
    let (ada, start) = (create("ada"), Barrier::new(100));
    let race = |limits: Limits, account: &(dyn Fn(usize) -> Account + Sync)| -> usize {
        let start = &start;
        thread::scope(|scope| {
            let running: Vec<_> = (0..100)
                .map(|i| {
                    let mut connection = connect(&database);
                    scope.spawn(move || {
                        start.wait();
                        let wait = attempt_within(&mut connection, HERE, &account(i), limits);
                        usize::from(wait == 0)
                    })
                })
                .collect();
            running.into_iter().map(|one| one.join().unwrap()).sum()
        })
    };
    // Of somebody and of nobody, by name and by id.
    assert_eq!(
        race(LIMITS, &|i| if i % 2 == 0 {
            named("ADA")
        } else {
            Account::User(ada)
        }),
        5
    );
    assert_eq!(race(LIMITS, &|_| named("nobody")), 5);
    let connection = &mut connect(&database);
    assert_eq!(
        text(connection, "SELECT sum(failures) FROM account_attempts"),
        "10"
    );
    assert_eq!(
        text(connection, "SELECT ceil(failures) FROM network_attempts"),
        "10"
    );
    // Under many names from one network.
    execute(connection, "TRUNCATE account_attempts, network_attempts");
    let limits = Limits {
        network: 30,
        ..LIMITS
    };
    assert_eq!(race(limits, &|i| named(&format!("user{i}"))), 30);
}

/// Signing in, failing, being unblocked and deleted, all at once: whoever locks in another order would be a deadlock.
#[test]
fn nothing_waits_in_a_circle() {
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    let ada = create_user(connection, "ada").id;
    type Act = fn(&mut PgConnection, UserId, &str);
    let acts: [Act; 5] = [
        |c, _, address| {
            attempt(c, address, &named("ada"));
        },
        |c, ada, address| attempts::succeed(c, &from(address), ada).unwrap(),
        |c, ada, address| {
            let issued = tokens::issue_for_password(c, &from(address), ada, &hash(4), &new_token());
            outcome(issued.unwrap()).token().unwrap();
        },
        |c, ada, _| _ = attempts::unblock(c, &Initiator::cli(), ada).unwrap(),
        |c, _, _| {
            Purge::default().step(c).unwrap();
        },
    ];
    thread::scope(|scope| {
        for act in acts {
            for address in [HERE, THERE] {
                let mut connection = connect(&database);
                scope.spawn(move || {
                    for _ in 0..50 {
                        act(&mut connection, ada, address);
                    }
                });
            }
        }
    });
}

#[test]
fn that_attempts_are_held_off_is_written_down_once_an_hour() {
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    create_user(connection, "Ada");
    attempts_until_held_off(connection, HERE, &named("ADA"));
    assert_eq!(events(connection), "account Ada");
    for address in [HERE, THERE, THERE] {
        assert_ne!(attempt(connection, address, &named("ada")), 0);
    }
    assert_eq!(events(connection), "account Ada");
    attempts_until_held_off(connection, HERE, &named("typed-by-mistake"));
    assert_eq!(events(connection), "account Ada, account");
    let limits = Limits {
        network: 20,
        ..LIMITS
    };
    for i in 0..30 {
        attempt_within(connection, THERE, &named(&format!("user{i}")), limits);
    }
    assert_eq!(events(connection), "account Ada, account, network");
    pass(connection, "1 hour");
    attempts_until_held_off(connection, HERE, &named("ada"));
    assert_eq!(events(connection), "account Ada, account, network, account Ada");
    let addresses =
        "SELECT string_agg(host(address), ' ' ORDER BY at, id) FROM audit_events WHERE address IS NOT NULL";
    assert_eq!(
        text(connection, addresses),
        format!("{HERE} {HERE} {THERE} {HERE}")
    );
    let dump = text(
        connection,
        "SELECT string_agg(e::text, ' ') FROM audit_events AS e",
    );
    assert!(!dump.contains("mistake"), "{dump}");
}

#[test]
fn unblocked_one_is_let_in_at_once() {
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    let (ada, _) = users::sign_up(connection, &from(HERE), &new_user("ada"), &new_token()).unwrap();
    for address in [HERE, THERE] {
        attempts_until_held_off(connection, address, &named("ada"));
    }
    attempts_until_held_off(connection, THERE, &named("bob"));
    assert!(attempts::unblock(connection, &Initiator::cli(), ada.id).unwrap());
    for address in [HERE, THERE] {
        assert_eq!(
            attempts_until_held_off(connection, address, &named("ada")),
            (5, 30)
        );
    }
    assert_ne!(attempt(connection, THERE, &named("bob")), 0);
    assert_eq!(
        rows(connection, "audit_events WHERE action = 'user-unblocked'"),
        1
    );
    outcome(users::delete(connection, &Initiator::cli(), ada.id).unwrap());
    assert!(!attempts::unblock(connection, &Initiator::cli(), ada.id).unwrap());
    assert_eq!(
        rows(connection, "audit_events WHERE action = 'user-unblocked'"),
        1
    );
}

#[test]
fn one_who_is_gone_leaves_nothing_behind() {
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    let (ada, _) = users::sign_up(connection, &from(HERE), &new_user("Ada"), &new_token()).unwrap();
    attempt(connection, THERE, &named("ada"));
    attempt(connection, THERE, &named("bob"));
    assert_eq!(rows(connection, "account_attempts"), 3);
    outcome(users::delete(connection, &Initiator::cli(), ada.id).unwrap());
    assert_eq!(rows(connection, "account_attempts"), 1);
}

#[test]
fn what_no_longer_counts_is_purged() {
    let database = TestDatabase::create();
    let connection = &mut connect(&database);
    users::sign_up(connection, &from(HERE), &new_user("ada"), &new_token()).unwrap();
    attempt(connection, THERE, &named("ada"));
    let left = |connection: &mut PgConnection, time: &str| {
        pass(connection, time);
        Purge::default().step(connection).unwrap().unwrap();
        (
            rows(connection, "account_attempts"),
            rows(connection, "network_attempts"),
        )
    };
    assert_eq!(left(connection, "59 minutes"), (2, 1));
    assert_eq!(left(connection, "2 minutes"), (2, 0));
    assert_eq!(left(connection, "22 hours"), (2, 0));
    assert_eq!(left(connection, "1 hour"), (1, 0));
    assert_eq!(left(connection, "88 days"), (1, 0));
    assert_eq!(left(connection, "2 days"), (0, 0));
}
