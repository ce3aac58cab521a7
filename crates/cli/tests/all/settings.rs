use crate::jeton::{Jeton, command, run};

#[test]
fn no_database_is_named() {
    for args in ["migrate", "user list", "token list ada", "verifier list"] {
        assert_eq!(
            run(command(args), "").error(),
            "DATABASE_URL is not set, nor is DATABASE_URL_FILE"
        );
    }
}

#[test]
fn a_database_out_of_reach_is_one_line() {
    for args in ["migrate", "migrate --check", "user list", "user create ada"] {
        let mut command = command(args);
        // Nothing listens on port 1.
        command.env("DATABASE_URL", "postgres://jeton:s3cret-word@127.0.0.1:1/jeton");
        let error = run(command, "correct horse battery staple").error();
        assert!(error.starts_with("the database is unavailable: "), "{error}");
        assert!(!error.contains("s3cret-word"), "{error}");
    }
}

#[test]
fn an_address_that_cannot_be_used_is_not_repeated() {
    for url in [
        "mysql://jeton:s3cret-word@localhost/jeton",
        "postgres://jeton:s3cret-word@db.example.org/jeton",
    ] {
        let mut command = command("user list");
        command.env("DATABASE_URL", url);
        let error = run(command, "").error();
        assert!(error.starts_with("DATABASE_URL: "), "{error}");
        assert!(!error.contains("s3cret-word"), "{error}");
    }
}

#[test]
fn the_address_may_be_a_flag() {
    let jeton = Jeton::new();
    let args = format!("user list --database-url {}", jeton.0.url());
    run(command(&args), "").ok();
}

#[test]
fn usage_errors_end_with_2_and_say_how() {
    for args in [
        "",
        "user",
        "user create",
        "user create a/b",
        "user create ada --scope a\\b",
        "user create ada --bcrypt-cost 99",
        "token create ada",
        "token create ada --name x --scope y --no-scopes",
        "role create",
        "role create Shop",
        "migrate --now",
        "healthcheck --timeout 0s",
        "healthcheck --url nowhere",
    ] {
        let outcome = run(command(args), "");
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{args}");
        assert!(
            outcome.stderr.contains("--help") || outcome.stderr.contains("Usage:"),
            "{outcome:?}"
        );
    }
}

#[test]
fn help_goes_to_standard_output_and_tells_no_secret() {
    for args in [
        "--help",
        "user create --help",
        "token create --help",
        "migrate --help",
        "role create --help",
    ] {
        let mut command = command(args);
        command.env("DATABASE_URL", "postgres://jeton:s3cret-word@localhost/jeton");
        let stdout = run(command, "").ok();
        assert!(stdout.contains("Usage: jeton") && !stdout.contains("s3cret-word"));
    }
}
