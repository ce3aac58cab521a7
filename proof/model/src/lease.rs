//! A verifier's lease thread: registering, renewing, and what to do when either fails.

use crate::Xids;
use crate::fail_over::Server;
use crate::model::Protocol;
use crate::mutant::Mutant;
use crate::state::{Kind, Lease, Operation, RowId, Stage, State, WATCHED};
use crate::step::{LeaseStep, Step};

impl State {
    pub(crate) fn offer_lease_steps(&self, protocol: &Protocol, steps: &mut Vec<Step>) {
        for (v, verifier) in self.verifiers.iter().enumerate() {
            let mut offer = |step| steps.push(Step::Lease(v, step));
            match verifier.lease {
                Lease::Starting if verifier.incarnations < protocol.scenario.incarnations => {
                    offer(LeaseStep::Register(Server::Primary));
                    if self.asks_former(protocol, v, Mutant::RegisterWithFormer) {
                        offer(LeaseStep::Register(Server::Former));
                    }
                }
                Lease::Registered | Lease::Dropped { .. } if verifier.connected => {
                    for token in protocol.scenario.tokens() {
                        if !verifier.lease.dropped().contains_all(token) {
                            offer(LeaseStep::Drop(token));
                        }
                    }
                    offer(LeaseStep::Renew);
                }
                Lease::Applying { .. } => offer(LeaseStep::Finish),
                Lease::Ending => offer(LeaseStep::End),
                _ => {}
            }
            let waits = matches!(
                verifier.lease,
                Lease::Registering { .. }
                    | Lease::Registered
                    | Lease::Dropped { .. }
                    | Lease::Renewing { .. }
            );
            if waits && (!verifier.connected || verifier.server == Server::Former) {
                offer(LeaseStep::Reconnect);
            }
            let replied =
                |operation: &Operation| matches!(operation.stage, Stage::Done { .. } | Stage::GivenUp);
            if verifier.wire.as_ref().is_some_and(replied) {
                offer(LeaseStep::Receive);
            }
        }
    }

    pub(crate) fn take_lease_step(&mut self, protocol: &Protocol, v: usize, step: &LeaseStep) {
        match step {
            LeaseStep::Register(server) => self.register(protocol, v, *server),
            LeaseStep::Drop(token) => self.drop_token(protocol, v, *token),
            LeaseStep::Renew => self.renew(v),
            LeaseStep::Receive => self.receive_reply(protocol, v),
            LeaseStep::Finish => self.finish_renewal(protocol, v),
            LeaseStep::Reconnect => self.reconnect(protocol, v),
            LeaseStep::End => self.end_incarnation(protocol, v),
        }
    }

    fn register(&mut self, protocol: &Protocol, v: usize, server: Server) {
        self.meet(protocol, v, server);
        let verifier = &mut self.verifiers[v];
        verifier.connected = true;
        verifier.server = server;
        verifier.incarnations += 1;
        let replaces = verifier.row;
        let row = RowId {
            verifier: v,
            incarnation: verifier.incarnations,
        };
        verifier.row = Some(row);
        verifier.wire = Some(Operation {
            row,
            kind: Kind::Register { replaces },
            stage: Stage::Sent,
        });
        verifier.lease = Lease::Registering { age: 0 };
        if protocol.is(Mutant::LeaseBeforeRegistration) {
            self.publish(protocol, v, 0);
        }
    }

    /// A nudge says that a token has changed. Whoever says so may be wrong, or lie: so it comes at any time.
    fn drop_token(&mut self, protocol: &Protocol, v: usize, token: Xids) {
        let dropped = self.verifiers[v].lease.dropped().with_all(token);
        self.verifiers[v].lease = Lease::Dropped { dropped };
        let is_watched = v == WATCHED && token.meets(protocol.scenario.watched());
        if is_watched && !protocol.is(Mutant::SayDroppedWithoutDropping) {
            self.checks.cache = None;
        }
    }

    fn renew(&mut self, v: usize) {
        let verifier = &mut self.verifiers[v];
        let Some(row) = verifier.row else { return };
        let (applied, dropped) = (verifier.applied, verifier.lease.dropped());
        verifier.lease = Lease::Renewing { age: 0, dropped };
        verifier.wire = Some(Operation {
            row,
            kind: Kind::Renew { applied, dropped },
            stage: Stage::Sent,
        });
    }

