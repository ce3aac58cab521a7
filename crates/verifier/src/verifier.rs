use crate::lookups::Lookups;
use crate::{Caller, VerifierSettings};
use jeton_domain::PlainToken;
use jeton_persistence::{ConnectionLimits, DatabaseError, establish, migrations};
use std::sync::Arc;
use std::time::Duration;

/// Checks tokens against the table that the auth service writes. Make one for the process and clone it: clones share
/// everything.
#[derive(Clone)]
pub struct Verifier {
    lookups: Arc<Lookups>,
    patience: Duration,
}

/// Why a check did not find a valid token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The token is malformed, unknown, expired or revoked, or its user disabled. Sending it again is useless.
    #[error("not a valid token")]
    Invalid,
    /// It cannot be told now: the database is away or too slow. Trying again later is right; refusing the caller for
    /// good is not.
    #[error("tokens cannot be checked now")]
    Unavailable,
}

/// Why a verifier could not start.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The database cannot be asked.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The database has not the shape that this version needs.
    #[error("the database is not up to date (pending: {0}); run `scripts/migrate` or `jeton migrate`")]
    NotMigrated(String),
    /// No thread could be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl Verifier {
    /// Checks that the database is there and up to date, and starts the threads that will ask it.
    ///
    /// Needs a Tokio runtime with its timer on, here and wherever tokens are [verified](Self::verify).
    ///
    /// # Errors
    /// [`ConnectError`]
    pub async fn connect(settings: VerifierSettings) -> Result<Self, ConnectError> {
        let url = settings.database_url.clone();
        let check = tokio::task::spawn_blocking(move || {
            let mut connection = establish(&url, ConnectionLimits::NONE)?;
            let pending = migrations::pending(&mut connection)?;
            if pending.is_empty() {
                Ok(())
            } else {
                Err(ConnectError::NotMigrated(pending.join(", ")))
            }
        });
        check.await.map_err(std::io::Error::other)??;
        Ok(Self {
            lookups: Arc::new(Lookups::start(&settings)?),
            patience: settings.patience,
        })
    }

    /// Checks a token's text and says whose it is. A text that no token can have is refused without asking anybody.
    ///
    /// # Errors
    /// [`VerifyError`]
    pub async fn verify(&self, token: &str) -> Result<Caller, VerifyError> {
        let digest = PlainToken::digest_of(token).map_err(|_| VerifyError::Invalid)?;
        // A server that has stopped in the middle of a query keeps the thread, not the caller.
        tokio::time::timeout(self.patience, self.lookups.find(digest))
            .await
            .unwrap_or(Err(VerifyError::Unavailable))
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}
