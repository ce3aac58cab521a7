//! What a step has changed, in words: that is what makes a counterexample readable.

use crate::database::Row;
use crate::state::{Answer, Kind, Operation, Progress, Revoker, Stage, State, WATCHED};

impl State {
    /// What is different in `after`, in brackets.
    pub(crate) fn difference(&self, after: &Self) -> String {
        let mut facts = Vec::new();
        facts.extend(self.different_checks(after));
        facts.extend(self.different_operation(after));
        facts.extend(self.different_rows(after));
        let undone = self.database.committed.without(after.database.committed);
        if !undone.is_empty() {
            facts.push(format!("{undone} is undone"));
        }
        if self.database.log != after.database.log {
            facts.push(format!("the log is {}", after.database.log));
        }
        if self.verifiers[WATCHED].applied != after.verifiers[WATCHED].applied {
            facts.push(format!(
                "v{WATCHED} has flushed {}",
                after.verifiers[WATCHED].applied
            ));
        }
        let is_acknowledged = |revoker: &Revoker| matches!(revoker, Revoker::Acknowledged { .. });
        for (change, revoker) in after.revokers.iter().enumerate() {
            if is_acknowledged(revoker) && !is_acknowledged(&self.revokers[change]) {
                facts.push(format!("x{change} is ACKNOWLEDGED"));
            }
        }
        if facts.is_empty() {
            String::new()
        } else {
            format!("  [{}]", facts.join("; "))
        }
    }

    fn different_checks(&self, after: &Self) -> Vec<String> {
        let (before, after) = (&self.checks, &after.checks);
        let mut facts = Vec::new();
        // Time alone brings the deadline nearer, and is worth telling when it gets there.
        let only_nearer = after.deadline > 0 && after.deadline < before.deadline;
        if before.deadline != after.deadline && !only_nearer {
            let passed = "the deadline has passed".to_owned();
            facts.push(if after.deadline == 0 {
                passed
            } else {
                format!("deadline in {}", after.deadline)
            });
        }
        if before.cache != after.cache {
            let kept = after.cache.map(|view| format!("view {view} is in the cache"));
            facts.push(kept.unwrap_or_else(|| "the cache is empty".to_owned()));
        }
        let found = |query: &crate::state::Query| query.found;
        if let Some(view) = after.queries.iter().filter_map(found).next()
            && before.queries.iter().all(|query| query.found.is_none())
        {
            facts.push(format!("finds view {view}"));
        }
        let progress = after.request.as_ref().map(|request| &request.progress);
        if before.request.as_ref().map(|request| &request.progress) != progress {
            facts.extend(progress.and_then(told));
        }
        facts
    }

    fn different_operation(&self, after: &Self) -> Option<String> {
        let pairs = self.verifiers.iter().zip(&after.verifiers);
        let mut wires = pairs.filter(|(before, after)| before.wire != after.wire);
        wires
            .next()
            .and_then(|(_, after)| after.wire.as_ref())
            .map(told_operation)
    }

    fn different_rows(&self, after: &Self) -> Vec<String> {
        let gone = self
            .database
            .rows
            .iter()
            .filter(|row| after.database.row(row.id).is_none());
        let gone = gone.map(|row| format!("row {} is gone", row.id));
        let told = |row: &Row| format!("row {} has applied {}", row.id, row.applied);
        let is_new = |row: &&Row| {
            self.database
                .row(row.id)
                .is_none_or(|old| old.applied != row.applied)
        };
        gone.chain(after.database.rows.iter().filter(is_new).map(told))
            .collect()
    }
}

fn told_operation(operation: &Operation) -> String {
    let row = operation.row;
    let name = match operation.kind {
        Kind::Register { .. } => format!("registration of {row}"),
        Kind::Renew { .. } => format!("renewal of {row}"),
    };
    match operation.stage {
        Stage::Open { seen, found } if !found.is_empty() => {
            format!("{name} sees {seen}, finds {found} in the log")
        }
        Stage::Open { seen, .. } => format!("{name} sees {seen}"),
        Stage::GivenUp => format!("{name} finds no row"),
        Stage::Sent | Stage::Done { .. } => name,
    }
}

fn told(progress: &Progress) -> Option<String> {
    match progress {
        Progress::LookedUp(view) => Some(format!("holds view {view}")),
        Progress::KnowsDeadline { left, .. } => Some(if *left == 0 {
            "it has passed".to_owned()
        } else {
            format!("{left} away")
        }),
        Progress::Live => Some("the lease is live".to_owned()),
        Progress::Missed => Some("a miss".to_owned()),
        Progress::Answered(Answer::Accepted { view, .. }) => Some(format!("ACCEPTS view {view}")),
        Progress::Answered(Answer::Refused) => Some("REFUSES".to_owned()),
        Progress::Arrived | Progress::Asking => None,
    }
}
