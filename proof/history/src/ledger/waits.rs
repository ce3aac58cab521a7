use crate::clock::Stamp;
use std::time::Duration;

/// What a revocation needs, to be acknowledged in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The Postgres that all share.
    Database,
    /// One auth service, or its way to the database.
    Auth(String),
}

/// When something that acknowledgements need was away.
#[derive(Debug, Default)]
pub(crate) struct Disturbances {
    known: Vec<Disturbance>,
    next: u64,
}

#[derive(Debug)]
struct Disturbance {
    id: u64,
    place: Place,
    from: Stamp,
    until: Option<Stamp>,
}

/// Names a disturbance that has not ended.
#[derive(Debug)]
pub(crate) struct DisturbanceId(u64);

/// What is kept of the past: longer than any revocation lasts.
const KEPT: usize = 1000;

impl Disturbances {
    pub(crate) fn begin(&mut self, place: Place, from: Stamp) -> DisturbanceId {
        self.next += 1;
        self.known.push(Disturbance {
            id: self.next,
            place,
            from,
            until: None,
        });
        if self.known.len() > KEPT {
            self.known.remove(0);
        }
        DisturbanceId(self.next)
    }

    pub(crate) fn end(&mut self, id: &DisturbanceId, at: Stamp) {
        if let Some(disturbance) = self.known.iter_mut().find(|known| known.id == id.0) {
            disturbance.until = Some(at);
        }
    }

    /// Whether the database or one of these auth services was away at any time of the period. After each end there is
    /// a while, `recovery`, in which connections are made anew.
    pub(crate) fn touch(&self, auths: &[String], from: Stamp, until: Stamp, recovery: Duration) -> bool {
        self.known.iter().any(|disturbance| {
            let here = match &disturbance.place {
                Place::Database => true,
                Place::Auth(name) => auths.contains(name),
            };
            let over = disturbance.until.is_some_and(|ended| ended.plus(recovery) < from);
            here && disturbance.from <= until && !over
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECOVERY: Duration = Duration::from_nanos(10);

    fn touch(disturbances: &Disturbances, auth: &str, from: u64, until: u64) -> bool {
        disturbances.touch(&[auth.to_owned()], Stamp(from), Stamp(until), RECOVERY)
    }

    #[test]
    fn an_excuse_is_what_was_away_meanwhile() {
        let mut disturbances = Disturbances::default();
        let id = disturbances.begin(Place::Auth("auth-1".to_owned()), Stamp(100));
        assert!(touch(&disturbances, "auth-1", 500, 600), "still away");
        assert!(!touch(&disturbances, "auth-1", 50, 99), "not yet away");
        assert!(!touch(&disturbances, "auth-2", 500, 600), "another one");
        disturbances.end(&id, Stamp(200));
        assert!(touch(&disturbances, "auth-1", 150, 600));
        assert!(touch(&disturbances, "auth-1", 210, 600), "just back");
        assert!(!touch(&disturbances, "auth-1", 211, 600));
    }

    #[test]
    fn the_database_is_everybodys() {
        let mut disturbances = Disturbances::default();
        let id = disturbances.begin(Place::Database, Stamp(100));
        disturbances.end(&id, Stamp(200));
        assert!(touch(&disturbances, "auth-2", 150, 160));
        assert!(!touch(&disturbances, "auth-2", 300, 400));
    }
}