    fn receive_reply(&mut self, protocol: &Protocol, v: usize) {
        let Some(operation) = self.verifiers[v].wire.take() else {
            return;
        };
        match (operation.stage, self.verifiers[v].lease) {
            (Stage::GivenUp, _) => self.begin_to_end(protocol, v, Mutant::KeepDeadlineWhenGivenUp),
            (Stage::Done { seen, .. }, Lease::Registering { age }) => {
                self.verifiers[v].applied = seen;
                self.verifiers[v].lease = Lease::Registered;
                if protocol.is(Mutant::LeaseWithRegistration) {
                    self.flush(protocol, v, Xids::default());
                    self.publish(protocol, v, age);
                }
            }
            (Stage::Done { seen, found }, Lease::Renewing { age, .. }) => {
                self.apply(protocol, v, (age, seen, found))
            }
            _ => {}
        }
    }

    /// The first half of what follows from a renewal: flush, under the generation's write lock.
    fn apply(&mut self, protocol: &Protocol, v: usize, (age, seen, found): (u8, Xids, Xids)) {
        let age = if protocol.is(Mutant::ClockAfterReply) {
            0
        } else {
            age
        };
        if protocol.is(Mutant::PublishBeforeFlush) {
            self.publish(protocol, v, age);
            self.verifiers[v].lease = Lease::Applying { age, seen, found };
        } else {
            self.flush(protocol, v, found);
            self.verifiers[v].lease = Lease::Applying {
                age,
                seen,
                found: Xids::default(),
            };
        }
    }

    /// The second half: publish the deadline.
    fn finish_renewal(&mut self, protocol: &Protocol, v: usize) {
        let Lease::Applying { age, seen, found } = self.verifiers[v].lease else {
            return;
        };
        if protocol.is(Mutant::PublishBeforeFlush) {
            self.flush(protocol, v, found);
        } else {
            self.publish(protocol, v, age);
        }
        self.verifiers[v].applied = seen;
        self.verifiers[v].lease = Lease::Registered;
    }

    fn flush(&mut self, protocol: &Protocol, v: usize, found: Xids) {
        if v != WATCHED {
            return;
        }
        if !(found.is_empty() && protocol.is(Mutant::GenerationOnlyWithRows)) {
            self.next_generation(protocol);
        }
        if found.meets(protocol.scenario.watched()) {
            self.checks.cache = None;
        }
    }

    fn publish(&mut self, protocol: &Protocol, v: usize, age: u8) {
        if v == WATCHED {
            self.checks.deadline = protocol.scenario.leases[v].saturating_sub(age);
        }
    }

    fn reconnect(&mut self, protocol: &Protocol, v: usize) {
        self.verifiers[v].wire = None;
        self.verifiers[v].connected = false;
        self.begin_to_end(protocol, v, Mutant::KeepDeadlineOnLoss);
    }

    /// The first half of ending an incarnation: zero the deadline.
    fn begin_to_end(&mut self, protocol: &Protocol, v: usize, keeps_deadline: Mutant) {
        self.verifiers[v].lease = Lease::Ending;
        if v != WATCHED {
            return;
        }
        if protocol.is(Mutant::FlushBeforeZero) {
            self.flush_all(protocol);
        } else if !protocol.is(keeps_deadline) {
            self.checks.deadline = 0;
        }
    }

    /// The second half: flush everything.
    fn end_incarnation(&mut self, protocol: &Protocol, v: usize) {
        let lost = !self.verifiers[v].connected;
        let keeps = if lost {
            Mutant::NoFlushOnLoss
        } else {
            Mutant::NoFlushWhenGivenUp
        };
        let verifier = &mut self.verifiers[v];
        verifier.lease = Lease::Starting;
        verifier.server = Server::Primary;
        verifier.applied = Xids::default();
        if v != WATCHED {
            return;
        }
        if protocol.is(Mutant::FlushBeforeZero) {
            self.checks.deadline = 0;
        } else if !protocol.is(keeps) {
            self.flush_all(protocol);
        }
    }

    fn flush_all(&mut self, protocol: &Protocol) {
        self.checks.cache = None;
        if !protocol.is(Mutant::KeepGenerationAtEnd) {
            self.next_generation(protocol);
        }
    }

    /// Queries keep what the generation was; all that matters is whether it still is.
    fn next_generation(&mut self, protocol: &Protocol) {
        for query in &mut self.checks.queries {
            query.current = false;
        }
        // What will neither be kept nor answers the request has no effect.
        if !protocol.is(Mutant::FillWithoutGeneration) {
            self.checks.queries.retain(|query| query.awaited);
        }
    }
}
