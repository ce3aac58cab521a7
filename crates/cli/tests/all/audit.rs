use crate::jeton::{Jeton, PASSWORD};
use diesel::connection::SimpleConnection;
use serde_json::Value;

fn events(jeton: &Jeton, args: &str) -> Vec<Value> {
    let document = jeton.run(&format!("audit --json {args}")).json();
    document["events"].as_array().unwrap().clone()
}

fn actions(jeton: &Jeton, args: &str) -> Vec<String> {
    let action = |event: &Value| event["action"].as_str().unwrap().to_owned();
    events(jeton, args).iter().map(action).collect()
}

/// Every command that changes something, one after the other.
fn busy() -> Jeton {
    let jeton = Jeton::new().with_user("Ada").with_user("bob");
    jeton.token("ada --name laptop");
    let listed = jeton.run("token list ada --json").json();
    let id = listed["tokens"][0]["id"].as_str().unwrap().to_owned();
    jeton.run(&format!("token revoke {id}")).ok();
    jeton.run("user set-scopes ada notes:read").ok();
    jeton.run_with_input("user set-password ada", PASSWORD).ok();
    jeton.run("user disable ada").ok();
    jeton.run("user enable ada").ok();
    jeton.run("user delete ada --yes").ok();
    jeton
}

const ADAS: [&str; 8] = [
    "user-deleted",
    "user-enabled",
    "user-disabled",
    "password-set",
    "scopes-changed",
    "token-revoked",
    "token-issued",
    "user-created",
];

#[test]
fn acts_of_the_operator_are_written_down() {
    let jeton = busy();
    // By the name of one who is gone; in between, Bob was created.
    let hers = events(&jeton, "--user Ada");
    let of: Vec<&Value> = hers.iter().map(|event| &event["action"]).collect();
    assert_eq!(of, ADAS);
    for event in &hers {
        assert_eq!(event["actor_label"], "cli");
        assert_eq!(event["subject_username"], "Ada");
        assert_eq!(
            (&event["actor_id"], &event["address"]),
            (&Value::Null, &Value::Null)
        );
        assert!(event["at"].as_str().unwrap().ends_with('Z'));
    }
    let id = hers[0]["subject_id"].as_str().unwrap();
    assert_eq!(actions(&jeton, &format!("--user {id}")), ADAS);
    assert_eq!(actions(&jeton, "").len(), 9);
    assert_eq!(actions(&jeton, "--user BOB"), ["user-created"]);
    assert_eq!(actions(&jeton, "--by bob"), [""; 0]);
    assert_eq!(
        actions(&jeton, "--action user-created --user Ada"),
        ["user-created"]
    );
    assert_eq!(actions(&jeton, "--since 1h").len(), 9);
    assert_eq!(actions(&jeton, "--until 1h"), [""; 0]);
    assert_eq!(actions(&jeton, "--since 2020-01-01T00:00:00Z").len(), 9);
}

#[test]
fn pages_follow_each_other() {
    let jeton = busy();
    let first = jeton.run("audit --user Ada --limit 5 --json").json();
    let next = first["next"].as_str().unwrap().to_owned();
    let second = jeton
        .run(&format!("audit --user Ada --json --limit 3 --after {next}"))
        .json();
    assert_eq!(second["next"], Value::Null);
    let of = |page: &Value| -> Vec<String> {
        let events = page["events"].as_array().unwrap().clone();
        events
            .iter()
            .map(|event| event["action"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!([of(&first), of(&second)].concat(), ADAS);
}

#[test]
fn people_read_a_table() {
    let jeton = busy();
    let listed = jeton.run("audit --limit 2");
    let lines: Vec<Vec<&str>> = listed
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[0],
        ["AT", "ACTION", "BY", "USER", "ADDRESS", "TOKEN", "DETAIL"]
    );
    assert_eq!(lines[1][1..], ["user-deleted", "cli", "Ada", "-", "-", "{}"]);
    assert_eq!(lines.len(), 3);
    assert!(
        listed.stderr.starts_with("there are more: --after "),
        "{listed:?}"
    );
}

#[test]
fn a_filter_that_is_no_user_action_time_or_place_is_refused() {
    let jeton = Jeton::new();
    assert_eq!(jeton.run("audit --user ada").error(), r#"no user named "ada""#);
    for bad in [
        "--action sign",
        "--since yesterday",
        "--after sesame",
        "--limit 0",
    ] {
        assert_eq!(jeton.run(&format!("audit {bad}")).status, 2, "{bad}");
    }
}

/// A newer version may write what this one does not know.
#[test]
fn an_unknown_action_is_listed_as_it_is() {
    let jeton = Jeton::new();
    let later = "INSERT INTO audit_events (id, action, actor_label) VALUES (gen_random_uuid(), 'moon-landed', 'nasa')";
    jeton.connect().batch_execute(later).unwrap();
    assert_eq!(actions(&jeton, ""), ["moon-landed"]);
}
