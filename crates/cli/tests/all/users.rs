use crate::jeton::{Jeton, PASSWORD};
use jeton_domain::Password;
use serde_json::Value;

const OTHER_PASSWORD: &str = "a quite different sentence";

fn signs_in(jeton: &Jeton, name: &str, password: &str) -> bool {
    let hash = jeton.find_user(name).unwrap().password_hash.unwrap();
    hash.check(&Password::new(password.to_owned()), 0).is_right
}

fn scopes(jeton: &Jeton, name: &str) -> String {
    jeton.find_user(name).unwrap().user.scopes.to_string()
}

#[test]
fn create_takes_the_password_from_standard_input() {
    let jeton = Jeton::new();
    for (name, input) in [
        ("Ada", PASSWORD.to_owned()),
        ("grace", format!("{PASSWORD}\n")),
        ("joan", format!("{PASSWORD}\r\nand more\n")),
    ] {
        let said = jeton
            .run_with_input(&format!("user create {name} --email {name}@example.org"), &input)
            .ok();
        let created = jeton.find_user(name).unwrap().user;
        assert_eq!(
            said,
            format!(
                "created user {name} with id {} and scopes: notes:read notes:write\n",
                created.id
            )
        );
        assert_eq!(created.email.unwrap().as_str(), format!("{name}@example.org"));
        assert!(signs_in(&jeton, name, PASSWORD));
    }
}

#[test]
fn create_refuses_a_password_with_a_reason() {
    let jeton = Jeton::new();
    for (password, reason) in [
        ("letmein1", "the password is too easy to guess. "),
        ("grace.hopper", "the password is too easy to guess. "),
        ("short", "the password must be 8 to 1024 characters long"),
        ("\n", "the password must be 8 to 1024 characters long"),
        ("", "no password: standard input is empty, and not a terminal"),
    ] {
        let error = jeton.run_with_input("user create grace.hopper", password).error();
        assert!(error.starts_with(reason), "{error}");
        assert!(password.len() < 2 || !error.contains(password));
        assert!(jeton.find_user("grace.hopper").is_none());
    }
}

#[test]
fn create_refuses_a_taken_name_in_any_case() {
    let jeton = Jeton::new().with_user("ada");
    for args in ["user create ADA", "user create Ada --service"] {
        let error = jeton.run_with_input(args, OTHER_PASSWORD).error();
        assert!(
            error.to_lowercase().contains(r#"the name "ada" is taken"#),
            "{error}"
        );
    }
    assert!(signs_in(&jeton, "ada", PASSWORD));
}

#[test]
fn creating_one_name_at_once_creates_it_once() {
    let jeton = Jeton::new();
    let running: Vec<_> = (0..6)
        .map(|_| jeton.command("user create backup --service").spawn().unwrap())
        .collect();
    let created = running
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .filter(|output| {
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() || stderr == "error: the name \"backup\" is taken\n");
            output.status.success()
        })
        .count();
    assert_eq!(created, 1);
}

#[test]
fn scopes_come_from_the_flags_else_from_the_setting() {
    let jeton = Jeton::new();
    let mut create = jeton.command("user create by-setting --service");
    create.env("JETON_DEFAULT_SCOPES", "b:write a:read");
    crate::jeton::run(create, "").ok();
    assert_eq!(scopes(&jeton, "by-setting"), "a:read b:write");

    jeton
        .run("user create by-flags --service --scope x:read --scope y:read")
        .ok();
    assert_eq!(scopes(&jeton, "by-flags"), "x:read y:read");

    jeton.run("user create none --service --no-scopes").ok();
    assert_eq!(scopes(&jeton, "none"), "");

    let mut create = jeton.command("user create by-nothing --service");
    create.env_remove("JETON_DEFAULT_SCOPES");
    crate::jeton::run(create, "").ok();
    assert_eq!(scopes(&jeton, "by-nothing"), "");
}

