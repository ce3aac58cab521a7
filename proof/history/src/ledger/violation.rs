use super::life::{Basis, Phase};
use crate::clock::Stamp;
use crate::wire::{Check, Right, TokenNumber};
use std::fmt;
use std::time::Duration;
use uuid::Uuid;

/// What a run fails on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// A check began after the acknowledgement and was accepted.
    AcceptedAfterRevocation,
    /// A check began after the token was issued, ended before anybody asked for its revocation, and was refused.
    RefusedWhileValid,
    /// The database was there and the acknowledgement was not.
    AcknowledgedTooLate,
    /// The database was there again, and a service did not work.
    NotRecovered,
}

/// One broken promise, for a person to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) verdict: Verdict,
    /// The token in question, if it is about one.
    pub(crate) token: Option<TokenNumber>,
    pub(crate) process: String,
    details: String,
}

impl Violation {
    pub(super) fn accepted(
        token: TokenNumber,
        right: Right,
        process: &str,
        check: Check,
        phase: &Phase,
    ) -> Self {
        let (gone, basis) = phase.gone.unwrap_or((check.start, Basis::Acknowledged));
        let what = match right {
            Right::Use => "accepted",
            Right::Write => "accepted with the scope",
        };
        let since = match basis {
            Basis::Acknowledged => "was acknowledged",
            Basis::Overdue => "should have been known",
        };
        let act = phase.act;
        let late = check.start.since(gone);
        let asked = phase.asked.unwrap_or(phase.given);
        Self {
            verdict: Verdict::AcceptedAfterRevocation,
            token: Some(token),
            process: process.to_owned(),
            details: format!(
                "{what} by a check that began {late:?} after its revocation ({act}) {since}: \
                 given {}, asked {asked}, gone {gone}, check began {}, ended {}",
                phase.given, check.start, check.end
            ),
        }
    }

    pub(super) fn refused(token: TokenNumber, process: &str, check: Check, phase: &Phase) -> Self {
        let asked = phase
            .asked
            .map_or_else(|| "not asked yet".to_owned(), |asked| format!("asked {asked}"));
        Self {
            verdict: Verdict::RefusedWhileValid,
            token: Some(token),
            process: process.to_owned(),
            details: format!(
                "refused while valid: given {}, check began {}, ended {}, revocation {asked}",
                phase.given, check.start, check.end
            ),
        }
    }

    pub(crate) fn refresh_refused(process: &str, client: Uuid, grant: Uuid) -> Self {
        Self {
            verdict: Verdict::RefusedWhileValid,
            token: None,
            process: process.to_owned(),
            details: format!(
                "a refresh token was refused that nobody has revoked: of client {client}, by grant {grant}"
            ),
        }
    }

    pub(crate) fn late(
        token: TokenNumber,
        act: &str,
        by: &str,
        waited: Duration,
        bound: Duration,
        asked: Stamp,
    ) -> Self {
        Self {
            verdict: Verdict::AcknowledgedTooLate,
            token: Some(token),
            process: by.to_owned(),
            details: format!(
                "its revocation ({act}) was not acknowledged within {bound:?} of a database that was there, \
                 but after {waited:?}: asked {asked}"
            ),
        }
    }

    pub(crate) fn not_recovered(process: &str, patience: Duration, faults: &[&str], since: Stamp) -> Self {
        let faults = faults.join(", ");
        Self {
            verdict: Verdict::NotRecovered,
            token: None,
            process: process.to_owned(),
            details: format!(
                "does not work {patience:?} after there was a primary again ({faults}): since {since}"
            ),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AcceptedAfterRevocation => "accepted-after-revocation",
            Self::RefusedWhileValid => "refused-while-valid",
            Self::AcknowledgedTooLate => "acknowledged-too-late",
            Self::NotRecovered => "not-recovered",
        })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            verdict,
            token,
            process,
            details,
        } = self;
        write!(f, "VIOLATION {verdict}: ")?;
        if let Some(token) = token {
            write!(f, "{token}, ")?;
        }
        write!(f, "{process}: {details}")
    }
}
