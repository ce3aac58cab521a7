//! Many attempts at a time.

use super::*;
use jeton_persistence::PgConnection;

/// Whatever the order, so many are let through and not one more: while they are in flight, others are neither let through nor
/// refused.
#[test]
fn a_hundred_attempts_at_once_count_as_one_after_the_other() {
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
                        match begin_within(&mut connection, HERE, &account(i), limits) {
                            Verdict::Go(_) => 1,
                            Verdict::Busy(_) => 0,
                            Verdict::Blocked(blocked) => panic!("{blocked:?}"),
                        }
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
    for table in ["account_attempts", "network_attempts"] {
        let counted =
            format!("SELECT concat_ws(' ', sum(failures), sum(cardinality(in_flight))) FROM {table}");
        assert_eq!(text(connection, &counted), "0 10");
    }
    // Under many names from one network.
    execute(connection, "TRUNCATE account_attempts, network_attempts");
    let limits = Limits {
        network: 30,
        ..LIMITS
    };
    assert_eq!(race(limits, &|i| named(&format!("user{i}"))), 30);
}

fn end_as(connection: &mut PgConnection, address: &str, account: &Account, outcome: Outcome) {
    if let Verdict::Go(attempt) = begin(connection, address, account) {
        end(connection, address, &attempt, outcome);
    }
}

/// Signing in, failing, being unblocked and deleted, all at once: whoever locks in another order would be a deadlock.
#[test]
fn nothing_waits_in_a_circle() {
    let (database, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    type Act = fn(&mut PgConnection, UserId, &str);
    let acts: [Act; 6] = [
        |c, _, address| end_as(c, address, &named("ada"), Outcome::Failed),
        |c, ada, address| end_as(c, address, &Account::User(ada), Outcome::Succeeded),
        |c, _, address| drop(rate_limit::unblock_network(c, &CLI, one(address)).unwrap()),
        |c, ada, address| {
            let issued = tokens::issue_for_password(c, &from(address), ada, &hash(4), &new_token());
            outcome(issued.unwrap()).token().unwrap();
        },
        |c, ada, _| _ = rate_limit::unblock(c, &CLI, ada).unwrap(),
        |c, _, _| {
            cleanup_step(&mut Cleanup::default(), c).unwrap();
        },
    ];
    thread::scope(|scope| {
        for act in acts {
            for address in [HERE, THERE] {
                let mut connection = connect(database);
                scope.spawn(move || {
                    for _ in 0..50 {
                        act(&mut connection, ada, address);
                    }
                });
            }
        }
    });
}

/// Many at once, over several pools, as several instances do it; each compares what it was let through with, and then ends it.
/// Those that have to wait ask again.
fn storm(database: &TestDatabase, attempts: usize, right: bool) -> (usize, usize) {
    let start = Barrier::new(attempts);
    let outcomes = thread::scope(|scope| {
        let running: Vec<_> = (0..attempts)
            .map(|_| {
                let mut connection = connect(database);
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    loop {
                        match begin(&mut connection, HERE, &named("ada")) {
                            Verdict::Go(attempt) => {
                                let outcome = if right {
                                    Outcome::Succeeded
                                } else {
                                    Outcome::Failed
                                };
                                end(&mut connection, HERE, &attempt, outcome);
                                return true;
                            }
                            Verdict::Busy(_) => {}
                            Verdict::Blocked(_) => return false,
                        }
                    }
                })
            })
            .collect();
        running
            .into_iter()
            .map(|one| one.join().unwrap())
            .collect::<Vec<_>>()
    });
    let compared = outcomes.iter().filter(|compared| **compared).count();
    (compared, attempts - compared)
}

#[test]
fn right_passwords_at_once_are_all_let_in() {
    let database = TestDatabase::create();
    create_user(&mut connect(&database), "ada");
    assert_eq!(storm(&database, 60, true), (60, 0));
    let connection = &mut connect(&database);
    assert_eq!(rows(connection, "account_attempts"), 1);
    let left = "network_attempts WHERE failures > 0 OR cardinality(in_flight) > 0";
    assert_eq!(rows(connection, left), 0);
}

#[test]
fn wrong_passwords_at_once_are_compared_no_more_often_than_the_limit_allows() {
    let database = TestDatabase::create();
    create_user(&mut connect(&database), "ada");
    assert_eq!(storm(&database, 60, false), (5, 55));
}
