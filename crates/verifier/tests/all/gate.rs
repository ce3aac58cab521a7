//! A gate in the middle of every look-up, for tests that need one to be under way.
//!
//! A lock on the table would stop a query too early: Postgres takes the query's snapshot after it has the lock, so the
//! answer would always be of the time after the gate opens. This one stops a query that has taken its snapshot
//! already, as a slow disk or a slow network does. It counts the statements as well.

use crate::support::{connect_to, count, execute, wait_until};
use jeton_persistence::PgConnection;
use jeton_proof_support::TestDatabase;

/// The gate of one database; open at first.
pub(crate) struct Gate(PgConnection);

impl Gate {
    /// Puts a view before the table `tokens` on the search path of all connections that are made from now on; only a
    /// query that finds a token comes by the gate. What triggers do goes past it. After the verifier has connected,
    /// which looks for the triggers of the tables on that path.
    pub(crate) fn install(database: &TestDatabase) -> Self {
        Self::install_at(database.url())
    }

    pub(crate) fn install_at(url: &str) -> Self {
        let mut connection = connect_to(url);
        execute(
            &mut connection,
            "CREATE SCHEMA gate;
            CREATE TABLE gate.statements (xid xid8 PRIMARY KEY);
            CREATE FUNCTION gate.pass(uuid) RETURNS boolean VOLATILE COST 100000 LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO gate.statements VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
                PERFORM pg_advisory_xact_lock_shared(1);
                RETURN true;
            END $$;
            CREATE VIEW gate.tokens AS SELECT * FROM public.tokens WHERE gate.pass(id);
            DO $$ BEGIN
                EXECUTE format('ALTER DATABASE %I SET search_path = gate, public', current_database());
            END $$;",
        );
        Self(connection)
    }

    /// As [`Gate::install`], and closed.
    pub(crate) fn closed(database: &TestDatabase) -> Self {
        let mut gate = Self::install(database);
        gate.close();
        gate
    }

    pub(crate) fn close(&mut self) {
        execute(&mut self.0, "SELECT pg_advisory_lock(1)");
    }

    pub(crate) fn open(&mut self) {
        execute(&mut self.0, "SELECT pg_advisory_unlock(1)");
    }

    /// Waits until so many queries stand before the closed gate.
    pub(crate) fn wait_for_queue(&mut self, queries: i64) {
        wait_until("queries at the gate", || self.queue() == queries);
    }

    /// How many queries stand before the closed gate.
    pub(crate) fn queue(&mut self) -> i64 {
        let waiting = "pg_locks WHERE locktype = 'advisory' AND NOT granted \
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        count(&mut self.0, waiting)
    }

    /// How many statements have found a token, and were answered.
    pub(crate) fn statements(&mut self) -> i64 {
        count(&mut self.0, "gate.statements")
    }
}
