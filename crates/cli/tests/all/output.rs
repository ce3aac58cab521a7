use crate::jeton::{Jeton, PASSWORD};
use diesel::connection::SimpleConnection;
use jeton_proof_support::execute;
use std::process::{Output, Stdio};

/// Runs a command whose standard output nobody reads.
fn unread(jeton: &Jeton, args: &str) -> Output {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = jeton.command(args);
    command.stdout(writer).stdin(Stdio::null());
    command.output().unwrap()
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let jeton = Jeton::new().with_user("ada");
    for args in ["user list", "user list --json", "token list ada", "migrate"] {
        let output = unread(&jeton, args);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args}");
    }
}

/// A name with bidirectional controls reads as another one, and a terminal obeys controls.
#[test]
fn text_of_others_is_shown_printable() {
    let jeton = Jeton::new().with_user("ada");
    let name = "evil\u{202e}fdp.exe";
    jeton.run("token create ada --name nightly").ok();
    // Nobody is given such a name any more, but a row may have one.
    let odd = format!("UPDATE tokens SET name = '{name}' WHERE name = 'nightly'");
    execute(&mut jeton.connect(), &odd);
    let listed = jeton.run("token list ada");
    let document = jeton.run("token list ada --json");
    for output in [&listed.stdout, &document.stdout] {
        assert!(output.contains("evil\\u202efdp.exe"), "{output}");
        assert!(!output.contains('\u{202e}'), "{output}");
    }
    // To a program it is what it was.
    assert_eq!(document.json()["tokens"][0]["name"], name);
}

#[test]
fn check_fails_even_when_nobody_reads_why() {
    let jeton = Jeton(jeton_proof_support::TestDatabase::empty());
    assert_eq!(unread(&jeton, "migrate --check").status.code(), Some(1));
}

/// What comes after the part that was read may be the error.
#[test]
fn a_doctor_whom_nobody_reads_looks_at_everything() {
    let jeton = Jeton::new();
    execute(
        &mut jeton.connect(),
        "INSERT INTO delegable_scopes (name, title, description) VALUES ('two words', 'Odd', '')",
    );
    let output = unread(&jeton, "doctor");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_token_that_nobody_receives_is_revoked() {
    let jeton = Jeton::new().with_user("ada");
    let output = unread(&jeton, "token create ada --name lost");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: nobody reads standard output any more; the token was revoked\n"
    );
    let document = jeton.run("token list ada --json").json();
    assert_eq!(document["tokens"].as_array().unwrap().len(), 0);
}

#[test]
fn a_client_whose_secret_nobody_receives_is_deleted() {
    let jeton = Jeton::new();
    let output = unread(&jeton, "client create lost --confidential --no-scopes");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: nobody reads standard output any more; the client was deleted\n"
    );
    let document = jeton.run("client list --json").json();
    assert_eq!(document["clients"].as_array().unwrap().len(), 0);
}

/// Closed, or open for reading alone: what is written there is not told to anybody.
#[test]
fn no_secret_is_made_where_there_is_nowhere_to_tell_it() {
    let jeton = Jeton::new().with_user("ada");
    jeton.run("client create reports --confidential --no-scopes").ok();
    let rows = "SELECT count(*) || ' ' || (SELECT count(*) || max(encode(secret_digest, 'hex')) FROM clients) AS text FROM tokens";
    let before = text(&jeton, rows);
    for args in [
        "token create ada --name lost",
        "client create lost --confidential --no-scopes",
        "client create lost --confidential --no-scopes --json",
        "client rotate-secret reports",
    ] {
        let program = jeton.command(args);
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", "exec \"$0\" \"$@\" >&-"])
            .arg(program.get_program());
        shell.args(program.get_args()).stdin(Stdio::null());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let output = shell.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.starts_with("error: standard output is closed"),
            "{args}: {said}"
        );
        assert_eq!(text(&jeton, rows), before, "{args}");
    }
    let mut command = jeton.command("token create ada --name lost");
    command.stdout(std::fs::File::open("/dev/zero").unwrap());
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(
        jeton.run("token list ada --json").json()["tokens"],
        serde_json::json!([])
    );
    // Who throws it away has said so.
    let mut command = jeton.command("token create ada --name wanted");
    let output = command
        .stdout(Stdio::null())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn no_output_holds_a_password_or_a_token_it_was_not_asked_for() {
    let jeton = Jeton::new();
    let mut said = String::new();
    let mut run = |args: &str| {
        let outcome = jeton.run_with_input(args, PASSWORD);
        said.push_str(&outcome.stdout);
        said.push_str(&outcome.stderr);
    };
    run("user create ada");
    run("user create ada");
    run("user create backup --service");
    let token = jeton.token("ada --name laptop");
    let digest = "SELECT encode(digest, 'hex') AS text FROM tokens";
    let hash = "SELECT password_hash AS text FROM users WHERE username = 'ada'";
    let kept = [text(&jeton, digest), text(&jeton, hash)];
    for args in [
        "user list",
        "user list --json",
        "token list ada",
        "token list ada --json",
        "token create ada --name admin --scope admin",
        "user set-password backup",
        "user set-scopes ada notes:read",
        "user disable ada",
        "token create ada --name late",
        "user enable ada",
        "user set-password ada",
    ] {
        run(args);
    }
    jeton.connect().batch_execute("DROP TABLE tokens").unwrap();
    run("token list ada");
    run("token create ada --name nowhere");
    run("user delete ada");
    assert!(said.contains(r#"relation "tokens" does not exist"#), "{said}");

    assert!(!said.contains("horse") && !said.contains("jtn_"), "{said}");
    assert!(!said.contains(&token[4..]));
    assert!(
        kept.iter().all(|secret| !said.contains(secret.as_str())),
        "{said}"
    );
}

fn text(jeton: &Jeton, query: &str) -> String {
    use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let row: Row = sql_query(query).get_result(&mut jeton.connect()).unwrap();
    row.text
}
