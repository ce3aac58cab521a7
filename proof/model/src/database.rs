//! Postgres: transactions, locks, the verifiers' rows and what a crash leaves of them.

use crate::Xids;
use crate::model::Protocol;
use crate::mutant::Mutant;
use crate::state::{Kind, Operation, Revoker, RowId, Stage, State};
use crate::step::{DatabaseStep, Place, Step};

/// Postgres.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Database {
    /// The committed changes, as far as they are visible.
    pub(crate) committed: Xids,
    /// Those that the standby has, too. A commit that is waited for is visible only then; one that nobody waits for any
    /// more, before.
    pub(crate) replicated: Xids,
    /// The rows of the log that stand: committed, and not purged.
    pub(crate) log: Xids,
    /// The table of verifiers.
    pub(crate) rows: Vec<Row>,
    /// Transactions whose client is gone, and which may be executed nevertheless.
    pub(crate) orphans: Vec<Operation>,
}

/// A verifier's row. Its lease is in the scenario.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) id: RowId,
    pub(crate) version: u8,
    pub(crate) applied: Xids,
    /// What a crash of Postgres or a fail-over would leave of `version` and `applied`, or of the row at all.
    pub(crate) on_disk: Option<(u8, Xids)>,
}

impl Operation {
    /// Whether it holds the lock on that row: from its `UPDATE` or `DELETE` up to its end.
    fn locks(&self, id: RowId) -> bool {
        matches!(self.stage, Stage::Open { .. }) && self.touches(id)
    }

    fn touches(&self, id: RowId) -> bool {
        match self.kind {
            Kind::Register { replaces } => replaces == Some(id),
            Kind::Renew { .. } => self.row == id,
        }
    }
}

impl State {
    pub(crate) fn offer_database_steps(&self, steps: &mut Vec<Step>) {
        for (place, operation) in self.operations() {
            match operation.stage {
                Stage::Sent if !self.must_wait_for_lock(operation) => {
                    steps.push(Step::Database(DatabaseStep::Begin(place)));
                }
                Stage::Open { .. } => steps.push(Step::Database(DatabaseStep::Commit(place))),
                _ => {}
            }
        }
        if self.faults.may_undo() {
            for (row, content) in self.database.rows.iter().enumerate() {
                // What a row says of a change comes after the change, on the way to the standby as well.
                let follows = self.database.replicated.contains_all(content.applied);
                if follows && content.on_disk != Some((content.version, content.applied)) {
                    steps.push(Step::Database(DatabaseStep::Write { row }));
                }
            }
        }
    }

    pub(crate) fn take_database_step(&mut self, protocol: &Protocol, step: &DatabaseStep) {
        match *step {
            DatabaseStep::Begin(place) => self.advance(protocol, place, Self::begin),
            DatabaseStep::Commit(place) => self.advance(protocol, place, Self::commit),
            DatabaseStep::Write { row } => {
                let row = &mut self.database.rows[row];
                row.on_disk = Some((row.version, row.applied));
            }
        }
    }

    fn operations(&self) -> impl Iterator<Item = (Place, &Operation)> {
        let wires = self.verifiers.iter().enumerate();
        let wires = wires.filter_map(|(v, verifier)| Some((Place::Wire(v), verifier.wire.as_ref()?)));
        let orphans = self.database.orphans.iter().enumerate();
        wires.chain(orphans.map(|(i, operation)| (Place::Orphan(i), operation)))
    }

    pub(crate) fn is_locked(&self, id: RowId) -> bool {
        self.operations().any(|(_, operation)| operation.locks(id))
    }

    fn must_wait_for_lock(&self, operation: &Operation) -> bool {
        match operation.kind {
            Kind::Register { replaces } => replaces.is_some_and(|id| self.is_locked(id)),
            Kind::Renew { .. } => self.is_locked(operation.row),
        }
    }

    /// Advances an operation by one stage. Nobody waits for the reply to an orphan.
    fn advance(
        &mut self,
        protocol: &Protocol,
        place: Place,
        stage: fn(&mut Self, &Protocol, &Operation) -> Stage,
    ) {
        match place {
            Place::Wire(v) => {
                let Some(mut operation) = self.verifiers[v].wire.take() else {
                    return;
                };
                let server = self.verifiers[v].server;
                if operation.stage == Stage::Sent || matches!(operation.kind, Kind::Register { .. }) {
                    self.answered(v, server);
                }
                operation.stage = self.at(server, |state| stage(state, protocol, &operation));
                self.verifiers[v].wire = Some(operation);
            }
            Place::Orphan(i) => {
                let mut operation = self.database.orphans.remove(i);
                operation.stage = stage(self, protocol, &operation);
                if matches!(operation.stage, Stage::Open { .. }) {
                    self.database.orphans.push(operation);
                }
            }
        }
    }

