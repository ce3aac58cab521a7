use crate::support::{CLI, connect, constraint, count, create_user, database, new_token, new_user};
use jeton_domain::NewToken;
use jeton_persistence::users::USERNAME_TAKEN;
use jeton_persistence::{tokens, users};
use jeton_proof_support::TestDatabase;
use std::sync::Barrier;
use std::thread;

#[test]
fn a_user_and_a_token_are_there_afterwards() {
    let (_, connection) = &mut database();
    let (user, token) = users::sign_up(connection, &CLI, &new_user("ada"), &new_token()).unwrap();
    assert_eq!(users::find(connection, user.id).unwrap(), Some(user.clone()));
    assert_eq!(tokens::find(connection, user.id, token.id).unwrap(), Some(token));
}

#[test]
fn a_taken_name_is_a_conflict_in_any_case() {
    let (_, connection) = &mut database();
    create_user(connection, "Ada");
    for name in ["Ada", "ada", "ADA", "ａｄａ"] {
        assert_eq!(
            constraint(users::create(connection, &CLI, &new_user(name))),
            USERNAME_TAKEN
        );
        let signed_up = users::sign_up(connection, &CLI, &new_user(name), &new_token());
        assert_eq!(constraint(signed_up), USERNAME_TAKEN);
    }
    assert_eq!(count(connection, "users"), 1);
    assert_eq!(count(connection, "tokens"), 0);
}

#[test]
fn a_sign_up_without_its_token_makes_no_user() {
    let (_, connection) = &mut database();
    let (bob, _) = users::sign_up(connection, &CLI, &new_user("bob"), &new_token()).unwrap();
    let taken = new_token();
    crate::support::issue_this(connection, bob.id, &taken);

    let same_digest = NewToken {
        digest: taken.digest,
        ..new_token()
    };
    let signed_up = users::sign_up(connection, &CLI, &new_user("ada"), &same_digest);
    assert_eq!(constraint(signed_up), "tokens_digest_unique");
    assert_eq!(count(connection, "users WHERE username_key = 'ada'"), 0);
    // The connection is as good as before.
    users::sign_up(connection, &CLI, &new_user("ada"), &new_token()).unwrap();
}

#[test]
fn sign_ups_at_once_give_a_name_to_one() {
    let database = TestDatabase::create();
    let names = ["ada", "Ada", "aDa", "adA", "ADa", "aDA", "AdA", "ADA"];
    let start = Barrier::new(names.len());
    let outcomes: Vec<_> = thread::scope(|scope| {
        let all: Vec<_> = names
            .iter()
            .map(|name| {
                let (mut connection, start) = (connect(&database), &start);
                scope.spawn(move || {
                    let (user, token) = (new_user(name), new_token());
                    start.wait();
                    users::sign_up(&mut connection, &CLI, &user, &token)
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let (winners, losers): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(winners.len(), 1);
    for loser in losers {
        assert_eq!(constraint(loser), USERNAME_TAKEN);
    }
    let (user, token) = winners.into_iter().next().unwrap().unwrap();
    let connection = &mut connect(&database);
    assert_eq!(
        users::list(connection, &users::UserFilter::default(), None, 10).unwrap(),
        std::slice::from_ref(&user)
    );
    assert_eq!(count(connection, "tokens"), 1);
    assert_eq!(tokens::list(connection, user.id, None, 10).unwrap(), [token]);
}
