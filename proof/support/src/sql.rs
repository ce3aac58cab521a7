use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use jeton_persistence::PgConnection;

use crate::wait_until;

/// Changes rows past all rules but the database's own.
pub fn execute(connection: &mut PgConnection, sql: &str) {
    connection
        .batch_execute(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The one text that a query returns.
pub fn text(connection: &mut PgConnection, query: &str) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        value: String,
    }
    let query = format!("SELECT ({query})::text AS value");
    sql_query(&query)
        .get_result::<Row>(connection)
        .unwrap_or_else(|error| panic!("{query}: {error}"))
        .value
}

/// How many rows there are: of a table, with or without a `WHERE`.
pub fn count(connection: &mut PgConnection, what: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        value: i64,
    }
    let query = format!("SELECT count(*) AS value FROM {what}");
    sql_query(&query)
        .get_result::<Row>(connection)
        .unwrap_or_else(|error| panic!("{query}: {error}"))
        .value
}

/// Does what a role has the right to do, and takes it back.
pub fn may(connection: &mut PgConnection, statement: &str) {
    execute(connection, &format!("BEGIN; {statement}; ROLLBACK"));
}

/// Refused for lack of a right, and for nothing else.
pub fn may_not(connection: &mut PgConnection, statement: &str) {
    let refused = format!(
        "DO $do$ BEGIN
            BEGIN
                EXECUTE $it${statement}$it$;
            EXCEPTION WHEN insufficient_privilege THEN
                RETURN;
            END;
            RAISE EXCEPTION 'it was allowed';
        END $do$"
    );
    execute(connection, &refused);
}

/// Waits until so many statements in this connection's database wait for a lock that somebody holds.
pub fn wait_for_blocked(connection: &mut PgConnection, statements: i64) {
    let blocked = "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
        AND cardinality(pg_blocking_pids(pid)) > 0";
    wait_until("statements blocked", || count(connection, blocked) == statements);
}
