//! Whatever revokes waits until it holds everywhere.

use crate::jeton::{Jeton, PASSWORD};
use diesel::connection::SimpleConnection;
use jeton_coherence::verifiers;

/// A verifier that has died: whoever revokes waits for its lease, and takes it off the list.
const DEAD: &str = "INSERT INTO verifiers (id, name, lease_ms) VALUES (gen_random_uuid(), 'dead', 100)";

fn waits(jeton: &Jeton, args: &str, input: &str) {
    let connection = &mut jeton.connect();
    connection.batch_execute(DEAD).unwrap();
    jeton.run_with_input(args, input).ok();
    assert_eq!(verifiers::list(connection).unwrap().len(), 0, "{args}");
}

#[test]
fn every_command_that_takes_something_away_waits() {
    let jeton = Jeton::new().with_user("ada");
    for _ in 0..2 {
        jeton.token("ada --name backup");
    }
    let listed = jeton.run("token list ada --json").json();
    let id = listed["tokens"][0]["id"].as_str().unwrap().to_owned();
    waits(&jeton, &format!("token revoke {id}"), "");
    waits(&jeton, "user set-scopes ada notes:read", "");
    waits(&jeton, "user rename ada Ada", "");
    waits(&jeton, "user disable ada", "");
    jeton.run("user enable ada").ok();
    waits(&jeton, "user set-password ada", PASSWORD);
    jeton.token("ada --name another");
    waits(&jeton, "user delete ada --yes", "");
}

#[test]
fn every_command_that_takes_something_from_a_client_waits() {
    let jeton = Jeton::new();
    jeton
        .run("client create app --redirect-uri https://a.example/cb --scope notes:read")
        .ok();
    waits(&jeton, "client set-scopes app --no-scopes", "");
    waits(&jeton, "client disable app", "");
    waits(&jeton, "client enable app", "");
    waits(&jeton, "client delete app --yes", "");
    let connection = &mut jeton.connect();
    connection.batch_execute(DEAD).unwrap();
    // Gone by an attempt before, perhaps, whose end nobody has seen.
    connection
        .batch_execute("INSERT INTO clients (id, name, redirect_uris, scopes, grant_types) VALUES (gen_random_uuid(), 'x', '{}', '{}', '{}'); DELETE FROM clients")
        .unwrap();
    assert!(jeton.run("client delete app --yes").error().contains("no client"));
    assert_eq!(verifiers::list(connection).unwrap().len(), 0);
}

/// The first attempt may have been interrupted after it was done: the second must not say that all is well before it is.
#[test]
fn a_command_that_finds_nothing_left_to_do_waits_for_verifiers() {
    let jeton = Jeton::new().with_user("ada");
    let done = |undone: &str| {
        jeton.token("ada --name one");
        jeton.connect().batch_execute(DEAD).unwrap();
        jeton.connect().batch_execute(undone).unwrap();
    };
    let rows = || verifiers::list(&mut jeton.connect()).unwrap().len();

    done("DELETE FROM tokens");
    let gone = "token revoke 0198c5a5-0000-7000-8000-000000000000";
    assert!(jeton.run(gone).error().contains("no token"));
    assert_eq!(rows(), 0);

    done("UPDATE users SET scopes = '{}'");
    jeton.run("user set-scopes ada --no-scopes").ok();
    assert_eq!(rows(), 0);

    done("UPDATE users SET username = 'Ada'");
    jeton.run("user rename ada Ada").ok();
    assert_eq!(rows(), 0);

    jeton.run("user set-scopes ada notes:read").ok();
    done("UPDATE users SET disabled_at = now()");
    jeton.run("user disable ada").ok();
    assert_eq!(rows(), 0);

    jeton.run("user enable ada").ok();
    done("DELETE FROM users");
    assert!(jeton.run("user delete ada --yes").error().contains("no user"));
    assert_eq!(rows(), 0);
}
