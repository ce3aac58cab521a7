use crate::support::{
    CLI, count, create_user, database, execute, expire, hash, is_stored, issue, issue_expired, issue_this,
    issued, new_token, outcome, scopes, text,
};
use jeton_domain::{AuditContext, NewToken, TokenId, TokenKind, TokenName, UserId};
use jeton_persistence::tokens::{Issue, Refusal};
use jeton_persistence::{DatabaseResult, Pending, PgConnection, tokens, users};
use std::time::Duration;
use uuid::Uuid;

/// Why no token was issued; `None`: one was.
fn refusal(issue: DatabaseResult<Pending<Issue>>) -> Option<Refusal> {
    match outcome(issue.unwrap()) {
        Issue::Issued(_) => None,
        Issue::Refused(refusal) => Some(refusal),
        other => panic!("{other:?}"),
    }
}

fn nobody() -> UserId {
    UserId(Uuid::now_v7())
}

fn ids(connection: &mut PgConnection, owner: UserId) -> Vec<TokenId> {
    let found = tokens::list(connection, owner, None, 100).unwrap();
    found.into_iter().map(|token| token.id).collect()
}

#[test]
fn a_token_is_found_as_issued() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let new = NewToken {
        kind: TokenKind::Personal,
        name: TokenName::parse("nightly backup").unwrap(),
        ..new_token()
    };
    let issue = tokens::issue_for_password(connection, &CLI, ada, &hash(4), &new);
    let token = issued(issue).unwrap();
    assert_eq!((token.id, token.user_id, token.kind), (new.id, ada, new.kind));
    assert_eq!(
        (token.name.as_str(), &token.scopes),
        (new.name.as_str(), &new.scopes)
    );
    assert_eq!(tokens::find(connection, ada, new.id).unwrap(), Some(token));
    let stored = format!("tokens WHERE digest = '\\x{}'", hex(new.digest.as_bytes()));
    assert_eq!(count(connection, &stored), 1);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_life_is_counted_by_the_databases_clock() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    for (ttl, interval) in [
        (Duration::from_millis(1500), "1.5 seconds"),
        (Duration::from_secs(90 * 86_400), "90 days"),
        (Duration::from_secs(3600 * 24 * 365 * 100), "36500 days"),
    ] {
        let new = NewToken {
            ttl: Some(ttl),
            ..new_token()
        };
        let token = issued(tokens::issue_by_operator(connection, &CLI, ada, &new)).unwrap();
        let lives = token.expires_at.unwrap() - token.created_at;
        assert_eq!(lives.to_std().unwrap(), ttl);
        let as_said = format!(
            "SELECT expires_at = created_at + interval '{interval}' FROM tokens WHERE id = '{}'",
            new.id
        );
        // Midnights and summer times are not what a life is counted by.
        execute(connection, "SET timezone = 'UTC'");
        assert_eq!(text(connection, &as_said), "true");
    }
    let endless = NewToken {
        ttl: None,
        ..new_token()
    };
    let token = issued(tokens::issue_by_operator(connection, &CLI, ada, &endless)).unwrap();
    assert_eq!(token.expires_at, None);
    let by_clock = "SELECT bool_and(created_at BETWEEN now() - interval '1 minute' AND now()) FROM tokens";
    assert_eq!(text(connection, by_clock), "true");
}

#[test]
fn a_password_issues_while_it_is_the_users() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let issue = |connection: &mut PgConnection, user, verified| {
        let (by, new) = (AuditContext::cli(), new_token());
        refusal(tokens::issue_for_password(
            connection,
            &by,
            user,
            &hash(verified),
            &new,
        ))
    };
    assert_eq!(issue(connection, ada, 4), None);
    assert_eq!(issue(connection, ada, 5), Some(Refusal::PasswordChanged));
    assert_eq!(issue(connection, nobody(), 4), Some(Refusal::UserGone));
    outcome(users::disable(connection, &CLI, ada).unwrap());
    assert_eq!(issue(connection, ada, 4), Some(Refusal::UserDisabled));
    assert_eq!(count(connection, "tokens"), 1);
}