#[test]
fn a_service_account_has_no_password_and_is_given_none_by_mistake() {
    let jeton = Jeton::new();
    let said = jeton
        .run_with_input("user create backup --service", PASSWORD)
        .ok();
    assert!(said.starts_with("created service account backup "), "{said}");
    let token = jeton.token("backup --name nightly");

    let error = jeton.run_with_input("user set-password backup", PASSWORD).error();
    assert!(
        error.contains("is a service account") && error.contains("--allow-sign-in"),
        "{error}"
    );
    assert!(jeton.find_user("backup").unwrap().password_hash.is_none());
    assert!(jeton.find_valid(&token).is_some());

    jeton
        .run_with_input("user set-password backup --allow-sign-in", PASSWORD)
        .ok();
    assert!(signs_in(&jeton, "backup", PASSWORD));
}

#[test]
fn list_tells_all_users_newest_first() {
    let jeton = Jeton::new().with_user("ada");
    jeton
        .run("user create backup --service --no-scopes --email ops@example.org")
        .ok();
    jeton.run("user disable ada").ok();

    let document = jeton.run("user list --json").json();
    let users = document["users"].as_array().unwrap();
    let names: Vec<&Value> = users.iter().map(|user| &user["username"]).collect();
    assert_eq!(names, ["backup", "ada"]);
    assert_eq!(users[0]["email"], "ops@example.org");
    assert_eq!(
        (&users[0]["service"], &users[1]["service"]),
        (&Value::Bool(true), &Value::Bool(false))
    );
    assert_eq!(users[0]["scopes"], serde_json::json!([]));
    assert_eq!(users[0]["disabled_at"], Value::Null);
    assert!(users[1]["disabled_at"].as_str().unwrap().ends_with('Z'));
    assert!(users[1]["created_at"].as_str().unwrap().ends_with('Z'));

    let text = jeton.run("user list").ok();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0][..4], ["USERNAME", "KIND", "STATE", "SCOPES"]);
    assert_eq!(
        rows[1][..5],
        ["backup", "service", "enabled", "none", "ops@example.org"]
    );
    assert_eq!(
        rows[2][..5],
        ["ada", "person", "disabled", "notes:read", "notes:write"]
    );
}

#[test]
fn list_of_some() {
    let jeton = Jeton::new().with_user("ada").with_user("Adam").with_user("bob");
    jeton.run("user create backup --service --no-scopes").ok();
    jeton.run("user disable adam").ok();
    for (filter, found) in [
        ("--prefix AD", "Adam ada"),
        ("--prefix b --service", "backup"),
        ("--disabled", "Adam"),
        ("--disabled --service", ""),
    ] {
        let users = jeton.run(&format!("user list --json {filter}")).json();
        let users = users["users"].as_array().unwrap();
        let names: Vec<_> = users
            .iter()
            .filter_map(|user| user["username"].as_str())
            .collect();
        assert_eq!(names.join(" "), found, "{filter}");
    }
}

#[test]
fn list_of_nobody_and_of_more_than_a_page() {
    use diesel::connection::SimpleConnection;
    let jeton = Jeton::new();
    assert_eq!(
        jeton.run("user list --json").json(),
        serde_json::json!({ "users": [] })
    );
    assert_eq!(jeton.run("user list").ok().lines().count(), 1);

    for (more, in_all) in [(500, 500), (501, 1001)] {
        let fill = format!(
            "INSERT INTO users (id, username, username_key, scopes)
             SELECT gen_random_uuid(), 'user' || n, 'user' || n, '{{}}'
             FROM generate_series((SELECT count(*) FROM users) + 1, (SELECT count(*) FROM users) + {more}) n"
        );
        jeton.connect().batch_execute(&fill).unwrap();
        let document = jeton.run("user list --json").json();
        let users = document["users"].as_array().unwrap();
        let names: std::collections::HashSet<_> =
            users.iter().map(|user| user["username"].as_str()).collect();
        assert_eq!((users.len(), names.len()), (in_all, in_all));
        assert_eq!(jeton.run("user list").ok().lines().count(), in_all + 1);
    }
}

