//! What each act writes into the audit log.

use crate::support::{
    CLI, create_user, database, execute, hash, issue, issued, new_token, new_user, outcome, scopes, text,
    wait_until,
};
use jeton_domain::{
    Actor, AuditAction, AuditContext, Email, TokenId, TokenName, UserChanges, UserId, Username,
};
use jeton_persistence::audit::{self, AuditEvent, AuditFilter, NewAuditEvent, list};
use jeton_persistence::{PgConnection, tokens, users};
use serde_json::json;
use uuid::Uuid;

/// Somebody with a browser.
fn by(actor: Actor) -> AuditContext {
    AuditContext {
        actor,
        address: Some("2001:db8::7".parse().unwrap()),
        request_id: Some("7f3a".to_owned()),
    }
}

fn all(connection: &mut PgConnection) -> Vec<AuditEvent> {
    list(connection, &AuditFilter::default(), None, 1000).unwrap()
}

/// What has been written since the last call, the oldest first: the log is emptied.
fn written(connection: &mut PgConnection) -> Vec<AuditEvent> {
    let mut events = all(connection);
    events.reverse();
    execute(connection, "DELETE FROM audit_events");
    events
}

/// The one event that an act writes, which must be about Ada.
fn event_of(connection: &mut PgConnection, ada: UserId, act: impl FnOnce(&mut PgConnection)) -> AuditEvent {
    written(connection);
    act(connection);
    let mut events = written(connection);
    assert_eq!(events.len(), 1, "{events:?}");
    let event = events.remove(0);
    assert_eq!(event.subject_id, Some(ada), "{event:?}");
    assert_eq!(event.subject_username.as_deref(), Some("Ada"), "{event:?}");
    event
}

#[test]
fn audit_events_tell_who_to_whom_from_where_and_when() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "Ada").id;
    let admin = create_user(connection, "root").id;
    let event = event_of(connection, ada, |connection| {
        outcome(users::disable(connection, &by(Actor::User(admin)), ada).unwrap());
    });
    assert_eq!(event.action, AuditAction::UserDisabled.as_str());
    assert_eq!(event.actor_id, Some(admin));
    assert_eq!(event.actor_username.as_deref(), Some("root"));
    assert_eq!(event.actor_label, None);
    assert_eq!(event.address, Some("2001:db8::7".parse().unwrap()));
    assert_eq!(event.request_id.as_deref(), Some("7f3a"));
    assert_eq!(event.detail, json!({}));
    assert_eq!(event.id.get_version_num(), 7);
    let now = text(connection, "SELECT extract(epoch FROM now())::bigint");
    assert!((now.parse::<i64>().unwrap() - event.at.timestamp()).abs() < 60);

    let event = event_of(connection, ada, |connection| {
        users::enable(connection, &CLI, ada).unwrap();
    });
    assert_eq!(event.action, "user-enabled");
    assert_eq!(
        (event.actor_id, event.actor_label.as_deref()),
        (None, Some("cli"))
    );
    assert_eq!((event.address, event.request_id), (None, None));
}

#[test]
fn signing_up_and_in_are_acts_of_the_user() {
    let (_, connection) = &mut database();
    let anonymous = by(Actor::Anonymous);
    let (user, token) = users::sign_up(connection, &anonymous, &new_user("Ada"), &new_token()).unwrap();
    let events = written(connection);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].action, "sign-up");
    assert_eq!(
        (events[0].actor_id, events[0].subject_id),
        (Some(user.id), Some(user.id))
    );
    assert_eq!(events[0].token_id, Some(token.id));

    let event = event_of(connection, user.id, |connection| {
        let issue = tokens::issue_for_password(connection, &anonymous, user.id, &hash(4), &new_token());
        issued(issue).unwrap();
    });
    assert_eq!(event.action, "sign-in");
    assert_eq!(event.actor_id, Some(user.id));
    assert_eq!(event.detail["scopes"], json!(["notes:read", "notes:write"]));
    assert_eq!(event.detail["kind"], "login");

    // Another password by now: nobody is signed in, and nothing is written of it here.
    let none = tokens::issue_for_password(connection, &anonymous, user.id, &hash(5), &new_token());
    assert_eq!(issued(none), None);
    assert_eq!(written(connection), []);
}

type Act = fn(&mut PgConnection, &AuditContext, UserId, TokenId);