#[test]
fn a_token_issues_while_it_is_valid() {
    let (_, connection) = &mut database();
    let [ada, bob] = ["ada", "bob"].map(|name| create_user(connection, name).id);
    let (by, revoked, of_bob) = (
        issue(connection, ada),
        issue(connection, ada),
        issue(connection, bob),
    );
    let expired = issue_expired(connection, ada);
    outcome(tokens::revoke(connection, &CLI, ada, revoked).unwrap());
    let issue = |connection: &mut PgConnection, user, with| {
        let (by, new) = (AuditContext::cli(), new_token());
        refusal(tokens::issue_by_token(connection, &by, user, with, &new))
    };
    assert_eq!(issue(connection, ada, by), None);
    for gone in [revoked, expired, of_bob] {
        assert_eq!(issue(connection, ada, gone), Some(Refusal::TokenGone));
    }
    assert_eq!(issue(connection, nobody(), by), Some(Refusal::UserGone));
    outcome(users::disable(connection, &CLI, ada).unwrap());
    assert_eq!(issue(connection, ada, by), Some(Refusal::UserDisabled));
    assert_eq!(count(connection, &format!("tokens WHERE user_id = '{ada}'")), 3);
}

#[test]
fn the_operator_issues_to_whoever_is_enabled() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let issue = |connection: &mut PgConnection, user| {
        let by = AuditContext::cli();
        refusal(tokens::issue_by_operator(connection, &by, user, &new_token()))
    };
    assert_eq!(issue(connection, ada), None);
    assert_eq!(issue(connection, nobody()), Some(Refusal::UserGone));
    outcome(users::disable(connection, &CLI, ada).unwrap());
    assert_eq!(issue(connection, ada), Some(Refusal::UserDisabled));
}

#[test]
fn a_service_account_is_issued_tokens_while_it_is_one() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let robot = jeton_domain::NewUser {
        service: true,
        password_hash: None,
        ..crate::support::new_user("robot")
    };
    let by = AuditContext::cli();
    let robot = users::create(connection, &by, &robot).unwrap().id;
    let issue = |connection: &mut PgConnection, user| {
        let by = AuditContext::cli();
        refusal(tokens::issue_for_service(connection, &by, user, &new_token()))
    };
    assert_eq!(issue(connection, robot), None);
    assert_eq!(issue(connection, ada), Some(Refusal::NotAServiceAccount));
    assert_eq!(issue(connection, nobody()), Some(Refusal::UserGone));
    outcome(users::disable(connection, &by, robot).unwrap());
    assert_eq!(issue(connection, robot), Some(Refusal::UserDisabled));
    users::enable(connection, &by, robot).unwrap();
    outcome(users::set_password(connection, &by, robot, &hash(5)).unwrap());
    assert_eq!(issue(connection, robot), Some(Refusal::NotAServiceAccount));
}

#[test]
fn an_expired_token_is_not_there() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let [valid, expired] = [(); 2].map(|()| issue(connection, ada));
    assert_eq!(ids(connection, ada), [expired, valid]);
    expire(connection, expired);
    assert_eq!(tokens::find(connection, ada, expired).unwrap(), None);
    assert_eq!(ids(connection, ada), [valid]);
    let name = TokenName::parse("again").unwrap();
    assert_eq!(
        tokens::rename(connection, &CLI, ada, expired, &name).unwrap(),
        None
    );
    assert_eq!(count(connection, "tokens WHERE name = 'again'"), 0);
    // Revoking it does no harm, and tidies up.
    assert!(outcome(tokens::revoke(connection, &CLI, ada, expired).unwrap()));
}

#[test]
fn somebody_elses_token_is_no_token() {
    let (_, connection) = &mut database();
    let [ada, bob] = ["ada", "bob"].map(|name| create_user(connection, name).id);
    let token = issue(connection, ada);
    let name = TokenName::parse("stolen").unwrap();
    assert_eq!(tokens::find(connection, bob, token).unwrap(), None);
    assert_eq!(tokens::rename(connection, &CLI, bob, token, &name).unwrap(), None);
    assert!(!outcome(tokens::revoke(connection, &CLI, bob, token).unwrap()));
    assert_eq!(outcome(tokens::revoke_all(connection, &CLI, bob).unwrap()), 0);
    assert_eq!(ids(connection, bob), []);
    let found = tokens::find(connection, ada, token).unwrap().unwrap();
    assert_eq!(found.name, "login");
}

