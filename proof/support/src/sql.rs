use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

/// Changes rows past all rules but the database's own.
///
/// # Panics
/// When the database refuses.
pub fn execute(connection: &mut PgConnection, sql: &str) {
    connection
        .batch_execute(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The one text that a query returns.
///
/// # Panics
/// When the database refuses, or returns something else.
#[must_use]
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
///
/// # Panics
/// When the database refuses.
#[must_use]
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
