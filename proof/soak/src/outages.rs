use std::cell::RefCell;
use std::time::{Duration, Instant};

/// When Postgres was away, and so 503 was an answer like any other.
#[derive(Debug, Default)]
pub(crate) struct Outages(RefCell<Vec<Outage>>);

/// One time without Postgres.
#[derive(Debug, Clone)]
pub(crate) struct Outage {
    pub(crate) how: &'static str,
    /// Right before it was told to stop.
    pub(crate) began: Instant,
    /// When it took connections again.
    pub(crate) back: Option<Instant>,
    /// When each service was ready again, after `back`.
    pub(crate) ready: Vec<(String, Duration)>,
    /// When all of them were: from then on, 503 is wrong.
    pub(crate) over: Option<Instant>,
}

impl Outages {
    pub(crate) fn begin(&self, how: &'static str) {
        self.0.borrow_mut().push(Outage {
            how,
            began: Instant::now(),
            back: None,
            ready: Vec::new(),
            over: None,
        });
    }

    pub(crate) fn postgres_is_back(&self) {
        self.last(|outage| outage.back = Some(Instant::now()));
    }

    pub(crate) fn end(&self, ready: Vec<(String, Duration)>) {
        self.last(|outage| {
            outage.ready = ready;
            outage.over = Some(Instant::now());
        });
    }

    fn last(&self, change: impl FnOnce(&mut Outage)) {
        if let Some(outage) = self.0.borrow_mut().last_mut() {
            change(outage);
        }
    }

    /// Whether Postgres was away, or services not ready again, at any moment of this time.
    pub(crate) fn touch(&self, from: Instant, until: Instant) -> bool {
        let touches = |outage: &Outage| outage.began <= until && outage.over.is_none_or(|over| from <= over);
        self.0.borrow().iter().any(touches)
    }

    pub(crate) fn all(&self) -> Vec<Outage> {
        self.0.borrow().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another instant than the last.
    fn later() -> Instant {
        let now = Instant::now();
        let mut clock = std::iter::repeat_with(Instant::now);
        clock.find(|later| *later > now).unwrap_or(now)
    }

    #[test]
    fn an_outage_excuses_what_was_under_way_during_it() {
        let outages = Outages::default();
        let before = later();
        assert!(!outages.touch(before, later()), "nothing has happened");
        let ended_before = later();
        later();
        outages.begin("restarted");
        assert!(!outages.touch(before, ended_before));
        assert!(outages.touch(before, later()), "it began meanwhile");
        outages.postgres_is_back();
        assert!(outages.touch(later(), later()), "services are not ready");
        let during = later();
        outages.end(Vec::new());
        assert!(outages.touch(during, later()));
        assert!(!outages.touch(later(), later()), "it is over");
    }
}