#[test]
fn disable_and_enable() {
    let jeton = Jeton::new().with_user("ada");
    let token = jeton.token("ada --name laptop");
    for _ in 0..2 {
        assert_eq!(jeton.run("user disable ADA").ok(), "disabled ada\n");
        assert!(jeton.find_valid(&token).is_none());
    }
    for _ in 0..2 {
        assert_eq!(jeton.run("user enable ada").ok(), "enabled ada\n");
        assert!(jeton.find_valid(&token).is_some());
    }
}

#[test]
fn unblock_forgets_failures() {
    use jeton_domain::{Actor, AuditContext, Username};
    use jeton_persistence::rate_limit::{Account, Limits, Outcome, Verdict, begin, end};
    let jeton = Jeton::new().with_user("ada");
    let stranger = AuditContext {
        actor: Actor::Anonymous,
        address: Some("203.0.113.9".parse().unwrap()),
        request_id: None,
    };
    let attempt = || {
        let account = Account::Named(Username::parse("ada").unwrap().key().clone());
        let limits = Limits {
            account: 4,
            network: 100,
        };
        let connection = &mut jeton.connect();
        let Verdict::Go(attempt) = begin(connection, &stranger, &account, limits).unwrap() else {
            return false;
        };
        end(connection, &stranger, &attempt, limits, Outcome::Failed, None).unwrap();
        true
    };
    assert!(attempt() && !attempt());
    assert_eq!(jeton.run("user unblock ADA").ok(), "unblocked ada\n");
    assert!(attempt());
}

#[test]
fn set_scopes_replaces_them() {
    let jeton = Jeton::new().with_user("ada");
    let token = jeton.token("ada --name laptop");
    assert_eq!(
        jeton.run("user set-scopes ada notes:read logs:read").ok(),
        "ada now has the scopes: logs:read notes:read\n"
    );
    assert_eq!(scopes(&jeton, "ada"), "logs:read notes:read");
    assert_eq!(jeton.find_valid(&token).unwrap().scopes.to_string(), "notes:read");

    // Forgetting them must not be the way to take all of them.
    assert_eq!(jeton.run("user set-scopes ada").status, 2);
    assert_eq!(jeton.run("user set-scopes ada notes:read --no-scopes").status, 2);
    assert_eq!(scopes(&jeton, "ada"), "logs:read notes:read");

    assert_eq!(
        jeton.run("user set-scopes ada --no-scopes").ok(),
        "ada now has the scopes: none\n"
    );
    assert_eq!(scopes(&jeton, "ada"), "");
}

#[test]
fn set_password_revokes_all_tokens() {
    let jeton = Jeton::new().with_user("ada").with_user("grace");
    let (hers, theirs) = (
        jeton.token("ada --name laptop"),
        jeton.token("grace --name laptop"),
    );

    let error = jeton.run_with_input("user set-password ada", "password1").error();
    assert!(error.starts_with("the password is too easy to guess"), "{error}");
    assert!(signs_in(&jeton, "ada", PASSWORD) && jeton.find_valid(&hers).is_some());

    assert_eq!(
        jeton.run_with_input("user set-password ada", OTHER_PASSWORD).ok(),
        "set the password of ada and revoked all tokens\n"
    );
    assert!(signs_in(&jeton, "ada", OTHER_PASSWORD) && !signs_in(&jeton, "ada", PASSWORD));
    assert!(jeton.find_valid(&hers).is_none());
    assert!(jeton.find_valid(&theirs).is_some());
}

#[test]
fn delete_wants_to_be_told_twice() {
    let jeton = Jeton::new().with_user("ada");
    let token = jeton.token("ada --name laptop");

    let refused = jeton.run_with_input("user delete ada", "y\n");
    assert_eq!(refused.status, 2);
    assert!(refused.error_line().contains("--yes"));
    assert!(jeton.find_valid(&token).is_some());

    assert_eq!(jeton.run("user delete ada --yes").ok(), "deleted ada\n");
    assert!(jeton.find_user("ada").is_none());
    assert!(jeton.find_valid(&token).is_none());
}

