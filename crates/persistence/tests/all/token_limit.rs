//! How many tokens a user may have, and which gives way.

use crate::support::{
    CLI, connect, count, create_user, database, execute, expire, is_stored, issued, new_token, outcome,
};
use jeton_domain::{NewToken, TokenId, TokenKind, UserId};
use jeton_persistence::tokens::{self, Issue};
use jeton_persistence::{Pending, PgConnection, audit, users};
use std::thread;

fn within(user_limit: u32, kind: TokenKind) -> NewToken {
    NewToken {
        kind,
        user_limit,
        ..new_token()
    }
}

fn issue(connection: &mut PgConnection, user: UserId, token: &NewToken) -> Pending<Issue> {
    tokens::issue_by_operator(connection, &CLI, user, token).unwrap()
}

/// Issues a token, as often as it takes where others take the room that is made.
fn issue_at_last(connection: &mut PgConnection, user: UserId, token: &NewToken) -> Option<TokenId> {
    loop {
        match outcome(issue(connection, user, token)) {
            Issue::RoomMade => {}
            other => return other.token().map(|token| token.id),
        }
    }
}

fn log_in(connection: &mut PgConnection, user: UserId, user_limit: u32) -> TokenId {
    issue_at_last(connection, user, &within(user_limit, TokenKind::Login)).unwrap()
}

fn make(connection: &mut PgConnection, user: UserId, user_limit: u32) -> Option<TokenId> {
    issue_at_last(connection, user, &within(user_limit, TokenKind::Personal))
}

fn stored<const N: usize>(connection: &mut PgConnection, tokens: [TokenId; N]) -> [bool; N] {
    tokens.map(|id| is_stored(connection, id))
}

/// Says that a token was used so many minutes ago.
fn used(connection: &mut PgConnection, token: TokenId, minutes_ago: u32) {
    let sql = format!(
        "INSERT INTO token_uses VALUES ('{token}', now() - interval '{minutes_ago} minutes')
            ON CONFLICT (token_id, owner) DO UPDATE SET last_used_at = excluded.last_used_at"
    );
    execute(connection, &sql);
}

/// Says that all of a user's tokens were issued an hour before.
fn age(connection: &mut PgConnection) {
    execute(
        connection,
        "UPDATE tokens SET created_at = created_at - interval '1 hour'",
    );
}

#[test]
fn the_login_token_that_was_not_used_for_longest_gives_way() {
    let (_, connection) = &mut database();
    let [ada, bob] = ["ada", "bob"].map(|name| create_user(connection, name).id);
    let of_bob = log_in(connection, bob, 3);
    let [first, second, third] = [0; 3].map(|_| log_in(connection, ada, 3));
    age(connection);
    used(connection, first, 10);
    used(connection, second, 20);
    // The third was not used since it was issued.
    let fourth = log_in(connection, ada, 3);
    assert_eq!(
        stored(connection, [first, second, third, fourth]),
        [true, true, false, true]
    );
    // The fourth was issued just now, and that is as good as used.
    let fifth = log_in(connection, ada, 3);
    assert_eq!(
        stored(connection, [first, second, fourth, fifth]),
        [true, false, true, true]
    );
    assert!(is_stored(connection, of_bob));
}

#[test]
fn a_token_that_gives_way_is_revoked_as_any_other_and_written_down() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let first = issue(connection, ada, &within(2, TokenKind::Login));
    assert!(first.is_settled(), "nobody waits where nothing was revoked");
    let old = count(connection, "revocations");
    log_in(connection, ada, 2);
    let new = within(2, TokenKind::Login);
    let (made, xids) = issue(connection, ada, &new).into_unconfirmed();
    assert!(matches!(made, Issue::RoomMade) && !is_stored(connection, new.id));
    assert_eq!(xids.len(), 1);
    assert_eq!(count(connection, "revocations"), old + 1);
    // With what was made for it, it needs nothing more.
    let issued = issue(connection, ada, &new);
    assert!(issued.is_settled() && outcome(issued).token().is_some());

    let filter = audit::AuditFilter {
        action: Some(jeton_domain::AuditAction::TokenRevoked),
        ..Default::default()
    };
    let events = audit::list(connection, &filter, None, 10).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].subject_id, Some(ada));
    assert_eq!(events[0].detail["reason"], "too-many-tokens");
    assert_eq!(events[0].detail["for"], new.id.to_string());
}

#[test]
fn a_program_keeps_its_token_and_there_is_always_room_to_sign_in() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let programs = [0; 2].map(|_| make(connection, ada, 3).unwrap());
    assert_eq!(make(connection, ada, 3), None);
    for _ in 0..3 {
        let login = log_in(connection, ada, 3);
        assert!(is_stored(connection, login));
        assert_eq!(count(connection, "tokens"), 3);
    }
    assert_eq!(stored(connection, programs), [true, true]);
    // A limit that was lowered takes no program's token away, and is kept.
    assert!(matches!(
        outcome(issue(connection, ada, &within(2, TokenKind::Login))),
        Issue::TooMany
    ));
    assert_eq!(count(connection, "tokens"), 3);
}

#[test]
fn a_lowered_limit_is_reached_with_the_next_login() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let logins = [0; 5].map(|_| log_in(connection, ada, 5));
    let last = log_in(connection, ada, 2);
    assert_eq!(stored(connection, logins), [false, false, false, false, true]);
    assert!(is_stored(connection, last));
}

#[test]
fn the_token_that_asks_does_not_give_way() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let by = log_in(connection, ada, 2);
    age(connection);
    let other = log_in(connection, ada, 2);
    let new = within(2, TokenKind::Personal);
    let mut ask = || issued(tokens::issue_by_token(connection, &CLI, ada, by, &new));
    assert!(ask().is_none());
    ask().unwrap();
    assert_eq!(stored(connection, [by, other, new.id]), [true, false, true]);
}

#[test]
fn expired_tokens_do_not_count() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let program = make(connection, ada, 2).unwrap();
    let (expired, valid) = (log_in(connection, ada, 3), log_in(connection, ada, 3));
    for id in [expired, program] {
        expire(connection, id);
    }
    let program = make(connection, ada, 2).unwrap();
    assert_eq!(stored(connection, [valid, program]), [true, true]);
}

/// However many sign in at once, on however many connections.
#[test]
fn many_at_once_stay_within_the_limit() {
    let (database, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    thread::scope(|scope| {
        for _ in 0..8 {
            let mut connection = connect(database);
            scope.spawn(move || {
                for _ in 0..5 {
                    log_in(&mut connection, ada, 4);
                    make(&mut connection, ada, 4);
                }
            });
        }
    });
    assert_eq!(count(connection, "tokens"), 4);
    assert_eq!(count(connection, "tokens WHERE kind = 'personal'"), 3);
    outcome(users::delete(connection, &CLI, ada).unwrap());
}
