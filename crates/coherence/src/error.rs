use diesel::result::{ConnectionError, DatabaseErrorKind, Error as DieselError};
use std::error::Error as _;
use uuid::Uuid;

/// What a question to the database can end with, besides an answer. "Not found" is an answer: an `Option`.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The database could not be reached, did not answer in time or lost the connection. What was asked of it may
    /// have happened all the same. Trying again later is right.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The rows that are there do not allow the change.
    #[error("conflict with {constraint}")]
    Conflict {
        /// The name of the constraint that said no.
        constraint: String,
    },
    /// A row holds what nothing can be made of, in a column whose constraint refuses that.
    #[error("corrupt row: {column} of {id}")]
    Corrupt {
        /// The table and the column.
        column: &'static str,
        /// The row's id.
        id: Uuid,
    },
    /// The server lacks what this project is built on.
    #[error("the server is PostgreSQL {0}; 13 or newer is needed")]
    ServerTooOld(String),
    /// Names and passwords of people do not fit, or come out as others.
    #[error(
        "the {of} has the encoding {encoding}; UTF8 is needed: dump it, make a database with \
        `CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`, and restore it there"
    )]
    NotUtf8 {
        /// The database, or this session with it (`client_encoding`).
        of: &'static str,
        /// What Postgres calls it.
        encoding: String,
    },
    /// No more verifiers are registered, or revocations would have to wait for too many.
    #[error(
        "the role that this service signs in as has {} verifiers registered, and there may be no more: give services roles \
        of their own; those that have ended without a word are taken off the list within two minutes",
        crate::verifiers::MOST_PER_ROLE
    )]
    TooManyVerifiers,
    /// The role that this service signs in as may not even check tokens.
    #[error(
        "the role {0} is no member of jeton_verifier, as every service's has to be, and the auth service's of jeton_auth as well: \
        `jeton role create` makes it one"
    )]
    NotAService(String),
    /// The tables are those of a version that was never released.
    #[error(
        "the database was made by a version before the first release and cannot be brought up to date: dump the data \
        that you need, and let `jeton migrate` set up a new database"
    )]
    Unreleased,
    /// The statement failed: a defect of this project.
    #[error("query failed: {0}")]
    Query(DieselError),
}

/// What every function that asks the database returns.
pub type DatabaseResult<T> = Result<T, DatabaseError>;

impl From<DieselError> for DatabaseError {
    fn from(error: DieselError) -> Self {
        use DatabaseErrorKind::{
            CheckViolation, ClosedConnection, ForeignKeyViolation, ReadOnlyTransaction, SerializationFailure,
            UnableToSendCommand, UniqueViolation,
        };
        match error {
            DieselError::DatabaseError(kind, info) => match kind {
                UniqueViolation | ForeignKeyViolation | CheckViolation => Self::Conflict {
                    constraint: info.constraint_name().unwrap_or_default().to_owned(),
                },
                // Read-only: this was the primary until a moment ago.
                ClosedConnection | UnableToSendCommand | ReadOnlyTransaction | SerializationFailure => {
                    Self::Unavailable(info.message().to_owned())
                }
                // The server's table of locks is full, whoever has filled it: it passes (SQLSTATE 53200). Diesel keeps the
                // text alone, which a server that speaks another language (`lc_messages`) has otherwise.
                _ if info.message() == "out of shared memory" => Self::Unavailable(info.message().to_owned()),
                _ if is_about_lost_statement(info.message()) => Self::Unavailable(with_cause(info.message())),
                kind => Self::Query(DieselError::DatabaseError(kind, info)),
            },
            // Nor could it be taken back.
            DieselError::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
            DieselError::BrokenTransactionManager => Self::Unavailable("the connection was lost".to_owned()),
            error => Self::Query(error),
        }
    }
}

impl From<ConnectionError> for DatabaseError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::CouldntSetupConfiguration(error) => error.into(),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// Where prepared statements are kept, none is lost or there already (SQLSTATE 26000, 42P05). A server that speaks another
/// language says it otherwise, and is not understood.
fn is_about_lost_statement(message: &str) -> bool {
    message.starts_with("prepared statement \"")
}

/// What the driver says, which is little, and what the server or the system has said.
pub(crate) fn with_source(error: &tokio_postgres::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// What the server has said, and what the cause is where that has to be known to be found.
pub(crate) fn with_cause(message: &str) -> String {
    if !is_about_lost_statement(message) {
        return message.to_owned();
    }
    format!(
        "{message}: there is a pool in between that lends connections for a transaction (PgBouncer's transaction mode) and \
        does not keep prepared statements; have it lend them for a session, or take PgBouncer 1.21 or newer with \
        max_prepared_statements"
    )
}

#[cfg(test)]
mod tests {
    use super::with_cause;

    #[test]
    fn a_lost_prepared_statement_names_the_pool() {
        for message in [
            r#"prepared statement "s9" does not exist"#,
            r#"prepared statement "s5" already exists"#,
        ] {
            let told = with_cause(message);
            assert!(told.starts_with(message), "{told}");
            assert!(told.contains("PgBouncer"), "{told}");
        }
        assert_eq!(with_cause("out of shared memory"), "out of shared memory");
    }
}