#[test]
fn nobody_of_that_name() {
    let jeton = Jeton::new();
    for args in [
        "user disable ada",
        "user enable ada",
        "user unblock ada",
        "user rename ada grace",
        "user set-email ada ada@example.org",
        "user set-scopes ada notes:read",
        "user set-password ada",
        "user delete ada --yes",
        "token create ada --name laptop",
        "token list ada",
    ] {
        assert_eq!(
            jeton.run_with_input(args, PASSWORD).error(),
            r#"no user named "ada""#,
            "{args}"
        );
    }
}

#[test]
fn an_admin_is_made_by_a_flag_and_by_no_setting() {
    let jeton = Jeton::new();
    jeton.run_with_input("user create ada --admin", PASSWORD).ok();
    assert_eq!(scopes(&jeton, "ada"), "admin notes:read notes:write");
    jeton
        .run("user create deployer --service --admin --no-scopes")
        .ok();
    assert_eq!(scopes(&jeton, "deployer"), "admin");

    let mut by_setting = jeton.command("user create eve --service");
    by_setting.env("JETON_DEFAULT_SCOPES", "notes:read admin");
    let refused = crate::jeton::run(by_setting, "");
    assert_eq!(refused.status, 2);
    assert!(refused.stderr.contains("--admin"), "{}", refused.stderr);
    assert!(jeton.find_user("eve").is_none());
}

#[test]
fn the_last_admin_stays() {
    let jeton = Jeton::new();
    jeton.run_with_input("user create ada --admin", PASSWORD).ok();
    jeton.run("user create deployer --service --admin").ok();
    for act in [
        "user disable ada",
        "user delete ada --yes",
        "user set-scopes ada notes:read",
    ] {
        let error = jeton.run(act).error();
        assert!(
            error.contains("nobody else who can sign in has the scope admin"),
            "{act}: {error}"
        );
    }
    assert!(signs_in(&jeton, "ada", PASSWORD));
    jeton.run_with_input("user create grace --admin", PASSWORD).ok();
    jeton.run("user delete ada --yes").ok();
}

/// Anybody may sign up by a name that reads as the id of somebody else.
#[test]
fn an_id_that_is_also_somebodys_name_means_neither_until_it_is_said_which() {
    let jeton = Jeton::new().with_user("ada");
    let ada = jeton.find_user("ada").unwrap().user.id.to_string();
    jeton.run(&format!("user disable {ada}")).ok();
    jeton.run(&format!("user enable {ada}")).ok();
    let jeton = jeton.with_user(&ada);
    let other = jeton.find_user(&ada).unwrap().user.id.to_string();
    let said = format!(
        "{ada} is the id of the user ada, and the name of the user with the id {other}; say urn:uuid:{ada} or urn:uuid:{other}"
    );
    for act in [
        "user disable {}",
        "user delete {} --yes",
        "user rename {} eve",
        "token list {}",
        "token revoke --all-of {}",
        "audit --user {}",
    ] {
        assert_eq!(jeton.run(&act.replace("{}", &ada)).error(), said, "{act}");
    }
    assert_eq!(
        jeton.run(&format!("user disable urn:uuid:{other}")).ok(),
        format!("disabled {ada}\n")
    );
    assert_eq!(
        jeton.run(&format!("user disable {other}")).ok(),
        format!("disabled {ada}\n")
    );
    assert_eq!(
        jeton.run(&format!("user delete urn:uuid:{ada} --yes")).ok(),
        "deleted ada\n"
    );
    // Who is left is found by the name; of who is gone, only the audit log knows.
    assert_eq!(
        jeton.run(&format!("user enable {ada}")).ok(),
        format!("enabled {ada}\n")
    );
    let events = jeton.run(&format!("audit --user {ada}"));
    assert_eq!(events.error(), said.replace("the user ada", "a user who is gone"));
    let events = jeton
        .run(&format!(
            "audit --json --user urn:uuid:{ada} --action user-deleted"
        ))
        .json();
    assert_eq!(events["events"].as_array().unwrap().len(), 1);
}
