//! A server's clock that was wrong for a while.

use super::*;
use jeton_persistence::PgConnection;

/// The clock was ahead when everything so far was written, and is right again.
fn jump_back(connection: &mut PgConnection, time: &str) {
    pass(connection, &format!("-{time}"));
}

#[test]
fn a_network_recovers_after_the_clock_was_ahead() {
    for time in ["5 minutes", "1 day", "10 years"] {
        let (_, connection) = &mut database();
        for i in 0..60 {
            assert_eq!(attempt(connection, HERE, &named(&format!("user{i}"))), 0);
        }
        jump_back(connection, time);
        assert!(
            (1..=60).contains(&attempt(connection, HERE, &named("ada"))),
            "{time}"
        );
        pass(connection, "61 seconds");
        assert_eq!(attempt(connection, HERE, &named("ada")), 0, "{time}");
        pass(connection, "1 hour");
        assert_eq!(attempt(connection, HERE, &named("bob")), 0);
        assert_eq!(
            text(connection, "SELECT ceil(failures) FROM network_attempts"),
            "1"
        );
    }
}

#[test]
fn an_account_is_blocked_for_no_longer_than_its_failures_do() {
    for time in ["5 minutes", "1 day", "10 years"] {
        let (_, connection) = &mut database();
        let ada = named("ada");
        assert_eq!(attempts_until_blocked(connection, HERE, &ada), (5, 30));
        jump_back(connection, time);
        assert!((1..=30).contains(&attempt(connection, THERE, &ada)), "{time}");
        pass(connection, "30 seconds");
        assert_eq!(attempt(connection, THERE, &ada), 0, "{time}");
    }
}

/// What is in flight from then is waited for no longer than from now.
#[test]
fn attempts_in_flight_from_the_future_have_failed() {
    let (_, connection) = &mut database();
    for _ in 0..5 {
        let _lost = begun(connection, HERE, &named("ada"));
    }
    jump_back(connection, "1 year");
    assert!((1..=30).contains(&attempt(connection, HERE, &named("ada"))));
    pass(connection, "30 seconds");
    assert_eq!(attempt(connection, HERE, &named("ada")), 0);
}

/// Nobody is told for a year that an account is attacked, otherwise.
#[test]
fn the_audit_log_is_told_again_after_the_clock_was_ahead() {
    let (_, connection) = &mut database();
    create_user(connection, "ada");
    attempts_until_blocked(connection, HERE, &named("ada"));
    jump_back(connection, "1 year");
    assert_ne!(attempt(connection, HERE, &named("ada")), 0);
    assert_eq!(events(connection), "account ada, account ada");
}
