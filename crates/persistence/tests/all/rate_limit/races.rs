//! Many attempts at a time.

use super::*;

/// Whatever the order, so many are let through and not one more.
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
    let (database, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    type Act = fn(&mut PgConnection, UserId, &str);
    let acts: [Act; 5] = [
        |c, _, address| {
            attempt(c, address, &named("ada"));
        },
        |c, ada, address| rate_limit::succeed(c, &from(address), ada).unwrap(),
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
