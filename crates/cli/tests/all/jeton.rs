use jeton_coherence::lookups::{ValidToken, find_valid};
use jeton_domain::{PlainToken, Username};
use jeton_persistence::PgConnection;
use jeton_persistence::users::{SignInUser, find_for_sign_in};
pub(crate) use jeton_proof_support::Outcome;
use jeton_proof_support::TestDatabase;
use std::process::{Command, Stdio};

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// The program, on a database of its own.
pub(crate) struct Jeton(pub(crate) TestDatabase);

/// The program with nothing in its environment.
pub(crate) fn command(args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jeton"));
    command.env_clear().args(args.split_whitespace());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn run(mut command: Command, input: &str) -> Outcome {
    jeton_proof_support::run(&mut command, input)
}

impl Jeton {
    pub(crate) fn new() -> Self {
        Self(TestDatabase::create())
    }

    pub(crate) fn command(&self, args: &str) -> Command {
        let mut command = command(args);
        command.env("DATABASE_URL", self.0.url());
        // The cheapest: what is tested is not how long it takes.
        command.env("JETON_BCRYPT_COST", "4");
        command.env("JETON_DEFAULT_SCOPES", "notes:read notes:write");
        command
    }

    pub(crate) fn run(&self, args: &str) -> Outcome {
        self.run_with_input(args, "")
    }

    pub(crate) fn run_with_input(&self, args: &str, input: &str) -> Outcome {
        run(self.command(args), input)
    }

    /// A user with [`PASSWORD`] and the default scopes.
    pub(crate) fn with_user(self, name: &str) -> Self {
        self.run_with_input(&format!("user create {name}"), PASSWORD).ok();
        self
    }

    /// Creates a token and returns its text.
    pub(crate) fn token(&self, args: &str) -> String {
        let stdout = self.run(&format!("token create {args}")).ok();
        stdout.strip_suffix('\n').unwrap().to_owned()
    }

    /// What a service would find for the token.
    pub(crate) fn find_valid(&self, token: &str) -> Option<ValidToken> {
        let digest = PlainToken::digest_of(token).unwrap();
        let found = self
            .connect()
            .wait(async |c| find_valid(c, &[digest]).await)
            .unwrap();
        found.into_iter().next().map(|(_, token)| token.unwrap())
    }

    /// What a sign-in would be checked against.
    pub(crate) fn find_user(&self, name: &str) -> Option<SignInUser> {
        find_for_sign_in(&mut self.connect(), Username::parse(name).unwrap().key()).unwrap()
    }

    pub(crate) fn connect(&self) -> PgConnection {
        self.0.connect()
    }
}
