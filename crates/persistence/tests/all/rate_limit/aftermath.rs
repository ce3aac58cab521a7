//! What is left of attempts: in the audit log, and until they are forgotten.

use super::*;
use jeton_persistence::PgConnection;

#[test]
fn refusing_attempts_is_written_down_once_an_hour() {
    let (_, connection) = &mut database();
    create_user(connection, "Ada");
    attempts_until_blocked(connection, HERE, &named("ADA"));
    assert_eq!(events(connection), "account Ada");
    for address in [HERE, THERE, THERE] {
        assert_ne!(attempt(connection, address, &named("ada")), 0);
    }
    assert_eq!(events(connection), "account Ada");
    attempts_until_blocked(connection, HERE, &named("typed-by-mistake"));
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
    attempts_until_blocked(connection, HERE, &named("ada"));
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
fn an_attempt_that_is_taken_back_was_none() {
    let (_, connection) = &mut database();
    create_user(connection, "ada");
    let ada = named("ada");
    for _ in 0..30 {
        for account in [&ada, &Account::Nobody] {
            let attempt = begun(connection, HERE, account);
            end(connection, HERE, &attempt, Outcome::TakenBack);
        }
    }
    assert_eq!(rows(connection, "network_attempts WHERE failures > 0"), 0);
    // What others have failed with stays.
    assert_eq!(attempt(connection, HERE, &ada), 0);
    let one = begun(connection, HERE, &ada);
    end(connection, HERE, &one, Outcome::TakenBack);
    assert_eq!(attempts_until_blocked(connection, HERE, &ada), (4, 30));
    assert_eq!(rows(connection, "network_attempts WHERE failures > 5"), 0);
}

#[test]
fn a_new_password_is_let_in_at_once() {
    let (_, connection) = &mut database();
    let (ada, _) = users::sign_up(connection, &from(HERE), &new_user("ada"), &new_token()).unwrap();
    for name in ["ada", "bob"] {
        for address in [HERE, THERE] {
            attempts_until_blocked(connection, address, &named(name));
        }
    }
    assert!(outcome(
        users::set_password(connection, &CLI, ada.id, &hash(5)).unwrap()
    ));
    for address in [HERE, THERE] {
        assert_eq!(
            attempts_until_blocked(connection, address, &named("ada")),
            (5, 30)
        );
    }
    assert_ne!(attempt(connection, THERE, &named("bob")), 0);
}

#[test]
fn a_right_password_that_comes_to_nothing_is_written_down_and_makes_nothing_known() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    for _ in 0..4 {
        assert_eq!(attempt(connection, HERE, &named("ada")), 0);
    }
    for _ in 0..10 {
        let attempt = begun(connection, HERE, &named("ada"));
        let event = NewAuditEvent::new(AuditAction::SignInFailed).of(ada);
        let event = event.reason(AuditReason::ScopeNotHeld);
        let mut end = || {
            let by = from(HERE);
            rate_limit::end(
                connection,
                &by,
                &attempt,
                LIMITS,
                Outcome::TakenBack,
                Some(&event),
            )
            .unwrap();
        };
        // Tried again where nobody knows whether it was done, it is done once.
        end();
        end();
    }
    assert_eq!(
        rows(connection, "account_attempts WHERE network <> '0.0.0.0/0'"),
        0
    );
    assert_eq!(
        rows(
            connection,
            "audit_events WHERE action = 'sign-in-failed' AND detail->>'reason' = 'scope-not-held'"
        ),
        10
    );
    // The four are what they were.
    assert_eq!(attempts_until_blocked(connection, HERE, &named("ada")), (1, 30));
}

#[test]
fn unblocked_one_is_let_in_at_once() {
    let (_, connection) = &mut database();
    let (ada, _) = users::sign_up(connection, &from(HERE), &new_user("ada"), &new_token()).unwrap();
    for address in [HERE, THERE] {
        attempts_until_blocked(connection, address, &named("ada"));
    }
    attempts_until_blocked(connection, THERE, &named("bob"));
    assert!(rate_limit::unblock(connection, &CLI, ada.id).unwrap());
    for address in [HERE, THERE] {
        assert_eq!(
            attempts_until_blocked(connection, address, &named("ada")),
            (5, 30)
        );
    }
    assert_ne!(attempt(connection, THERE, &named("bob")), 0);
    assert_eq!(
        rows(connection, "audit_events WHERE action = 'user-unblocked'"),
        1
    );
    outcome(users::delete(connection, &CLI, ada.id).unwrap());
    assert!(!rate_limit::unblock(connection, &CLI, ada.id).unwrap());
    assert_eq!(
        rows(connection, "audit_events WHERE action = 'user-unblocked'"),
        1
    );
}

#[test]
fn a_user_who_is_gone_leaves_no_attempts_behind() {
    let (_, connection) = &mut database();
    let (ada, _) = users::sign_up(connection, &from(HERE), &new_user("Ada"), &new_token()).unwrap();
    attempt(connection, THERE, &named("ada"));
    attempt(connection, THERE, &named("bob"));
    assert_eq!(rows(connection, "account_attempts"), 3);
    outcome(users::delete(connection, &CLI, ada.id).unwrap());
    assert_eq!(rows(connection, "account_attempts"), 1);
}

#[test]
fn attempts_that_no_longer_count_are_purged() {
    let (_, connection) = &mut database();
    users::sign_up(connection, &from(HERE), &new_user("ada"), &new_token()).unwrap();
    attempt(connection, THERE, &named("ada"));
    let left = |connection: &mut PgConnection, time: &str| {
        pass(connection, time);
        cleaned(&mut Cleanup::default(), connection);
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
