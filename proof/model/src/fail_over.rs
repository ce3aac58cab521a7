//! A fail-over: the standby is promoted, and the former primary goes on answering whoever asks it.

use crate::Xids;
use crate::database::Database;
use crate::fault::has_connection;
use crate::model::Protocol;
use crate::mutant::Mutant;
use crate::state::{Lease, Progress, Query, Revoker, State, WATCHED};

/// A server, as whoever connects to it can tell by its timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Server {
    /// The one that is the truth.
    #[default]
    Primary,
    /// The one that was it before the fail-over.
    Former,
}

/// What a process knows of a fail-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Knows {
    /// Nothing; it has heard of no server since.
    Nothing,
    /// Nothing, and the former primary has answered it since. It cannot know better, and nothing is promised.
    Misled,
    /// It has seen the newer server.
    Newer,
}

impl State {
    /// The standby is the primary from now on. It has each row as it was at some time since its registration, and of the
    /// changes those that have reached it. The others have never been, and their xids are given to others. Whoever is
    /// connected is so to the former primary.
    pub(crate) fn fail_over(&mut self, protocol: &Protocol) {
        let undone = self.database.committed.without(self.database.replicated);
        self.database.committed = self.database.replicated;
        self.database.log = self.database.log.and(self.database.replicated);
        self.database.orphans.clear();
        // What it has alone counts for nothing, and it might as well not have it.
        self.former = Some(Box::new(self.database.clone()));
        self.database.forget_what_is_not_on_disk();
        self.purger = None;
        for (change, revoker) in self.revokers.iter_mut().enumerate() {
            // A barrier that finds itself on another server than the change says so to the client, who tries again.
            if matches!(revoker, Revoker::Committed { .. } | Revoker::Waiting { .. })
                && !protocol.is(Mutant::ConfirmOnNewer)
            {
                *revoker = Revoker::Unknown;
            }
            let is_undone = undone.contains(change) && *revoker == Revoker::Unknown;
            if is_undone || matches!(revoker, Revoker::Open { .. }) {
                *revoker = Revoker::Pending;
            }
            if let Some(look) = revoker.look_mut() {
                *look = None;
            }
        }
        self.look_back(protocol);
        for verifier in &mut self.verifiers {
            verifier.knows = Knows::Nothing;
            if has_connection(verifier.lease) {
                verifier.server = Server::Former;
            }
        }
        for query in &mut self.checks.queries {
            query.server = Server::Former;
        }
    }

    /// What was seen of a change that is undone is none of the views to come, and older than all of them.
    fn look_back(&mut self, protocol: &Protocol) {
        let view = protocol.scenario.view(self.database.committed);
        let found = self.checks.queries.iter_mut().map(|query| &mut query.found);
        for seen in found.chain([&mut self.checks.cache]).flatten() {
            *seen = view.min(*seen);
        }
        if let Some(request) = &mut self.checks.request {
            request.always_valid &= protocol.scenario.is_valid(view);
        }
    }

    /// A process connects to a server, and sees which it is. From then on it has nothing to do with an older one.
    pub(crate) fn meet(&mut self, protocol: &Protocol, v: usize, server: Server) {
        let is_news = self.former.is_some() && self.verifiers[v].knows != Knows::Newer;
        if server == Server::Former || !is_news {
            return;
        }
        self.verifiers[v].knows = Knows::Newer;
        if self.verifiers[v].server == Server::Former {
            self.abandon_lease(protocol, v);
        }
        if v == WATCHED && !protocol.is(Mutant::TakeAnswerOfFormer) {
            self.abandon_queries();
        }
    }

    /// The connection is not used again, nor a reply that has come by it; and there is no lease any more.
    fn abandon_lease(&mut self, protocol: &Protocol, v: usize) {
        let verifier = &mut self.verifiers[v];
        let is_applying = matches!(verifier.lease, Lease::Applying { .. });
        if !protocol.is(Mutant::KeepConnectionToFormer) {
            verifier.wire = None;
            verifier.connected = false;
            if !is_applying || !protocol.is(Mutant::PublishLeaseOfFormer) {
                verifier.lease = Lease::Registered;
            }
        }
        if v == WATCHED && !protocol.is(Mutant::KeepLeaseOfFormer) {
            self.checks.deadline = 0;
        }
    }

    /// The request that waits for one is asked about anew.
    fn abandon_queries(&mut self) {
        let former = |query: &Query| query.server == Server::Former;
        if self
            .checks
            .queries
            .iter()
            .any(|query| former(query) && query.awaited)
        {
            self.set_progress(Progress::Missed);
        }
        self.checks.queries.retain(|query| !former(query));
    }

    /// A server executes something for a process.
    pub(crate) fn answered(&mut self, v: usize, server: Server) {
        let knows = &mut self.verifiers[v].knows;
        if server == Server::Primary || *knows == Knows::Newer {
            return;
        }
        *knows = Knows::Misled;
        if let Some(request) = &mut self.checks.request
            && v == WATCHED
        {
            request.exempt = true;
        }
    }

    /// Whether a process may connect to the former primary: not one that has seen the newer server.
    pub(crate) fn asks_former(&self, protocol: &Protocol, v: usize, mutant: Mutant) -> bool {
        self.former.is_some() && (self.verifiers[v].knows != Knows::Newer || protocol.is(mutant))
    }

    /// Does something on that server.
    pub(crate) fn at<T>(&mut self, server: Server, act: impl FnOnce(&mut Self) -> T) -> T {
        self.turn_to(server);
        let done = act(self);
        self.turn_to(server);
        done
    }

    /// Lets that server be the one that is worked with; done twice, nothing is changed.
    fn turn_to(&mut self, server: Server) {
        if let (Server::Former, Some(former)) = (server, &mut self.former) {
            std::mem::swap::<Database>(&mut self.database, former);
        }
    }

    /// Forgets the former primary when nobody can ask it any more, and of its rows what nobody looks at.
    pub(crate) fn forget_former_primary(&mut self, protocol: &Protocol) {
        if self.faults.fail_overs == 0 {
            self.database.replicate();
        }
        let everybody_knows = self
            .verifiers
            .iter()
            .all(|verifier| verifier.knows == Knows::Newer);
        let matters = protocol.mutant.is_some_and(Mutant::asks_former) || self.faults.crashes > 0;
        if everybody_knows && !matters {
            self.former = None;
        }
        if let Some(former) = &mut self.former {
            for row in &mut former.rows {
                row.version = 0;
                row.on_disk = None;
                if !protocol.is(Mutant::ConfirmOnFormer) {
                    row.applied = Xids::default();
                }
            }
        } else {
            for verifier in &mut self.verifiers {
                verifier.server = Server::Primary;
                verifier.knows = Knows::Nothing;
            }
        }
    }
}
