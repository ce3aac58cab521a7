use crate::support::{PASSWORD, Services, generous, token};
use jeton_client::{ExposeSecret, Session};
use jeton_proof_support::{Outcome, TestDatabase, example, run};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The program on somebody's machine.
struct Machine {
    services: Services,
    directory: TempDir,
    _database: TestDatabase,
}

impl Machine {
    async fn new() -> Self {
        let database = TestDatabase::create();
        let services = Services::start(database.url());
        services.sign_up("ada").await;
        Self {
            services,
            directory: TempDir::new().unwrap(),
            _database: database,
        }
    }

    fn directory(&self) -> PathBuf {
        self.directory.path().join("of/the program")
    }

    fn file(&self) -> PathBuf {
        self.directory().join("token")
    }

    /// With this for what is typed when the password is asked for.
    fn run(&self, typed: &str, args: &[&str]) -> Outcome {
        let mut command = generous(&example("command_line"));
        command
            .envs(self.services.env())
            .args(["--user", "ada", "--token-file"])
            .arg(self.file())
            .args(args);
        run(&mut command, typed)
    }

    fn run_well(&self, typed: &str, args: &[&str]) -> String {
        self.run(typed, args).ok()
    }

    /// A session with the token that is kept.
    fn kept(&self) -> Session {
        let text = fs::read_to_string(self.file()).unwrap();
        self.services.client().session(text.trim_end()).unwrap()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn the_password_is_asked_for_once_and_the_token_is_its_owners_alone() {
    let machine = Machine::new().await;
    machine.run_well(PASSWORD, &["add", "Milk", "two bottles"]);
    assert_eq!(mode(&machine.file()), 0o600);
    assert_eq!(mode(&machine.directory()), 0o700);
    // Of the file that it was written to before it got its name, nothing is left.
    assert_eq!(fs::read_dir(machine.directory()).unwrap().count(), 1);
    assert_eq!(machine.run_well("", &["list"]), "Milk: two bottles\n");

    let me = machine.kept().me().await.unwrap();
    assert_eq!(me.token.name, "notes on the command line");
    assert_eq!(me.token.scopes, ["notes:read", "notes:write"]);
}

#[tokio::test]
async fn a_file_that_others_can_read_or_write_is_refused() {
    let machine = Machine::new().await;
    machine.run_well(PASSWORD, &["list"]);
    for loose in [0o640, 0o604, 0o660, 0o602, 0o610] {
        fs::set_permissions(machine.file(), Permissions::from_mode(loose)).unwrap();
        for command in ["list", "logout"] {
            let outcome = machine.run(PASSWORD, &[command]);
            assert_eq!(outcome.status, 1, "{loose:o} {outcome:?}");
            assert!(
                outcome.stderr.contains(&format!("(mode {loose:04o})")),
                "{outcome:?}"
            );
        }
    }
    fs::set_permissions(machine.file(), Permissions::from_mode(0o400)).unwrap();
    machine.run_well("", &["list"]);
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_by_another_file() {
    let machine = Machine::new().await;
    machine.run_well(PASSWORD, &["list"]);
    let first = fs::read_to_string(machine.file()).unwrap();
    // Another name of the same file: if that were written to, here it would show.
    let other_name = machine.directory.path().join("other name");
    fs::hard_link(machine.file(), &other_name).unwrap();
    machine.kept().logout().await.unwrap();

    let outcome = machine.run(PASSWORD, &["add", "Milk", ""]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(
        outcome.stderr.contains("The token is no longer accepted."),
        "{outcome:?}"
    );
    assert_ne!(fs::read_to_string(machine.file()).unwrap(), first);
    assert_eq!(fs::read_to_string(other_name).unwrap(), first);
    assert_eq!(mode(&machine.file()), 0o600);
    assert_eq!(
        machine.run_well("", &["list"]),
        "Milk: \n",
        "the note is there, once"
    );
}

#[tokio::test]
async fn a_token_that_is_refused_is_forgotten_even_if_nobody_signs_in_again() {
    let machine = Machine::new().await;
    machine.run_well(PASSWORD, &["list"]);
    machine.kept().logout().await.unwrap();
    let outcome = machine.run("", &["list"]);
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert!(outcome.stderr.contains("takes a password"), "{outcome:?}");
    assert!(!machine.file().exists());
}

#[tokio::test]
async fn logging_out_revokes_the_token_and_removes_the_file() {
    let machine = Machine::new().await;
    machine.run_well(PASSWORD, &["list"]);
    let session = machine.kept();
    machine.run_well("", &["logout"]);
    assert!(!machine.file().exists());
    assert!(session.me().await.unwrap_err().is_unauthorized());
    machine.run_well("", &["logout"]);
}

#[tokio::test]
async fn a_script_can_tell_what_went_wrong() {
    let machine = Machine::new().await;
    let ada = machine.services.sign_in("ada").await;
    let wrong = machine.run("wrong", &["list"]);
    assert_eq!(
        (wrong.status, wrong.stderr.as_str()),
        (77, "Wrong username or password.\n")
    );
    // It was given one failure at once, of the four that the service is set to.
    let rate_limited = machine.run(PASSWORD, &["list"]);
    assert_eq!(rate_limited.status, 75, "{rate_limited:?}");
    assert!(
        rate_limited
            .stderr
            .starts_with("Too many sign-ins have failed; try again in "),
        "{rate_limited:?}"
    );
    assert!(!machine.file().exists());

    // A token that may less, as somebody might have put it there.
    let reader = ada.tokens().create(&token("reader", "notes:read")).await.unwrap();
    let token = reader.token.expose_secret();
    fs::create_dir_all(machine.directory()).unwrap();
    fs::write(machine.file(), token).unwrap();
    fs::set_permissions(machine.file(), Permissions::from_mode(0o600)).unwrap();
    let forbidden = machine.run(PASSWORD, &["add", "Milk", ""]);
    assert_eq!(forbidden.status, 77, "{forbidden:?}");
    assert!(forbidden.stderr.contains("notes:write"), "{forbidden:?}");
    assert_eq!(
        machine.kept().token().expose_secret(),
        token,
        "that is no reason to forget it"
    );
}