    /// What a statement sees that is executed now.
    pub(crate) fn snapshot(&self, protocol: &Protocol) -> Xids {
        let committed = self.database.committed;
        if protocol.is(Mutant::HighWaterMark) {
            committed.filled_up()
        } else {
            committed
        }
    }

    /// Executes the statements of an operation, and leaves its transaction open.
    fn begin(&mut self, protocol: &Protocol, operation: &Operation) -> Stage {
        let seen = self.snapshot(protocol);
        match operation.kind {
            Kind::Register { .. } => Stage::Open {
                seen,
                found: Xids::default(),
            },
            Kind::Renew { .. } if self.database.row(operation.row).is_none() => Stage::GivenUp,
            Kind::Renew { applied, dropped } => {
                let found = self.database.log.without(applied);
                let any_will_do = protocol.is(Mutant::AnyDropWillDo) && !dropped.is_empty();
                let has_dropped_all = dropped.contains_all(found) || any_will_do;
                Stage::Open {
                    seen,
                    found: if has_dropped_all { Xids::default() } else { found },
                }
            }
        }
    }

    fn commit(&mut self, protocol: &Protocol, operation: &Operation) -> Stage {
        let Stage::Open { seen, found } = operation.stage else {
            return operation.stage;
        };
        match operation.kind {
            Kind::Register { replaces } => {
                self.database.rows.retain(|row| Some(row.id) != replaces);
                let durable = !protocol.is(Mutant::RegistrationLostByCrash);
                self.database.insert(Row {
                    id: operation.row,
                    version: 0,
                    applied: seen,
                    on_disk: durable.then_some((0, seen)),
                });
                if durable {
                    self.database.replicate();
                }
            }
            Kind::Renew { applied, .. } => {
                let version = self.fresh_version(operation.row);
                let early = found.is_empty() || protocol.is(Mutant::AppliedBeforeFlush);
                if let Some(row) = self.database.row_mut(operation.row) {
                    row.version = version;
                    row.applied = if early { seen } else { applied };
                }
            }
        }
        Stage::Done { seen, found }
    }

    /// The next version of a row. Versions are compared for equality and nothing else, so that any that nobody remembers
    /// is as good as one more than the last, and they need no bound.
    fn fresh_version(&self, id: RowId) -> u8 {
        let in_looks = self
            .looks()
            .flat_map(|look| &look.rows)
            .filter(|(row, _)| *row == id);
        let row = self.database.row(id);
        let remembered: Vec<u8> = in_looks
            .map(|(_, version)| *version)
            .chain(row.map(|row| row.version))
            .chain(row.and_then(|row| row.on_disk).map(|(version, _)| version))
            .collect();
        (0..=u8::MAX)
            .find(|version| !remembered.contains(version))
            .unwrap_or(u8::MAX)
    }

    /// Postgres crashes and is back. Open transactions are aborted and connections broken; replies that have left are
    /// still under way. Whoever remembers versions has lost his connection, and with it the right to compare: a row may
    /// be back at a version that it had before.
    pub(crate) fn crash_server(&mut self, protocol: &Protocol) {
        for verifier in &mut self.verifiers {
            verifier.connected = false;
            verifier
                .wire
                .take_if(|operation| matches!(operation.stage, Stage::Sent | Stage::Open { .. }));
        }
        self.database.orphans.clear();
        self.database.forget_what_is_not_on_disk();
        self.checks.queries.retain(|query| query.found.is_some());
        for revoker in &mut self.revokers {
            if let Revoker::Open { .. } = revoker {
                *revoker = Revoker::Pending;
            }
            if let Some(look) = revoker.look_mut()
                && !protocol.is(Mutant::LooksSurviveCrash)
            {
                *look = None;
            }
        }
        if !protocol.is(Mutant::LooksSurviveCrash) {
            self.purger = None;
        }
    }
}

impl Database {
    pub(crate) fn row(&self, id: RowId) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == id)
    }

    pub(crate) fn row_mut(&mut self, id: RowId) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.id == id)
    }

    /// Nobody is told of the commit that has just been done before the standby has it, and with it all that was before.
    pub(crate) fn replicate(&mut self) {
        self.replicated = self.committed;
    }

    fn insert(&mut self, row: Row) {
        let place = self.rows.partition_point(|other| other.id < row.id);
        self.rows.insert(place, row);
    }

    pub(crate) fn forget_what_is_not_on_disk(&mut self) {
        self.rows.retain(|row| row.on_disk.is_some());
        for row in &mut self.rows {
            if let Some((version, applied)) = row.on_disk {
                row.version = version;
                row.applied = applied;
            }
        }
    }
}
