use crate::say;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many wrong answers are told one by one. Where there are more, they are more of the same.
const TOLD: u64 = 50;

/// What was asked and how it was answered.
#[derive(Debug, Default)]
pub(crate) struct Book {
    requests: RefCell<BTreeMap<&'static str, Answers>>,
    away: RefCell<BTreeMap<String, u64>>,
    wrong: Cell<u64>,
}

/// The answers to one kind of request.
#[derive(Debug, Default, Clone)]
pub(crate) struct Answers {
    /// How many by what they said, as `2xx` or `401 invalid-token`.
    pub(crate) by_outcome: BTreeMap<String, u64>,
    pub(crate) slowest: Duration,
}

impl Book {
    pub(crate) fn note(&self, request: &'static str, service: &str, outcome: String, took: Duration) {
        if outcome.starts_with("503") {
            *self.away.borrow_mut().entry(service.to_owned()).or_default() += 1;
        }
        let mut requests = self.requests.borrow_mut();
        let answers = requests.entry(request).or_default();
        answers.slowest = answers.slowest.max(took);
        *answers.by_outcome.entry(outcome).or_default() += 1;
    }

    /// An answer that cannot be right, or something else that must not be.
    pub(crate) fn wrong(&self, what: &str) {
        self.wrong.set(self.wrong.get() + 1);
        if self.wrong.get() <= TOLD {
            say(&format!("WRONG {what}"));
        }
    }

    pub(crate) fn wrongs(&self) -> u64 {
        self.wrong.get()
    }

    /// Whether anybody has asked this.
    pub(crate) fn has(&self, request: &str) -> bool {
        self.requests.borrow().contains_key(request)
    }

    /// How often this service has answered 503.
    pub(crate) fn away(&self, service: &str) -> u64 {
        self.away.borrow().get(service).copied().unwrap_or_default()
    }

    pub(crate) fn requests(&self) -> BTreeMap<&'static str, Answers> {
        self.requests.borrow().clone()
    }

    pub(crate) fn total(&self) -> u64 {
        let requests = self.requests.borrow();
        requests
            .values()
            .flat_map(|answers| answers.by_outcome.values())
            .sum()
    }
}
