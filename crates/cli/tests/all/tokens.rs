use crate::jeton::Jeton;
use jeton_domain::TokenKind;
use serde_json::Value;

#[test]
fn create_prints_the_token_and_nothing_else() {
    let jeton = Jeton::new().with_user("ada");
    let created = jeton.run("token create ada --name laptop --expires-in 90d");
    let token = created.stdout.strip_suffix('\n').unwrap().to_owned();
    assert!(token.starts_with("jtn_") && token.len() == 42, "{token}");
    assert!(!created.stderr.contains(&token));

    let found = jeton.find_valid(&token).unwrap();
    assert_eq!(
        (found.kind, found.username.as_str()),
        (TokenKind::Personal, "ada")
    );
    assert_eq!(found.scopes.to_string(), "notes:read notes:write");
    assert!(found.remaining.unwrap().as_secs().div_ceil(86_400) == 90);
    assert!(created.stderr.contains(&found.token_id.to_string()));
    assert!(
        created.stderr.ends_with("shown this once\n"),
        "{}",
        created.stderr
    );
}

#[test]
fn how_long_it_lives() {
    let jeton = Jeton::new().with_user("ada");
    let days = |token: &str| {
        let remaining = jeton.find_valid(token).unwrap().remaining;
        remaining.map(|remaining| remaining.as_secs().div_ceil(86_400))
    };
    assert_eq!(days(&jeton.token("ada --name default")), Some(30));
    assert_eq!(days(&jeton.token("ada --name never --expires-in never")), None);
    assert_eq!(
        jeton.run("token create ada --name bad --expires-in soon").status,
        2
    );

    let mut by_setting = jeton.command("token create ada --name setting");
    by_setting.env("JETON_TOKEN_TTL", "never");
    let stdout = crate::jeton::run(by_setting, "").ok();
    assert_eq!(days(stdout.trim_end()), None);
}

#[test]
fn scopes_are_a_part_of_the_users() {
    let jeton = Jeton::new().with_user("ada");
    let scopes = |token: &str| jeton.find_valid(token).unwrap().scopes.to_string();
    assert_eq!(
        scopes(&jeton.token("ada --name reader --scope notes:read")),
        "notes:read"
    );
    assert_eq!(scopes(&jeton.token("ada --name bare --no-scopes")), "");

    let error = jeton
        .run("token create ada --name admin --scope admin --scope notes:read")
        .error();
    assert_eq!(error, r#""ada" does not hold admin, but: notes:read notes:write"#);
    // Nothing said is all that the user holds now, not for good.
    let all = jeton.token("ada --name all");
    jeton.run("user set-scopes ada notes:read notes:write admin").ok();
    assert_eq!(scopes(&all), "notes:read notes:write");
}

#[test]
fn a_disabled_user_gets_none() {
    let jeton = Jeton::new().with_user("ada");
    jeton.run("user disable ada").ok();
    assert_eq!(
        jeton.run("token create ada --name laptop").error(),
        r#""ada" is disabled, and gets no tokens"#
    );
}

#[test]
fn list_tells_what_is_valid_newest_first() {
    let jeton = Jeton::new().with_user("ada").with_user("grace");
    jeton.token("ada --name first --expires-in never");
    jeton.token("ada --name second --scope notes:read");
    jeton.token("grace --name hers");

    let document = jeton.run("token list ADA --json").json();
    let tokens = document["tokens"].as_array().unwrap();
    let names: Vec<&Value> = tokens.iter().map(|token| &token["name"]).collect();
    assert_eq!(names, ["second", "first"]);
    assert_eq!(tokens[0]["kind"], "personal");
    assert_eq!(tokens[0]["scopes"], serde_json::json!(["notes:read"]));
    assert!(tokens[0]["expires_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(tokens[1]["expires_at"], Value::Null);

    let text = jeton.run("token list ada").ok();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("ID "));
    assert!(
        lines[1].contains("second") && lines[1].ends_with("Z  -"),
        "{text}"
    );
    assert!(
        lines[2].contains("first") && lines[2].contains("  never "),
        "{text}"
    );
}

#[test]
fn revoke_by_id() {
    let jeton = Jeton::new().with_user("ada");
    let (token, other) = (jeton.token("ada --name one"), jeton.token("ada --name two"));
    let id = jeton.find_valid(&token).unwrap().token_id;

    let revoke = format!("token revoke {id}");
    assert_eq!(jeton.run(&revoke).ok(), format!("revoked {id}\n"));
    assert!(jeton.find_valid(&token).is_none());
    assert!(jeton.find_valid(&other).is_some());
    assert_eq!(jeton.run(&revoke).error(), format!("no token with the id {id}"));
}

#[test]
fn revoke_all_of_a_user() {
    let jeton = Jeton::new().with_user("ada").with_user("bob");
    let tokens = ["ada --name one", "ada --name two", "bob --name one"].map(|token| jeton.token(token));
    assert_eq!(jeton.run("token revoke --all-of ADA").ok(), "revoked 2 of ada\n");
    assert_eq!(
        tokens.map(|token| jeton.find_valid(&token).is_some()),
        [false, false, true]
    );
    assert_eq!(jeton.run("token revoke --all-of ada").ok(), "revoked 0 of ada\n");
    jeton.run("token revoke --all-of eve").error();
    for unclear in [
        "token revoke",
        "token revoke 0198c5a5-0000-7000-8000-000000000000 --all-of ada",
    ] {
        assert_eq!(jeton.run(unclear).status, 2, "{unclear}");
    }
}

#[test]
fn a_token_in_place_of_its_id_is_not_repeated() {
    let jeton = Jeton::new().with_user("ada");
    let token = jeton.token("ada --name one");
    let refused = jeton.run(&format!("token revoke {token}"));
    assert_eq!(refused.status, 2);
    assert_eq!(
        refused.error_line(),
        "not the id of a token; `jeton token list USERNAME` shows ids"
    );
    assert!(jeton.find_valid(&token).is_some());
}
