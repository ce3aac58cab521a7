//! Rules of the protocol that this build can leave out, to see whether the checker finds it.

use crate::faults::Fault;
use clap::ValueEnum;
use std::ffi::OsString;
use std::sync::OnceLock;

/// A rule that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rule {
    /// Keep a look-up's answer in memory only if nothing was revoked since its query was sent
    #[value(name = "fill-rule")]
    Fill,
    /// Wait until every verifier has forgotten the token before acknowledging
    Barrier,
    /// Refuse a server that another has taken the place of
    FormerPrimary,
    /// Have the answer that nothing is left to revoke wait for the standby
    SecondAttempt,
    /// Have everything looked up again when a client has changed
    ClientChange,
    /// Have a grant take its tokens along
    GrantCascade,
}

static LEFT_OUT: OnceLock<Rule> = OnceLock::new();

impl Rule {
    /// Leaves it out, in this process and in those that it starts.
    pub(crate) fn leave_out(self) {
        let _ = LEFT_OUT.set(self);
        match self {
            Self::Fill => jeton_verifier::negative_controls::leave_out_fill_rule(),
            Self::Barrier => jeton_revoker::negative_controls::leave_out_barrier(),
            Self::FormerPrimary => jeton_coherence::negative_controls::leave_out_former_primary(),
            Self::SecondAttempt => jeton_coherence::negative_controls::leave_out_second_attempt(),
            // Rules of the database: see `sql`.
            Self::ClientChange | Self::GrantCascade => {}
        }
    }

    /// The faults that show soonest that it is missing.
    fn faults(self) -> Vec<Fault> {
        match self {
            Self::Fill => vec![Fault::HeldReply],
            Self::Barrier => vec![Fault::CutVerifier, Fault::StoppedVerifier],
            Self::FormerPrimary => vec![Fault::ReturnedPrimary],
            Self::SecondAttempt => vec![Fault::SecondAttempt],
            // It shows when all is well.
            Self::ClientChange | Self::GrantCascade => Vec::new(),
        }
    }

    /// What takes it out of the database.
    fn sql(self) -> Option<&'static str> {
        match self {
            // A trigger that is off no service would start with.
            Self::ClientChange => Some(
                "CREATE OR REPLACE FUNCTION jeton_clients_changed() RETURNS trigger LANGUAGE plpgsql \
                    AS $$ BEGIN RETURN NULL; END $$",
            ),
            Self::GrantCascade => Some("ALTER TABLE tokens DROP CONSTRAINT tokens_grant_id_fkey"),
            Self::Fill | Self::Barrier | Self::FormerPrimary | Self::SecondAttempt => None,
        }
    }
}

/// What another process of the run has to be told first.
pub(crate) fn arguments() -> Vec<OsString> {
    let rule = LEFT_OUT.get().and_then(Rule::to_possible_value);
    rule.map_or_else(Vec::new, |rule| vec!["--without".into(), rule.get_name().into()])
}

pub(crate) fn faults() -> Option<Vec<Fault>> {
    LEFT_OUT.get().map(|rule| rule.faults())
}

pub(crate) fn sql() -> Option<&'static str> {
    LEFT_OUT.get().and_then(|rule| rule.sql())
}
