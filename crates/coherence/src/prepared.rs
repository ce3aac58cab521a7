use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;

/// A statement that the server parses once a connection; see [`Prepare::prepared`].
#[derive(Debug, Clone, Copy)]
pub struct Prepared<Statement>(Statement);

/// For statements that Diesel would have the server parse and plan each time, at the cost of a round trip of its own: those with
/// a literal of SQL in them, those that are written out, and all updates.
pub trait Prepare: Sized {
    /// Has the server parse it once a connection, which keeps it by its text. So its text has to be one of few: what differs from
    /// one time to the next is bound, and not written into it.
    fn prepared(self) -> Prepared<Self> {
        Prepared(self)
    }
}

impl<Statement: QueryFragment<Pg>> Prepare for Statement {}

impl<Statement: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Statement> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

/// By its text alone.
impl<Statement> QueryId for Prepared<Statement> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Statement: Query> Query for Prepared<Statement> {
    type SqlType = Statement::SqlType;
}

impl<Statement, Connection> RunQueryDsl<Connection> for Prepared<Statement> {}
