//! Which server answers: after a fail-over, the one that was the primary before may come back, and answer as if it still were.
//! And a standby is behind: it would find tokens valid that were revoked.

use crate::connection::told;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Nullable};
use diesel_async::AsyncPgConnection;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

/// The timeline is that of the log being written: what the control file has is that of the last checkpoint, which after a
/// promotion is the one before.
const IDENTITY: &str = "SELECT system_identifier AS system, CASE WHEN NOT pg_is_in_recovery() THEN \
        ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer END AS timeline \
    FROM pg_control_system()";

/// What this process has seen of servers, and what they have granted.
static SERVERS: Mutex<Servers> = Mutex::new(Servers {
    seen: BTreeMap::new(),
    grants: Vec::new(),
});
/// How many connections were refused for it.
static REFUSED: AtomicU64 = AtomicU64::new(0);

/// Names a server among those that were copied from one another: they have one system identifier, and with each promotion a
/// timeline begins that is one higher (PostgreSQL documentation, §26.3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerIdentity {
    system: i64,
    timeline: i32,
}

/// Something that a server has granted for a time, and that ends before this process uses a newer server: until then the one that
/// has granted it does not tell of what is revoked.
pub trait Granted: Send + Sync {
    /// Ends it. Others wait meanwhile.
    fn end(&self);
}

struct Servers {
    /// By system identifier.
    seen: BTreeMap<i64, Seen>,
    /// What servers of a system identifier have granted.
    grants: Vec<(i64, Weak<dyn Granted>)>,
}

/// Of the servers with one system identifier.
#[derive(Default)]
struct Seen {
    newest: i32,
    /// The one that the log has told of last that it is refused: an older one is asked again and again.
    told: Option<i32>,
}

impl ServerIdentity {
    /// Asks the server that a connection was opened to, and refuses one that is a standby, or that another has taken the place
    /// of.
    ///
    /// # Errors
    /// What the server says, or why it is refused.
    pub(crate) async fn ask(connection: &mut AsyncPgConnection) -> Result<Self, String> {
        // Here alone: it has a `load` of its own for whatever there is.
        use diesel_async::RunQueryDsl as _;

        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            system: i64,
            #[diesel(sql_type = Nullable<Integer>)]
            timeline: Option<i32>,
        }
        let answer = diesel::sql_query(IDENTITY).get_result(connection).await;
        let Row { system, timeline } = told(answer, connection)
            .await
            .map_err(|error| error.to_string())?;
        let timeline = timeline.ok_or("this is a standby: what it knows is behind")?;
        Self { system, timeline }.meet()
    }

    fn meet(self) -> Result<Self, String> {
        #[cfg(feature = "negative-controls")]
        if crate::negative_controls::former_primary_is_left_out() {
            return Ok(self);
        }
        let timeline = self.timeline;
        let mut servers = servers();
        let Servers { seen, grants } = &mut *servers;
        let seen = seen.entry(self.system).or_default();
        if timeline >= seen.newest {
            if timeline > seen.newest {
                *seen = Seen {
                    newest: timeline,
                    told: None,
                };
                let of_former = grants.iter().filter(|(system, _)| *system == self.system);
                of_former
                    .filter_map(|(_, granted)| granted.upgrade())
                    .for_each(|granted| granted.end());
            }
            return Ok(self);
        }
        REFUSED.fetch_add(1, Ordering::Relaxed);
        if seen.told.replace(timeline) != Some(timeline) {
            let newest = seen.newest;
            tracing::error!(
                timeline,
                newest,
                "a server was refused that another has taken the place of: shut it down, or make it a standby"
            );
        }
        Err(format!(
            "this is a former primary: its timeline is {timeline}, and {} was seen",
            seen.newest
        ))
    }

    /// Whether another server has taken this one's place since: what it says is not what is.
    #[must_use]
    pub fn is_superseded(self) -> bool {
        self.unless_superseded(|| ()).is_none()
    }

    /// Does something only if no other server has taken this one's place, and before this process finds out about one.
    pub fn unless_superseded<T>(self, act: impl FnOnce() -> T) -> Option<T> {
        let servers = servers();
        let newest = servers.seen.get(&self.system).map(|seen| seen.newest);
        newest.is_none_or(|newest| self.timeline >= newest).then(act)
    }

    /// Has what this server grants end as soon as this process finds that another has taken its place. What it grants is taken
    /// in [`unless_superseded`](Self::unless_superseded).
    pub fn end_when_superseded(self, granted: Weak<dyn Granted>) {
        let grants = &mut servers().grants;
        grants.retain(|(_, known)| known.strong_count() > 0 && !known.ptr_eq(&granted));
        grants.push((self.system, granted));
    }
}

fn servers() -> MutexGuard<'static, Servers> {
    // Nothing is left half done under this lock.
    SERVERS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Display for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "system {}, timeline {}", self.system, self.timeline)
    }
}

/// How many connections this process has refused since a server answered that another has taken the place of.
#[must_use]
pub fn refused_servers() -> u64 {
    REFUSED.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "helpers of tests")]

    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;

    struct Ended(AtomicU32);

    impl Granted for Ended {
        fn end(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn server(system: i64, timeline: i32) -> ServerIdentity {
        ServerIdentity { system, timeline }
    }

    #[test]
    fn a_former_primary_is_refused_once_its_successor_was_seen() {
        let (former, present, other) = (server(-1, 1), server(-1, 2), server(-2, 1));
        assert_eq!(former.meet(), Ok(former));
        assert!(!former.is_superseded());
        assert_eq!(other.meet(), Ok(other));
        assert_eq!(present.meet(), Ok(present));
        assert!(former.is_superseded());
        assert!(!present.is_superseded());
        assert!(!other.is_superseded());
        let before = refused_servers();
        assert_eq!(
            former.meet().unwrap_err(),
            "this is a former primary: its timeline is 1, and 2 was seen"
        );
        assert!(refused_servers() > before);
        assert_eq!(present.meet(), Ok(present));
    }

    #[test]
    fn what_was_granted_ends_when_a_newer_server_of_the_same_system_is_seen() {
        let granted = Arc::new(Ended(AtomicU32::new(0)));
        let (former, newer, other) = (server(-3, 1), server(-3, 2), server(-4, 2));
        former.meet().unwrap();
        former.end_when_superseded(Arc::<Ended>::downgrade(&granted));
        let ended = || granted.0.load(Ordering::Relaxed);
        for same in [former, other] {
            same.meet().unwrap();
            assert_eq!((ended(), former.unless_superseded(|| ())), (0, Some(())));
        }
        newer.meet().unwrap();
        assert_eq!((ended(), former.unless_superseded(|| ())), (1, None));
        assert_eq!(newer.unless_superseded(|| ()), Some(()));
        newer.meet().unwrap();
        assert_eq!(ended(), 1);
    }
}