/// Each on a user with three tokens, whose first is the one that asks.
const ACTS: [(&str, Act, &str); 15] = [
    (
        "logout",
        |c, by, ada, token| {
            assert!(outcome(tokens::log_out(c, by, ada, token, true).unwrap()));
        },
        "{}",
    ),
    (
        "token-revoked",
        |c, by, ada, token| {
            assert!(outcome(tokens::revoke(c, by, ada, token).unwrap()));
        },
        "{}",
    ),
    (
        "token-revoked",
        |c, by, _, token| {
            assert!(outcome(tokens::revoke_by_operator(c, by, token).unwrap()));
        },
        "{}",
    ),
    (
        "logout-all",
        |c, by, ada, _| {
            outcome(tokens::revoke_all(c, by, ada).unwrap());
        },
        r#"{"revoked": 3}"#,
    ),
    (
        "logout-others",
        |c, by, ada, token| {
            outcome(tokens::revoke_others(c, by, ada, token).unwrap());
        },
        r#"{"revoked": 2}"#,
    ),
    (
        "token-renamed",
        |c, by, ada, token| {
            let name = TokenName::parse("Pixel 9").unwrap();
            tokens::rename(c, by, ada, token, &name).unwrap().unwrap();
        },
        r#"{"name": "Pixel 9"}"#,
    ),
    (
        "password-changed",
        |c, by, ada, token| {
            assert!(outcome(
                users::change_password(c, by, ada, &hash(4), &hash(5), token).unwrap()
            ));
        },
        r#"{"revoked": 2}"#,
    ),
    (
        "password-set",
        |c, by, ada, _| {
            assert!(outcome(users::set_password(c, by, ada, &hash(5)).unwrap()));
        },
        r#"{"revoked": 3}"#,
    ),
    (
        "scopes-changed",
        |c, by, ada, _| {
            outcome(users::set_scopes(c, by, ada, &scopes("notes:read")).unwrap());
        },
        r#"{"from": ["notes:read", "notes:write"], "to": ["notes:read"]}"#,
    ),
    (
        "user-renamed",
        |c, by, ada, _| {
            let changes = UserChanges {
                username: Some(Username::parse("countess").unwrap()),
                ..UserChanges::default()
            };
            outcome(users::change(c, by, ada, &changes).unwrap());
        },
        r#"{"from": "Ada", "to": "countess"}"#,
    ),
    (
        "email-changed",
        |c, by, ada, _| {
            let changes = UserChanges {
                email: Some(Some(Email::parse("ada@example.org").unwrap())),
                ..UserChanges::default()
            };
            outcome(users::change(c, by, ada, &changes).unwrap());
        },
        "{}",
    ),
    (
        "user-disabled",
        |c, by, ada, _| {
            outcome(users::disable(c, by, ada).unwrap());
        },
        "{}",
    ),
    (
        "user-enabled",
        |c, by, ada, _| {
            execute(c, "UPDATE users SET disabled_at = now()");
            users::enable(c, by, ada).unwrap();
        },
        "{}",
    ),
    (
        "user-deleted",
        |c, by, ada, _| {
            assert!(outcome(users::delete(c, by, ada).unwrap()));
        },
        "{}",
    ),
    (
        "user-deleted",
        |c, by, ada, _| {
            assert!(outcome(users::delete_for_password(c, by, ada, &hash(4)).unwrap()));
        },
        "{}",
    ),
];

#[test]
fn every_act_is_written_down_once_and_names_its_cause() {
    for (action, act, detail) in ACTS {
        let (_, connection) = &mut database();
        let ada = create_user(connection, "Ada").id;
        let token = [(); 3].map(|()| issue(connection, ada))[0];
        let event = event_of(connection, ada, |c| act(c, &by(Actor::User(ada)), ada, token));
        assert_eq!(event.action, action);
        assert_eq!(event.actor_id, Some(ada));
        assert_eq!(
            event.detail,
            serde_json::from_str::<serde_json::Value>(detail).unwrap()
        );
        let of_a_token = ["logout", "token-revoked", "token-renamed"].contains(&action);
        assert_eq!(event.token_id, of_a_token.then_some(token), "{action}");
    }
}

