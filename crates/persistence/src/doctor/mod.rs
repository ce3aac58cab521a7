//! What is wrong with a database, or will be: what an operator could otherwise see in psql alone. Nothing here writes.
//!
//! A check is one function in [`CHECKS`], and a test that makes the fault and sees it found.

mod activity;
mod checks;
mod delegation;
mod limits;
mod roles;
mod rows;
mod schema;
mod server;
mod tables;
mod times;
mod verifiers;

pub use checks::{CHECKS, Check};

use crate::PgConnection;
use crate::{DatabaseError, DatabaseResult, DatabaseUrl};
use checks::Look;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use jeton_coherence::{MIGRATIONS, applied_versions, version};
use std::cmp::Reverse;
use std::time::{Duration, Instant};

/// The most findings of one check that are told one by one.
const MOST: usize = 20;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Works, and will not always.
    Warning,
    /// It could not be looked at: this role may not, or a lock was in the way.
    Unseen,
    /// Something does not work, or is not safe.
    Error,
}

impl Severity {
    /// Its name, which stays.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Unseen => "unseen",
            Self::Error => "error",
        }
    }
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub remedy: String,
}

impl Finding {
    fn new(severity: Severity, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            severity,
            found: found.into(),
            remedy: remedy.into(),
        }
    }

    fn error(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Severity::Error, found, remedy)
    }

    fn warning(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Severity::Warning, found, remedy)
    }

    fn unseen(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Severity::Unseen, found, remedy)
    }
}

/// What the checks need to know besides what is in the database.
#[derive(Debug, Clone)]
pub struct Context {
    /// Where the database is.
    pub url: DatabaseUrl,
    /// When the connection was about to be opened.
    pub connected_at: Instant,
    /// Since when a transaction has to be open to be told of.
    pub transaction_age: Duration,
}

/// The versions of the migrations that were applied, or why nobody can use the database: several checks are about it.
type Applied = DatabaseResult<Vec<String>>;

/// Makes all checks and tells of each what it has found. What a check could not see is a finding of its own.
///
/// # Errors
/// [`DatabaseError::Unavailable`]: the connection was lost.
pub fn examine(
    connection: &mut PgConnection,
    context: &Context,
    mut tell: impl FnMut(&Check, Vec<Finding>),
) -> DatabaseResult<()> {
    let applied = match read_only(connection, applied_versions) {
        Err(DatabaseError::Unavailable(reason)) => return Err(DatabaseError::Unavailable(reason)),
        applied => applied,
    };
    let is_applied = |versions: &Vec<String>| MIGRATIONS.iter().all(|name| versions.contains(&version(name)));
    let migrated = applied.as_ref().is_ok_and(is_applied);
    for check in CHECKS {
        let findings = if migrated || check.always {
            make(check, connection, context, &applied)?
        } else {
            vec![Finding::unseen(
                "the database is not up to date, and this was not looked at",
                "run `jeton migrate`",
            )]
        };
        tell(check, bounded(findings));
    }
    Ok(())
}

fn make(
    check: &Check,
    connection: &mut PgConnection,
    context: &Context,
    applied: &Applied,
) -> DatabaseResult<Vec<Finding>> {
    let made = match check.look {
        Look::Applied(look) => read_only(connection, |connection| look(connection, applied)),
        Look::Once(look) => read_only(connection, |connection| look(connection, context)),
        Look::Long(look) => look(connection, context),
    };
    match made {
        Err(DatabaseError::Unavailable(reason)) => Err(DatabaseError::Unavailable(reason)),
        Err(error) => Ok(vec![unseen(&error)]),
        Ok(findings) => Ok(findings),
    }
}

/// A role that may not see something is told so. Where a table or a column is gone, that is told of the tables.
fn unseen(error: &DatabaseError) -> Finding {
    let gone = |said: &str| said.starts_with("column ") || said.starts_with("relation ");
    let remedy = match error {
        DatabaseError::Query(diesel::result::Error::DatabaseError(_, info))
            if gone(info.message()) && info.message().ends_with(" does not exist") =>
        {
            "mend what `tables` tells of, and look again"
        }
        _ => "run this as the owner of the tables, or when nobody holds a lock on them",
    };
    Finding::unseen(format!("this could not be looked at: {error}"), remedy)
}

fn bounded(mut findings: Vec<Finding>) -> Vec<Finding> {
    let all = findings.len();
    if all > MOST {
        findings.sort_by_key(|finding| Reverse(finding.severity));
        let worst = findings[MOST..].iter().map(|finding| finding.severity).max();
        findings.truncate(MOST);
        findings.push(Finding::new(
            worst.unwrap_or(Severity::Warning),
            format!("and {} more of this kind", all - MOST),
            "mend these, and look again",
        ));
    }
    findings
}

/// Looks at something in a transaction that cannot write, and waits for no lock for long. All is said of the transaction:
/// a pool may give the session to others.
fn read_only<T>(
    connection: &mut PgConnection,
    look: impl FnOnce(&mut PgConnection) -> DatabaseResult<T>,
) -> DatabaseResult<T> {
    jeton_coherence::read_only(connection, |connection| {
        connection.batch_execute("SET LOCAL lock_timeout = '2s'")?;
        look(connection)
    })
}

/// The texts that a query gives, in its column `line`.
fn lines(connection: &mut PgConnection, query: &str) -> DatabaseResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let rows: Vec<Row> = diesel::sql_query(query).load(connection)?;
    Ok(rows.into_iter().map(|row| row.line).collect())
}

/// A finding for each text that a query gives.
fn each(
    connection: &mut PgConnection,
    query: &str,
    finding: impl Fn(String) -> Finding,
) -> DatabaseResult<Vec<Finding>> {
    Ok(lines(connection, query)?.into_iter().map(finding).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_bounded_and_the_worst_are_told() {
        let mut many: Vec<_> = (0..30).map(|_| Finding::warning("a", "b")).collect();
        many.push(Finding::error("worst", "b"));
        let told = bounded(many);
        assert_eq!(told.len(), MOST + 1);
        assert_eq!(told[0].found, "worst");
        assert_eq!(told[MOST].found, "and 11 more of this kind");
        assert_eq!(told[MOST].severity, Severity::Warning);
    }
}
