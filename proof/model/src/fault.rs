//! What goes wrong.

use crate::Xids;
use crate::fail_over::Knows;
use crate::model::Protocol;
use crate::state::{Lease, Operation, Revoker, Stage, State, WATCHED};
use crate::step::{Fault, Step};

impl State {
    pub(crate) fn offer_faults(&self, steps: &mut Vec<Step>) {
        let mut offer = |fault| steps.push(Step::Fault(fault));
        let under_way = |operation: &Operation| matches!(operation.stage, Stage::Sent | Stage::Open { .. });
        for (verifier, state) in self.verifiers.iter().enumerate() {
            let may_execute = state.wire.as_ref().is_some_and(under_way);
            for executes in [false, true] {
                if executes && !may_execute {
                    continue;
                }
                if self.faults.disconnects > 0 && state.connected && has_connection(state.lease) {
                    offer(Fault::Disconnect { verifier, executes });
                }
                // A request that is under way in the process gets no answer, and nothing is promised about that.
                let answers = verifier == WATCHED && self.checks.request.is_some();
                if self.faults.crashes > 0 && !answers && state.lease != Lease::Starting {
                    offer(Fault::Crash { verifier, executes });
                }
            }
        }
        if self.faults.server_crashes > 0 {
            offer(Fault::ServerCrash);
        }
        if self.faults.fail_overs > 0 {
            offer(Fault::FailOver);
        }
        for (change, revoker) in self.revokers.iter().enumerate() {
            let may_lose = matches!(
                revoker,
                Revoker::Open { lost: false, .. } | Revoker::Committed { .. } | Revoker::Waiting { .. }
            );
            if self.faults.lost_replies > 0 && may_lose {
                offer(Fault::LoseReply { change });
            }
        }
    }

    pub(crate) fn take_fault(&mut self, protocol: &Protocol, fault: &Fault) {
        match *fault {
            Fault::Disconnect { verifier, executes } => {
                self.faults.disconnects -= 1;
                self.disconnect(verifier, executes);
            }
            Fault::Crash { verifier, executes } => {
                self.faults.crashes -= 1;
                self.disconnect(verifier, executes);
                self.restart(verifier);
            }
            Fault::ServerCrash => {
                self.crash_server(protocol);
                self.faults.server_crashes -= 1;
            }
            Fault::FailOver => {
                self.fail_over(protocol);
                self.faults.fail_overs -= 1;
            }
            Fault::LoseReply { change } => {
                self.faults.lost_replies -= 1;
                self.revokers[change] = match self.revokers[change] {
                    Revoker::Open { age, .. } => Revoker::Open { lost: true, age },
                    _ => Revoker::Unknown,
                };
            }
        }
    }

    fn disconnect(&mut self, verifier: usize, executes: bool) {
        self.verifiers[verifier].connected = false;
        let operation = self.verifiers[verifier].wire.take();
        self.database.orphans.extend(operation.filter(|_| executes));
    }

    /// A new process: it knows nothing of its predecessor, not even its row.
    fn restart(&mut self, verifier: usize) {
        let process = &mut self.verifiers[verifier];
        process.lease = Lease::Starting;
        process.row = None;
        process.applied = Xids::default();
        process.knows = Knows::Nothing;
        process.connected = true;
        if verifier == WATCHED {
            self.checks.deadline = 0;
            self.checks.cache = None;
            self.checks.queries.clear();
        }
    }
}

pub(crate) fn has_connection(lease: Lease) -> bool {
    !matches!(lease, Lease::Starting | Lease::Ending)
}
