use crate::operator::Prepared;
use crate::role::Role;
use crate::settings::Settings;
use jeton_client::{AuthClient, ClientError};
use jeton_proof_support::ServiceProcess;
use std::cell::RefCell;
use std::time::Duration;

/// How many valid tokens a user may have. Few, so that sign-ins beyond it happen.
pub(crate) const TOKENS_PER_USER: usize = 8;

/// Longer than a request can take that is answered: seconds for a connection and a statement, and a lease and a bit for a
/// revocation.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Auth,
    Resource,
}

/// One instance of a service: a process.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) process: ServiceProcess,
    /// Host and port of its metrics.
    pub(crate) metrics: String,
    client: RefCell<AuthClient>,
}

impl Service {
    /// Two of each kind.
    pub(crate) fn start_all(settings: &Settings, prepared: &Prepared) -> anyhow::Result<Vec<Self>> {
        let cost = settings.bcrypt_cost.to_string();
        let tokens = TOKENS_PER_USER.to_string();
        let common = [
            ("JETON_METRICS_ADDR", "127.0.0.1:0"),
            ("JETON_LOG_FORMAT", "json"),
        ];
        let auth = [
            ("DATABASE_URL", prepared.auth_url.as_str()),
            ("JETON_AUTH_ADDR", "127.0.0.1:0"),
            ("JETON_BCRYPT_COST", &cost),
            ("JETON_DEFAULT_SCOPES", "notes:read notes:write"),
            ("JETON_TOKENS_PER_USER", &tokens),
            ("JETON_TOKEN_IDLE_TTL", "14d"),
            // All come from one address, and many with a wrong password.
            ("JETON_NETWORK_FAILURES", "1000000"),
            ("JETON_NETWORK_AUTHORIZATIONS", "1000000"),
            // A few people do what many would.
            ("JETON_USER_ACTS", "1000000"),
        ];
        let notes = [
            ("DATABASE_URL", prepared.notes_url.as_str()),
            ("NOTES_ADDR", "127.0.0.1:0"),
        ];
        let auth = [&common[..], &auth].concat();
        let notes = [&common[..], &notes].concat();
        Ok(vec![
            Self::start("auth-1", Kind::Auth, &auth)?,
            Self::start("auth-2", Kind::Auth, &auth)?,
            Self::start("resource-1", Kind::Resource, &notes)?,
            Self::start("resource-2", Kind::Resource, &notes)?,
        ])
    }

    fn start(name: &str, kind: Kind, env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let role = match kind {
            Kind::Auth => Role::AuthApi,
            Kind::Resource => Role::ResourceApi,
        };
        let not_of_a_request = |line: &str| !line.contains(r#""message":"answered""#);
        let process = ServiceProcess::run(role.command()?, env, not_of_a_request)?;
        Ok(Self {
            name: name.to_owned(),
            kind,
            metrics: process.metrics_address(),
            client: RefCell::new(client(&process.base_url())?),
            process,
        })
    }

    /// `path` at this service.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.process.base_url())
    }

    pub(crate) fn client(&self) -> AuthClient {
        self.client.borrow().clone()
    }

    /// Closes all connections that are kept for the next request.
    pub(crate) fn close_connections(&self) -> anyhow::Result<()> {
        *self.client.borrow_mut() = client(&self.process.base_url())?;
        Ok(())
    }
}

/// Of the SDK's own repetitions, none would be seen.
fn client(base_url: &str) -> Result<AuthClient, ClientError> {
    AuthClient::builder(base_url)
        .max_retries(0)
        .timeout(PATIENCE)
        .build()
}