#[test]
fn an_act_that_changes_nothing_is_no_event() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "Ada").id;
    let (token, nobody) = (issue(connection, ada), UserId(Uuid::now_v7()));
    outcome(tokens::log_out(connection, &CLI, ada, token, true).unwrap());
    outcome(users::disable(connection, &CLI, ada).unwrap());
    let bob = create_user(connection, "Bob").id;
    let kept = issue(connection, bob);
    written(connection);

    let by = &by(Actor::User(ada));
    let name = TokenName::parse("Pixel 9").unwrap();
    outcome(tokens::log_out(connection, by, ada, token, true).unwrap());
    outcome(tokens::revoke(connection, by, ada, token).unwrap());
    outcome(tokens::revoke_by_operator(connection, by, token).unwrap());
    outcome(tokens::revoke_all(connection, by, ada).unwrap());
    outcome(tokens::revoke_others(connection, by, ada, token).unwrap());
    tokens::rename(connection, by, ada, token, &name).unwrap();
    tokens::rename(connection, by, bob, kept, &new_token().name)
        .unwrap()
        .unwrap();
    assert_eq!(
        issued(tokens::issue_by_operator(connection, by, ada, &new_token())),
        None
    );
    outcome(users::disable(connection, by, ada).unwrap());
    outcome(users::change_password(connection, by, ada, &hash(9), &hash(5), token).unwrap());
    outcome(users::delete_for_password(connection, by, ada, &hash(9)).unwrap());
    outcome(users::set_scopes(connection, by, ada, &scopes("notes:read notes:write")).unwrap());
    outcome(users::set_scopes(connection, by, nobody, &scopes("notes:read")).unwrap());
    outcome(users::set_password(connection, by, nobody, &hash(5)).unwrap());
    outcome(users::delete(connection, by, nobody).unwrap());
    outcome(users::disable(connection, by, nobody).unwrap());
    users::enable(connection, by, nobody).unwrap();
    users::create(connection, by, &new_user("ADA")).unwrap_err();
    users::sign_up(connection, by, &new_user("ADA"), &new_token()).unwrap_err();
    assert_eq!(written(connection), []);
}

/// Both or neither.
#[test]
fn an_act_that_cannot_be_written_down_is_not_done() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "Ada").id;
    let token = issue(connection, ada);
    execute(connection, "ALTER TABLE audit_events ADD CHECK (false) NOT VALID");
    let by = &CLI;
    tokens::revoke(connection, by, ada, token).unwrap_err();
    tokens::issue_by_operator(connection, by, ada, &new_token()).unwrap_err();
    users::set_password(connection, by, ada, &hash(5)).unwrap_err();
    users::delete(connection, by, ada).unwrap_err();
    users::create(connection, by, &new_user("bob")).unwrap_err();
    assert_eq!(text(connection, "SELECT count(*) FROM tokens"), "1");
    assert_eq!(text(connection, "SELECT username FROM users"), "Ada");
    assert_eq!(users::find_password_hash(connection, ada).unwrap(), Some(hash(4)));
}

/// However long ago its transaction began: else whoever keeps one open could write down today what seems to be long ago, and
/// have it deleted by the next cleanup.
#[test]
fn an_event_has_the_time_at_which_it_was_written_down() {
    let (_, connection) = &mut database();
    execute(connection, "BEGIN");
    let moment = |connection: &mut PgConnection| {
        let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        text(connection, now).parse::<i64>().unwrap()
    };
    let begun = moment(connection);
    wait_until("the clock goes on", || moment(connection) > begun + 2000);
    let before = moment(connection);
    for action in [AuditAction::Logout, AuditAction::LogoutAll] {
        audit::record(connection, &by(Actor::Cli), &NewAuditEvent::new(action)).unwrap();
    }
    let after = moment(connection);
    execute(connection, "COMMIT");
    let events = all(connection);
    let times: Vec<i64> = events.iter().map(|event| event.at.timestamp_micros()).collect();
    assert!(
        times.iter().all(|at| (before..=after).contains(at)),
        "{before} {times:?} {after}"
    );
    // In the order in which they happened, one page after the other.
    let first = list(connection, &AuditFilter::default(), None, 1).unwrap();
    let second = list(connection, &AuditFilter::default(), Some(first[0].cursor()), 1).unwrap();
    assert_eq!([&first[0], &second[0]], [&events[0], &events[1]]);
    assert_eq!((&*events[0].action, &*events[1].action), ("logout-all", "logout"));
}

/// Neither a user's end nor a token's takes anything away.
#[test]
fn audit_events_outlive_those_they_are_about() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "Ada").id;
    let token = issue(connection, ada);
    outcome(users::delete(connection, &by(Actor::User(ada)), ada).unwrap());
    let events = all(connection);
    let actions: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["user-deleted", "token-issued", "user-created"]);
    assert!(events.iter().all(|event| event.subject_id == Some(ada)));
    assert!(
        events
            .iter()
            .all(|event| event.subject_username.as_deref() == Some("Ada"))
    );
    assert_eq!(events[1].token_id, Some(token));
    assert_eq!(
        (events[0].actor_id, &events[0].actor_username),
        (Some(ada), &None)
    );
}
