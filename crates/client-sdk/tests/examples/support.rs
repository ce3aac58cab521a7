use jeton_client::{AuthClient, SignUpRequest};
use jeton_proof_support::{ServiceProcess, program};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Both services on one database.
pub(crate) struct Services {
    pub(crate) auth: ServiceProcess,
    pub(crate) notes: ServiceProcess,
    database_url: String,
}

/// What became of a program that has ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Services {
    pub(crate) fn start(database_url: &str) -> Self {
        Self {
            auth: ServiceProcess::start(
                program("jeton-auth-api"),
                &[
                    ("DATABASE_URL", database_url),
                    ("JETON_AUTH_ADDR", "127.0.0.1:0"),
                    ("JETON_BCRYPT_COST", "4"),
                    ("JETON_ACCOUNT_FAILURES", "4"),
                ],
            ),
            notes: ServiceProcess::start(
                program("jeton-resource-api"),
                &[
                    ("DATABASE_URL", database_url),
                    ("JETON_RESOURCE_ADDR", "127.0.0.1:0"),
                ],
            ),
            database_url: database_url.to_owned(),
        }
    }

    /// What the examples are told of where the services are.
    pub(crate) fn env(&self) -> [(&str, &str); 2] {
        [
            ("JETON_AUTH_ADDR", self.auth.address()),
            ("JETON_RESOURCE_ADDR", self.notes.address()),
        ]
    }

    pub(crate) fn client(&self) -> AuthClient {
        let client = AuthClient::builder(&self.auth.base_url()).max_retries(0);
        client.build().unwrap()
    }

    pub(crate) async fn sign_up(&self, username: &str) {
        let request = SignUpRequest {
            username: username.to_owned(),
            password: PASSWORD.into(),
            email: None,
        };
        self.client().sign_up(&request).await.unwrap();
    }

    /// What an operator types; gives what it answers.
    pub(crate) fn jeton(&self, command: &str) -> String {
        let mut jeton = Command::new(program("jeton"));
        jeton
            .args(command.split_whitespace())
            .env_clear()
            .env("DATABASE_URL", &self.database_url);
        let outcome = run(&mut jeton, "");
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        outcome.stdout.trim().to_owned()
    }
}

/// Runs a program until its end, with this for its standard input.
pub(crate) fn run(command: &mut Command, input: &str) -> Outcome {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Not every program reads, and one that has ended cannot.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Outcome {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A program that makes its files for everybody to read and write, unless it says otherwise.
pub(crate) fn generous(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(program);
    command
}
