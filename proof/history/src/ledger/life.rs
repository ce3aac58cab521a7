use crate::clock::Stamp;
use crate::wire::Check;

/// One right of one token, from when it was given until it is gone for good.
#[derive(Debug)]
pub(super) struct Life {
    /// Oldest first; a right that was taken and given back has one more.
    phases: Vec<Phase>,
}

/// A right is given, taken, gone, and perhaps asked back. Between two of these, either answer to a check is right.
#[derive(Debug, Clone)]
pub(super) struct Phase {
    /// It was answered that the right is there.
    pub(super) given: Stamp,
    /// Just before somebody first asked for it to be taken.
    pub(super) asked: Option<Stamp>,
    /// What was asked.
    pub(super) act: &'static str,
    pub(super) gone: Option<(Stamp, Basis)>,
    /// Just before somebody first asked for it to be given back.
    pub(super) asked_back: Option<Stamp>,
}

/// Why a right must be gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    /// Somebody was told so.
    Acknowledged,
    /// Nobody was told, and the change was committed longer ago than any lease lasts.
    Overdue,
}

impl Life {
    pub(super) fn new(given: Stamp) -> Self {
        let phase = Phase {
            given,
            asked: None,
            act: "",
            gone: None,
            asked_back: None,
        };
        Self { phases: vec![phase] }
    }

    pub(super) fn ask(&mut self, act: &'static str, at: Stamp) {
        if let Some(phase) = self.phases.last_mut()
            && phase.asked.is_none()
        {
            phase.asked = Some(at);
            phase.act = act;
        }
    }

    /// The first acknowledgement counts.
    pub(super) fn gone(&mut self, at: Stamp, basis: Basis) {
        if let Some(phase) = self.phases.last_mut()
            && phase.asked.is_some()
            && phase.gone.is_none_or(|(known, _)| at < known)
        {
            phase.gone = Some((at, basis));
        }
    }

    pub(super) fn ask_back(&mut self, at: Stamp) {
        if let Some(phase) = self.phases.last_mut() {
            phase.asked_back.get_or_insert(at);
        }
    }

    pub(super) fn back(&mut self, at: Stamp) {
        self.phases.extend(Self::new(at).phases);
    }

    pub(super) fn is_gone(&self) -> bool {
        self.phases.last().is_some_and(|phase| phase.gone.is_some())
    }

    /// The phase that was without the right for as long as the check lasted: it must not be accepted.
    pub(super) fn gone_during(&self, check: Check) -> Option<&Phase> {
        self.phases.iter().find(|phase| {
            phase.gone.is_some_and(|(gone, _)| gone < check.start)
                && phase.asked_back.is_none_or(|asked_back| check.end < asked_back)
        })
    }

    /// The phase that had the right for as long as the check lasted: it must not be refused.
    pub(super) fn given_during(&self, check: Check) -> Option<&Phase> {
        self.phases
            .iter()
            .find(|phase| phase.given <= check.start && phase.asked.is_none_or(|asked| check.end < asked))
    }
}
