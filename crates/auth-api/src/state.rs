use crate::Settings;
use crate::hasher::Hasher;
use crate::settings::Signup;
use jeton_domain::{BcryptCost, ScopeSet};
use jeton_persistence::Database;
use jeton_verifier::Verifier;
use std::time::Duration;

/// What every handler works with.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) database: Database,
    pub(crate) verifier: Verifier,
    pub(crate) hasher: Hasher,
    pub(crate) signup: Signup,
    pub(crate) default_scopes: ScopeSet,
    pub(crate) token_ttl: Option<Duration>,
}

impl State {
    pub(crate) fn new(
        settings: &Settings,
        database: Database,
        verifier: Verifier,
        highest_cost: Option<BcryptCost>,
    ) -> Self {
        Self {
            database,
            verifier,
            hasher: Hasher::new(settings.bcrypt_cost, highest_cost, settings.hashing_queue),
            signup: settings.signup,
            default_scopes: settings.default_scopes.clone(),
            token_ttl: settings.token_ttl.0,
        }
    }
}
