//! Checks at the watched verifier: hits, misses, and what is kept of the answers.

use crate::fail_over::{Knows, Server};
use crate::model::Protocol;
use crate::mutant::Mutant;
use crate::state::{Answer, Progress, Query, Request, Revoker, State, View, WATCHED};
use crate::step::{CheckStep, Step};

impl State {
    pub(crate) fn offer_check_steps(&self, protocol: &Protocol, steps: &mut Vec<Step>) {
        let mut offer = |step| steps.push(Step::Check(step));
        let progress = self.checks.request.as_ref().map(|request| &request.progress);
        let looks_up_first = protocol.is(Mutant::LookUpBeforeDeadline);
        match progress {
            None => offer(CheckStep::Arrive),
            Some(Progress::Arrived) if looks_up_first => offer(CheckStep::LookUp),
            Some(Progress::Arrived | Progress::LookedUp(_)) => offer(CheckStep::ReadDeadline),
            Some(Progress::KnowsDeadline { .. }) => offer(CheckStep::ReadClock),
            Some(Progress::Live) => offer(CheckStep::LookUp),
            _ => {}
        }
        if self.checks.queries.len() < usize::from(protocol.scenario.queries) {
            offer(CheckStep::Send(Server::Primary));
            if self.asks_former(protocol, WATCHED, Mutant::LookUpOnFormer) {
                offer(CheckStep::Send(Server::Former));
            }
        }
        for (i, query) in self.checks.queries.iter().enumerate() {
            if progress == Some(&Progress::Missed) && protocol.is(Mutant::JoinQueryUnderWay) {
                offer(CheckStep::Join(i));
            }
            offer(if query.found.is_some() {
                CheckStep::Receive(i)
            } else {
                CheckStep::Execute(i)
            });
            // The request that waits would be answered with 503, and nothing is promised about that.
            if !query.awaited {
                offer(CheckStep::Drop(i));
            }
        }
    }

    pub(crate) fn take_check_step(&mut self, protocol: &Protocol, step: &CheckStep) {
        match *step {
            CheckStep::Arrive => self.checks.request = Some(self.arriving_request(protocol)),
            CheckStep::ReadDeadline | CheckStep::ReadClock | CheckStep::LookUp => self.go_on(protocol),
            CheckStep::Join(i) => {
                self.checks.queries[i].awaited = true;
                self.set_progress(Progress::Asking);
            }
            CheckStep::Send(server) => self.send_query(protocol, server),
            CheckStep::Execute(i) => {
                let server = self.checks.queries[i].server;
                self.answered(WATCHED, server);
                let view = self.at(server, |state| protocol.scenario.view(state.database.committed));
                self.checks.queries[i].found = Some(view);
            }
            CheckStep::Receive(i) => self.receive_view(protocol, i),
            CheckStep::Drop(i) => drop(self.checks.queries.remove(i)),
        }
    }

    fn arriving_request(&self, protocol: &Protocol) -> Request {
        let acknowledged = |change: &usize| matches!(self.revokers[*change], Revoker::Acknowledged { .. });
        let changes = (0..self.revokers.len()).filter(acknowledged);
        let views = changes.filter_map(|change| protocol.scenario.view_after(change));
        Request {
            oldest: views.max().unwrap_or(0),
            always_valid: protocol
                .scenario
                .is_valid(protocol.scenario.view(self.database.committed)),
            exempt: self.verifiers[WATCHED].knows == Knows::Misled,
            progress: Progress::Arrived,
        }
    }

    /// The steps of a check: read the deadline, read the clock and compare, look up.
    fn go_on(&mut self, protocol: &Protocol) {
        let Some(request) = &self.checks.request else {
            return;
        };
        let left = self.checks.deadline;
        let next = match (request.progress.clone(), self.checks.cache) {
            (Progress::Arrived, entry) if protocol.is(Mutant::LookUpBeforeDeadline) => {
                entry.map_or(Progress::Missed, Progress::LookedUp)
            }
            (Progress::Arrived, _) => Progress::KnowsDeadline {
                left,
                looked_up: None,
            },
            (Progress::LookedUp(view), _) => Progress::KnowsDeadline {
                left,
                looked_up: Some(view),
            },
            (Progress::KnowsDeadline { left: 0, .. }, _) => Progress::Missed,
            (Progress::KnowsDeadline { looked_up: None, .. }, _) => Progress::Live,
            (
                Progress::KnowsDeadline {
                    looked_up: Some(view),
                    ..
                },
                _,
            )
            | (Progress::Live, Some(view)) => Progress::Answered(answer(protocol, view, true)),
            (Progress::Live, None) => Progress::Missed,
            (other, _) => other,
        };
        self.set_progress(next);
    }

    pub(crate) fn set_progress(&mut self, progress: Progress) {
        if let Some(request) = &mut self.checks.request {
            request.progress = progress;
        }
    }

    /// A query takes along whatever waits. It may be sent for a request that is not looked at, hence at any time.
    fn send_query(&mut self, protocol: &Protocol, server: Server) {
        self.meet(protocol, WATCHED, server);
        let is_waiting = |request: &Request| request.progress == Progress::Missed;
        let awaited = self.checks.request.as_ref().is_some_and(is_waiting);
        if awaited {
            self.set_progress(Progress::Asking);
        }
        self.checks.queries.push(Query {
            server,
            current: true,
            awaited,
            found: None,
        });
    }

    /// The fill is one step: it holds the generation's read lock, and a renewal that flushes waits for it.
    fn receive_view(&mut self, protocol: &Protocol, i: usize) {
        let query = self.checks.queries.remove(i);
        let Some(view) = query.found else { return };
        let positive = protocol.scenario.is_valid(view) || protocol.is(Mutant::KeepRefusals);
        let current = query.current || protocol.is(Mutant::FillWithoutGeneration);
        let live = self.checks.deadline > 0 || protocol.is(Mutant::FillWithoutLease);
        let open =
            self.verifiers[WATCHED].lease.dropped().is_empty() || protocol.is(Mutant::FillWhileDropping);
        if positive && current && live && open {
            self.checks.cache = Some(view);
        }
        if query.awaited {
            self.set_progress(Progress::Answered(answer(protocol, view, false)));
        }
    }
}

fn answer(protocol: &Protocol, view: View, from_memory: bool) -> Answer {
    if protocol.scenario.is_valid(view) {
        Answer::Accepted { view, from_memory }
    } else {
        Answer::Refused
    }
}
