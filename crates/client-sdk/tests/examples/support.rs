use jeton_client::{AuthClient, CreateTokenRequest, Credentials, Session, SignUpRequest};
use jeton_proof_support::{InProcess, connect, execute};
use jeton_resource_api::DatabaseUrl;
use std::path::Path;
use std::process::Command;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Both services on one database.
pub(crate) struct Services {
    pub(crate) auth: InProcess,
    pub(crate) notes: InProcess,
    database_url: String,
}

impl Services {
    pub(crate) fn start(database_url: &str) -> Self {
        jeton_resource_api::migrate(&DatabaseUrl::parse(database_url).unwrap(), None).unwrap();
        let database = ("DATABASE_URL", database_url);
        Self {
            auth: InProcess::start(
                jeton_auth_api::start,
                &[
                    database,
                    ("JETON_AUTH_ADDR", "127.0.0.1:0"),
                    ("JETON_BCRYPT_COST", "4"),
                    ("JETON_DEFAULT_SCOPES", "notes:read notes:write"),
                    ("JETON_ACCOUNT_FAILURES", "4"),
                ],
            ),
            notes: InProcess::start(
                jeton_resource_api::start,
                &[database, ("NOTES_ADDR", "127.0.0.1:0")],
            ),
            database_url: database_url.to_owned(),
        }
    }

    /// What the examples are told of where the services are.
    pub(crate) fn env(&self) -> [(&str, &str); 2] {
        [
            ("JETON_AUTH_ADDR", self.auth.address()),
            ("NOTES_ADDR", self.notes.address()),
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

    pub(crate) async fn sign_in(&self, username: &str) -> Session {
        let credentials = Credentials::new(username, PASSWORD);
        self.client().sign_in(credentials).await.unwrap()
    }

    /// Somebody who administers users.
    pub(crate) async fn admin(&self) -> Session {
        self.sign_up("root").await;
        execute(
            &mut connect(&self.database_url),
            "UPDATE users SET scopes = '{admin,notes:read,notes:write}' WHERE username = 'root'",
        );
        self.sign_in("root").await
    }
}

/// A token of this name, for this scope.
pub(crate) fn token(name: &str, scope: &str) -> CreateTokenRequest {
    CreateTokenRequest {
        name: name.to_owned(),
        scopes: vec![scope.to_owned()],
        expires_in: None,
    }
}

/// A program that makes its files for everybody to read and write, unless it says otherwise.
pub(crate) fn generous(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(program);
    command
}
