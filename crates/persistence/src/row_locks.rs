use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;

/// A query that locks rows of some of its tables: see [`LockRows::lock_rows`].
#[derive(Debug)]
pub(crate) struct RowsLocked<Q> {
    query: Q,
    tables: &'static str,
}

/// For queries that read more tables than they lock: Diesel's own clause is for all of them.
pub(crate) trait LockRows: Sized {
    /// Locks rows of these tables (`FOR NO KEY UPDATE`), in this order, and reads them as whoever had them before has left them. What
    /// is read of other tables is from before the wait.
    fn lock_rows(self, tables: &'static str) -> RowsLocked<Self> {
        RowsLocked { query: self, tables }
    }
}

impl<Q: Query> LockRows for Q {}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for RowsLocked<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(" FOR NO KEY UPDATE OF ");
        out.push_sql(self.tables);
        Ok(())
    }
}

/// By its text alone: the tables are a part of it.
impl<Q> QueryId for RowsLocked<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for RowsLocked<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, Connection> RunQueryDsl<Connection> for RowsLocked<Q> {}
