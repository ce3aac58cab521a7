use jeton_domain::{InvalidScope, Scope, ScopeSet};

/// Scopes given one by one, or none of them, on purpose.
#[derive(clap::Args)]
pub(crate) struct ScopeArgs {
    /// A scope to hold, as notes:read; may be given several times, and may be several with spaces between them
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ' ', value_parser = Scope::parse)]
    scopes: Vec<Scope>,

    /// Hold no scope at all
    #[arg(long, conflicts_with = "scopes")]
    no_scopes: bool,
}

impl ScopeArgs {
    /// The scopes that were asked for; `None` when nothing was said of them.
    pub(crate) fn chosen(&self) -> Result<Option<ScopeSet>, InvalidScope> {
        let said = self.no_scopes || !self.scopes.is_empty();
        said.then(|| set(&self.scopes)).transpose()
    }
}

/// Brings single scopes together.
pub(crate) fn set(scopes: &[Scope]) -> Result<ScopeSet, InvalidScope> {
    ScopeSet::from_texts(scopes.iter().map(Scope::as_str))
}

/// The scopes as people read them.
pub(crate) fn describe(scopes: &ScopeSet) -> String {
    if *scopes == ScopeSet::default() {
        "none".to_owned()
    } else {
        scopes.to_string()
    }
}
