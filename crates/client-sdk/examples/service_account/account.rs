use anyhow::Context;
use jeton_client::{AuthClient, ClientError, ExposeSecret, SecretText, ServiceRequest, Session};
use serde::de::DeserializeOwned;
use std::env;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};

/// Where the token of the service account comes from. Not from an argument: those everybody on the machine can read.
pub(crate) enum Secret {
    /// A file, as systemd, Docker and Kubernetes give secrets; it may be replaced at any time.
    File(PathBuf),
    /// The environment.
    Given(SecretText),
}

impl Secret {
    /// From `BOARD_TOKEN_FILE`, or else from `BOARD_TOKEN`.
    pub(crate) fn from_env() -> anyhow::Result<Self> {
        if let Some(path) = env::var_os("BOARD_TOKEN_FILE") {
            return Ok(Self::File(path.into()));
        }
        let token = env::var("BOARD_TOKEN").context("neither BOARD_TOKEN_FILE nor BOARD_TOKEN is set")?;
        Ok(Self::Given(token.into()))
    }

    fn read(&self) -> anyhow::Result<SecretText> {
        match self {
            Self::File(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.with_context(|| format!("cannot read {}", path.display()))?;
                Ok(text.trim_end().into())
            }
            Self::Given(token) => Ok(token.expose_secret().into()),
        }
    }
}

/// The account that this service calls others with.
pub(crate) struct Account {
    auth: AuthClient,
    secret: Secret,
    session: RwLock<Session>,
}

impl Account {
    pub(crate) fn new(auth: AuthClient, secret: Secret) -> anyhow::Result<Self> {
        let session = auth.session(secret.read()?)?;
        Ok(Self {
            auth,
            secret,
            session: RwLock::new(session),
        })
    }

    /// Sends a request with the account's token. If that is refused, the operator may have replaced it: then once more,
    /// with the one that is there now. There is no password to sign in with.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        request: impl Fn(&Session) -> ServiceRequest,
    ) -> Result<T, ClientError> {
        let session = self.session();
        let refused = match request(&session).send_json().await {
            Err(error) if error.is_unauthorized() => error,
            outcome => return outcome,
        };
        match self.replaced(&session) {
            Some(session) => request(&session).send_json().await,
            None => Err(refused),
        }
    }

    fn session(&self) -> Session {
        self.session
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A session with another token than that one has, if there is another.
    fn replaced(&self, refused: &Session) -> Option<Session> {
        let token = self.secret.read().ok()?;
        if token.expose_secret() == refused.token().expose_secret() {
            return None;
        }
        let session = self.auth.session(token).ok()?;
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = session.clone();
        Some(session)
    }
}
