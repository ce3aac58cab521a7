//! Another name, another e-mail address.

use crate::jeton::{Jeton, PASSWORD};
use jeton_proof_support::{count, execute, text};

fn email(jeton: &Jeton, name: &str) -> Option<String> {
    let user = jeton.find_user(name).unwrap().user;
    user.email.map(|email| email.as_str().to_owned())
}

#[test]
fn rename_keeps_everything_but_the_name() {
    let jeton = Jeton::new().with_user("ada").with_user("grace");
    let token = jeton.token("ada --name laptop");
    let id = jeton.find_user("ada").unwrap().user.id;
    for (who, name, said) in [
        ("ADA".to_owned(), "countess", "renamed ada to countess\n"),
        // In another case, it is still the same name.
        (
            "countess".to_owned(),
            "Countess",
            "renamed countess to Countess\n",
        ),
        // Twice is as good as once.
        (
            "countess".to_owned(),
            "Countess",
            "renamed Countess to Countess\n",
        ),
        (id.to_string(), "lovelace", "renamed Countess to lovelace\n"),
    ] {
        assert_eq!(jeton.run(&format!("user rename {who} {name}")).ok(), said);
        assert_eq!(jeton.find_user(name).unwrap().user.id, id);
    }
    assert_eq!(jeton.find_valid(&token).unwrap().username, "lovelace");
    assert!(jeton.find_user("ada").is_none());
    // The old name is anybody's.
    jeton.run_with_input("user create ada", PASSWORD).ok();

    let events = jeton
        .run(&format!("audit --json --user {id} --action user-renamed"))
        .json();
    let events = events["events"].as_array().unwrap();
    assert_eq!(events.len(), 3);
    assert_eq!(
        events[0]["detail"],
        serde_json::json!({ "from": "Countess", "to": "lovelace" })
    );
}

#[test]
fn rename_refuses_a_name_that_is_somebody_elses_or_none() {
    let jeton = Jeton::new().with_user("ada").with_user("grace");
    assert_eq!(
        jeton.run("user rename ada GRACE").error(),
        "somebody else has this name"
    );
    assert_eq!(jeton.run("user rename ada a/b").status, 2);
    assert_eq!(jeton.run("user rename ada").status, 2);
    assert_eq!(
        jeton.run("user rename bob robert").error(),
        r#"no user named "bob""#
    );
    let nobody = "01a20a08-0000-7000-8000-000000000001";
    assert_eq!(
        jeton.run(&format!("user rename {nobody} robert")).error(),
        format!("no user with the id {nobody}")
    );
    assert!(jeton.find_user("ada").is_some() && jeton.find_user("grace").is_some());
}

/// Networks that the account is known from stay known, and whoever has the old name next begins anew.
#[test]
fn rename_takes_along_what_is_known_of_failed_sign_ins() {
    let jeton = Jeton::new().with_user("ada");
    let attempts = |name: &str| {
        let digest = format!("sha256(convert_to('{name}', 'UTF8'))");
        count(
            &mut jeton.connect(),
            &format!("account_attempts WHERE account = {digest} AND failures = 7"),
        )
    };
    execute(
        &mut jeton.connect(),
        "INSERT INTO account_attempts (account, network, failures, blocked_until, last_at) VALUES
            (sha256('ada'), '0.0.0.0/0', 7, now(), now()), (sha256('ada'), '203.0.113.9', 7, now(), now()),
            (sha256('countess'), '0.0.0.0/0', 3, now() + interval '1 day', now())",
    );
    jeton.run("user rename ada countess").ok();
    assert_eq!((attempts("ada"), attempts("countess")), (0, 2));
    // What was tried at the new name goes on to count.
    let blocked = "SELECT max(blocked_until) > now() FROM account_attempts WHERE network = '0.0.0.0/0'";
    assert_eq!(text(&mut jeton.connect(), blocked), "true");
}

#[test]
fn set_email_sets_and_removes_it() {
    let jeton = Jeton::new().with_user("ada");
    assert_eq!(
        jeton.run("user set-email ADA ada@example.org").ok(),
        "ada now has the e-mail address: ada@example.org\n"
    );
    assert_eq!(email(&jeton, "ada").as_deref(), Some("ada@example.org"));
    let id = jeton.find_user("ada").unwrap().user.id;
    // Forgetting it must not be the way to remove it.
    assert_eq!(jeton.run("user set-email ada").status, 2);
    assert_eq!(jeton.run("user set-email ada nobody").status, 2);
    assert_eq!(jeton.run("user set-email ada a@b --no-email").status, 2);
    assert_eq!(
        jeton.run(&format!("user set-email {id} --no-email")).ok(),
        "ada now has the e-mail address: none\n"
    );
    assert_eq!(email(&jeton, "ada"), None);
    jeton.run("user set-email ada --no-email").ok();
    let events = jeton.run("audit --json --action email-changed").json();
    let events = events["events"].as_array().unwrap();
    // An address outlives nobody: it is not written down.
    assert_eq!(events.len(), 2);
    assert!(
        events
            .iter()
            .all(|event| event["detail"] == serde_json::json!({}))
    );
}

/// Whoever has a name that is another's id is not that one.
#[test]
fn users_are_named_by_id_everywhere() {
    let jeton = Jeton::new().with_user("ada");
    let id = jeton.find_user("ada").unwrap().user.id.to_string();
    for args in ["user disable", "user enable", "user unblock", "token list"] {
        jeton.run(&format!("{args} {id}")).ok();
    }
    jeton.run(&format!("user set-scopes {id} notes:read")).ok();
    jeton.token(&format!("{id} --name laptop"));
    assert_eq!(
        jeton.run(&format!("token revoke --all-of {id}")).ok(),
        "revoked 1 of ada\n"
    );
    assert_eq!(
        jeton.run(&format!("user delete {id} --yes")).ok(),
        "deleted ada\n"
    );
    // Of nobody any more, it may be the name of somebody.
    jeton.run(&format!("user create {id} --service")).ok();
    assert_eq!(
        jeton.run(&format!("user delete {id} --yes")).ok(),
        format!("deleted {id}\n")
    );
}