#[test]
fn a_token_gets_another_name_and_nothing_else() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let [other, token] = [(); 2].map(|()| issue(connection, ada));
    let before = tokens::find(connection, ada, token).unwrap().unwrap();
    let name = TokenName::parse("Pixel 9").unwrap();
    let renamed = tokens::rename(connection, &CLI, ada, token, &name)
        .unwrap()
        .unwrap();
    let name = name.as_str().to_owned();
    assert_eq!(renamed, jeton_domain::Token { name, ..before });
    assert_eq!(tokens::find(connection, ada, token).unwrap(), Some(renamed));
    let other = tokens::find(connection, ada, other).unwrap().unwrap();
    assert_eq!(other.name, "login");
}

#[test]
fn pages_go_from_new_to_old_and_hold_the_owners_valid_ones() {
    let (_, connection) = &mut database();
    let [ada, bob] = ["ada", "bob"].map(|name| create_user(connection, name).id);
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(issue(connection, ada));
        issue(connection, bob);
        issue_expired(connection, ada);
    }
    all.reverse();
    let mut page = |after, limit| -> Vec<TokenId> {
        let found = tokens::list(connection, ada, after, limit).unwrap();
        found.into_iter().map(|token| token.id).collect()
    };
    assert_eq!(page(None, 10), all);
    assert_eq!(page(None, 2), all[..2]);
    assert_eq!(page(Some(all[1]), 2), all[2..4]);
    assert_eq!(page(Some(all[3]), 2), all[4..]);
    assert_eq!(page(Some(all[4]), 2), []);
}

#[test]
fn revoking_twice_does_no_harm() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let [kept, token, third] = [(); 3].map(|()| issue(connection, ada));
    assert!(outcome(tokens::revoke(connection, &CLI, ada, token).unwrap()));
    assert!(!outcome(tokens::revoke(connection, &CLI, ada, token).unwrap()));
    assert!(outcome(
        tokens::revoke_by_operator(connection, &CLI, third).unwrap()
    ));
    assert!(!outcome(
        tokens::revoke_by_operator(connection, &CLI, third).unwrap()
    ));
    assert_eq!(ids(connection, ada), [kept]);
}

#[test]
fn revoking_all_tells_how_many() {
    let (_, connection) = &mut database();
    let [ada, bob] = ["ada", "bob"].map(|name| create_user(connection, name).id);
    let of_bob = issue(connection, bob);
    for _ in 0..3 {
        issue(connection, ada);
    }
    assert_eq!(outcome(tokens::revoke_all(connection, &CLI, ada).unwrap()), 3);
    assert_eq!(outcome(tokens::revoke_all(connection, &CLI, ada).unwrap()), 0);
    assert_eq!(
        outcome(tokens::revoke_all(connection, &CLI, nobody()).unwrap()),
        0
    );
    assert!(is_stored(connection, of_bob));
}

#[test]
fn rows_against_the_rules_are_read_as_they_are() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let other = issue(connection, ada);
    // Nor where a constraint is missing.
    execute(connection, "ALTER TABLE tokens DROP CONSTRAINT tokens_kind_check");
    for (change, name, read) in [
        ("name = ''", "", "notes:read notes:write"),
        ("name = E'two\nlines'", "two\nlines", "notes:read notes:write"),
        ("scopes = ARRAY['a\"b', 'two words', 'a']", "login", "a"),
        ("kind = 'robot'", "login", "notes:read notes:write"),
    ] {
        let token = new_token();
        issue_this(connection, ada, &token);
        execute(
            connection,
            &format!("UPDATE tokens SET {change} WHERE id = '{}'", token.id),
        );
        let found = tokens::find(connection, ada, token.id).unwrap().unwrap();
        assert_eq!(
            (found.name.as_str(), &found.scopes),
            (name, &scopes(read)),
            "{change}"
        );
        // Of what nobody knows, the lesser.
        let kind = if change.contains("robot") {
            TokenKind::Personal
        } else {
            TokenKind::Login
        };
        assert_eq!(found.kind, kind, "{change}");
        assert_eq!(ids(connection, ada), [token.id, other], "{change}");
        assert!(outcome(tokens::revoke(connection, &CLI, ada, token.id).unwrap()));
    }
}
