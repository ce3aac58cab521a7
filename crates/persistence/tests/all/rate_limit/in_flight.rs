//! Attempts whose outcome is not known yet.

use super::*;

#[test]
fn those_beyond_are_busy_until_one_in_flight_has_ended() {
    let (_, connection) = &mut database();
    let ada = named("ada");
    let in_flight: Vec<_> = (0..5).map(|_| begun(connection, HERE, &ada)).collect();
    let Verdict::Busy(row) = begin(connection, HERE, &ada) else {
        panic!("more are in flight than may fail")
    };
    assert!(
        in_flight
            .iter()
            .all(|attempt| attempt.rows().any(|other| other == row))
    );
    // From wherever the account is not known.
    assert_eq!(begin(connection, THERE, &ada), Verdict::Busy(row));
    end(connection, HERE, &in_flight[0], Outcome::TakenBack);
    let other = begun(connection, THERE, &ada);
    assert!(matches!(begin(connection, HERE, &ada), Verdict::Busy(_)));
    for attempt in &in_flight[1..] {
        end(connection, HERE, attempt, Outcome::Failed);
        assert!(matches!(begin(connection, HERE, &ada), Verdict::Busy(_)));
    }
    end(connection, THERE, &other, Outcome::Failed);
    assert!(matches!(begin(connection, HERE, &ada), Verdict::Blocked(_)));
}

#[test]
fn so_it_is_with_those_of_a_network() {
    let (_, connection) = &mut database();
    let limits = Limits {
        account: 4,
        network: 4,
    };
    let mut begin = |name: &str| begin_within(connection, HERE, &named(name), limits);
    let in_flight: Vec<_> = ["ada", "bob", "cleo", "dora"].map(|name| go(begin(name))).into();
    let network = Row::Network(rate_limit::network(Some(HERE.parse().unwrap())));
    assert_eq!(begin("eve"), Verdict::Busy(network));
    end_within(connection, HERE, &in_flight[0], Outcome::Succeeded, limits);
    let eve = go(begin_within(connection, HERE, &named("eve"), limits));
    for attempt in in_flight[1..].iter().chain([&eve]) {
        end_within(connection, HERE, attempt, Outcome::Failed, limits);
    }
    let Verdict::Blocked(blocked) = begin_within(connection, HERE, &named("frida"), limits) else {
        panic!("more than four were let through")
    };
    assert!(blocked.account.is_zero() && !blocked.network.is_zero());
}

/// A process has died with attempts in flight.
#[test]
fn those_that_nobody_ends_have_failed_after_a_minute() {
    let (_, connection) = &mut database();
    let ada = named("ada");
    for _ in 0..5 {
        let _lost = begun(connection, HERE, &ada);
    }
    pass(connection, "59 seconds");
    assert!(matches!(begin(connection, HERE, &ada), Verdict::Busy(_)));
    pass(connection, "1 second");
    let Verdict::Blocked(blocked) = begin(connection, HERE, &ada) else {
        panic!("what is lost has failed")
    };
    assert!((1..=30).contains(&blocked.account.as_secs()), "{blocked:?}");
    assert_eq!(text(connection, "SELECT failures FROM account_attempts"), "5");
    assert_eq!(
        text(connection, "SELECT ceil(failures) FROM network_attempts"),
        "5"
    );
    pass(connection, "30 seconds");
    let one = begun(connection, HERE, &ada);
    end(connection, HERE, &one, Outcome::TakenBack);
}

#[test]
fn a_user_who_is_deleted_meanwhile_is_known_from_nowhere() {
    let (_, connection) = &mut database();
    for ends in [Outcome::Failed, Outcome::Succeeded, Outcome::TakenBack] {
        let ada = create_user(connection, "ada").id;
        let attempt = begun(connection, HERE, &named("ada"));
        assert!(outcome(users::delete(connection, &CLI, ada).unwrap()));
        end(connection, HERE, &attempt, ends);
        assert_eq!(rows(connection, "account_attempts"), 0);
    }
}

/// Unblocked, the account is as though nothing had failed: what is in flight may still fail.
#[test]
fn to_be_unblocked_makes_no_room_for_more_in_flight() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let in_flight: Vec<_> = (0..5).map(|_| begun(connection, HERE, &named("ada"))).collect();
    assert!(rate_limit::unblock(connection, &CLI, ada).unwrap());
    rate_limit::unblock_network(connection, &CLI, one(HERE)).unwrap();
    assert!(matches!(begin(connection, HERE, &named("ada")), Verdict::Busy(_)));
    for attempt in &in_flight {
        end(connection, HERE, attempt, Outcome::Failed);
    }
    assert!(matches!(
        begin(connection, HERE, &named("ada")),
        Verdict::Blocked(_)
    ));
}
