//! The server itself, what is between it and this program, and how it is set.

use super::{Applied, Context, Finding, each, lines, read_only};
use crate::PgConnection;
use crate::{ConnectionLimits, DatabaseError, DatabaseResult, establish};
use diesel::prelude::*;
use diesel::sql_types::{Double, Integer};
use jeton_domain::printable::cut;
use std::time::{Duration, Instant, SystemTime};

/// How far two clocks may be apart before it is told.
const APART: Duration = Duration::from_secs(5);

pub(super) fn version(_: &mut PgConnection, applied: &Applied) -> DatabaseResult<Vec<Finding>> {
    Ok(match applied {
        Err(error @ DatabaseError::ServerTooOld(_)) => {
            vec![Finding::error(error.to_string(), "upgrade the server")]
        }
        _ => Vec::new(),
    })
}

/// As everybody refuses it who uses the database. What else is wrong is told of the server, or of the migrations.
pub(super) fn encoding(_: &mut PgConnection, applied: &Applied) -> DatabaseResult<Vec<Finding>> {
    Ok(match applied {
        Err(DatabaseError::NotUtf8 { of, encoding }) => vec![Finding::error(
            format!(
                "the {of} has the encoding {encoding}: names that it lacks cannot be stored or looked up"
            ),
            "make a database with `CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`, and move the data there; of a \
            session: its pool, or `client_encoding`",
        )],
        _ => Vec::new(),
    })
}

/// How long a second connection is asked.
const PATIENCE: Duration = Duration::from_secs(5);

/// A pool that lends sessions for a transaction gives the same one to two connections that are open at the same time, or
/// one connection several.
pub(super) fn pooler(connection: &mut PgConnection, context: &Context) -> DatabaseResult<Vec<Finding>> {
    let first = session(connection)?;
    let since = context.connected_at.elapsed();
    let mut shared = false;
    // Where there is no other to be had, that is told of the connections.
    if let Ok(mut other) = establish(&context.url, ConnectionLimits::beside_any_commits(PATIENCE)) {
        for _ in 0..5 {
            let (theirs, own) = (session(&mut other)?, session(connection)?);
            shared = shared || theirs.pid == own.pid || own.pid != first.pid;
        }
    }
    if shared {
        return Ok(vec![Finding::error(
            "a pool is in between that lends sessions for a transaction: services that use it cannot keep a lease, and every \
            check asks the database",
            "connect services directly, or by a pool in session mode",
        )]);
    }
    Ok(of_session(first.age, since).into_iter().collect())
}

#[derive(QueryableByName)]
struct Session {
    #[diesel(sql_type = Integer)]
    pid: i32,
    #[diesel(sql_type = Double)]
    age: f64,
}

fn session(connection: &mut PgConnection) -> DatabaseResult<Session> {
    read_only(connection, |connection| {
        Ok(diesel::sql_query(
            "SELECT pid, extract(epoch FROM clock_timestamp() - backend_start)::float8 AS age \
            FROM pg_stat_activity WHERE pid = pg_backend_pid()",
        )
        .get_result(connection)?)
    })
}

/// A session that began before this program connected is somebody else's. A second is for clocks that are set.
fn of_session(age_secs: f64, connected_for: Duration) -> Option<Finding> {
    (age_secs > connected_for.as_secs_f64() + 1.0).then(|| {
        Finding::warning(
            "a pool is in between: this session is older than the connection",
            "nothing, if it is in session mode: in transaction mode every check asks the database",
        )
    })
}

pub(super) fn clock(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Double)]
        time: f64,
    }
    let asked_at = Instant::now();
    let row: Row = diesel::sql_query("SELECT extract(epoch FROM clock_timestamp())::float8 AS time")
        .get_result(connection)?;
    let took = asked_at.elapsed();
    let here = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Ok(apart(row.time, here.as_secs_f64(), took).into_iter().collect())
}

fn apart(database_secs: f64, here_secs: f64, took: Duration) -> Option<Finding> {
    let difference = database_secs - here_secs;
    (difference.abs() > (APART + took).as_secs_f64()).then(|| {
        let which = if difference > 0.0 { "ahead of" } else { "behind" };
        Finding::warning(
            format!(
                "the server's clock is {:.0} seconds {which} this machine's",
                difference.abs()
            ),
            "keep both by NTP; tokens end by the server's, and one that jumps ahead ends them all",
        )
    })
}

/// Settings of the server, the database or a role that sessions begin with. Services set some for themselves; what is
/// typed into psql, and other programs, take them as they are.
pub(super) fn settings(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    // In `setting=value` form, and where it is set.
    let set = lines(
        connection,
        "SELECT name || '=' || reset_val || E'\\tfor sessions as ' || current_user AS line FROM pg_settings \
            WHERE name IN ('default_transaction_isolation', 'default_transaction_read_only', 'lc_messages', 'row_security', \
                'session_replication_role', 'statement_timeout') \
        UNION ALL SELECT one || E'\\t' || 'for ' || coalesce('the role ' || nullif(setrole::regrole::text, '-'), 'every role') \
                || CASE WHEN setdatabase = 0 THEN '' ELSE ' in this database' END AS line \
            FROM pg_db_role_setting CROSS JOIN unnest(setconfig) AS one \
            WHERE setdatabase = 0 OR setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )?;
    let mut findings: Vec<Finding> = Vec::new();
    for line in &set {
        let (setting, place) = line.split_once('\t').unwrap_or((line, ""));
        let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
        // Said of the session already, where it holds for that.
        if let Some(finding) = of_setting(name, value, place)
            && !findings.contains(&finding)
        {
            findings.push(finding);
        }
    }
    Ok(findings)
}

fn of_setting(name: &str, value: &str, place: &str) -> Option<Finding> {
    // What the server refuses is known by its SQLSTATE, where the driver tells that, and else by its English text.
    if name == "lc_messages" && !is_english(value) {
        return Some(Finding::warning(
            format!(
                "lc_messages is {} {}: some of what the server refuses is not understood, and what would be 503 is 500",
                cut(value),
                cut(place)
            ),
            "as a superuser, `ALTER DATABASE … SET lc_messages = 'C'`",
        ));
    }
    let reset = format!("`ALTER ROLE`, `ALTER DATABASE` or postgresql.conf: set {name} back to its default");
    let (error, why) = match (name, value) {
        ("default_transaction_isolation", value) if value != "read committed" => (
            false,
            "who changes users by hand has every verifier forget everything",
        ),
        ("default_transaction_read_only", "on" | "true" | "yes" | "1") => (true, "nothing can be written"),
        ("row_security", "off" | "false" | "no" | "0") => (true, "services cannot read their own rows"),
        ("session_replication_role", value) if value != "origin" => (
            true,
            "foreign keys are not kept, and only replication's triggers fire",
        ),
        ("statement_timeout", value) if !value.trim_start_matches('0').is_empty() => (
            false,
            "`jeton migrate`, a dump, and the deletion of very many tokens are cut off by it",
        ),
        _ => return None,
    };
    let found = format!("{name} is {} {}: {why}", cut(value), cut(place));
    Some(if error {
        Finding::error(found, reset)
    } else {
        Finding::warning(found, reset)
    })
}

/// Whether messages are in English by this locale; by none, they are in the language that the server was started in.
fn is_english(locale: &str) -> bool {
    let language = locale.split(['_', '.', '@']).next().unwrap_or_default();
    ["", "C", "POSIX", "en"].contains(&language)
}

pub(super) fn durability(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    each(
        connection,
        "SELECT name || '=' || reset_val AS line FROM pg_settings \
            WHERE (name IN ('fsync', 'full_page_writes') AND setting = 'off') \
                OR (name = 'synchronous_commit' AND reset_val IN ('off', 'local')) \
        UNION ALL SELECT one || ' for the role ' || setrole::regrole AS line \
            FROM pg_db_role_setting CROSS JOIN unnest(setconfig) AS one \
            WHERE setrole NOT IN (0, current_user::regrole) AND one ~* '^synchronous_commit=(off|local|false|no|0)$' \
                AND (setdatabase = 0 OR setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())) \
        ORDER BY 1",
        |line| match line.split_once('=') {
            Some(("synchronous_commit", value)) => Finding::warning(
                format!(
                    "synchronous_commit is {}: a crash or a failover may undo sign-ups and sign-ins that were \
                    answered; revocations are durable all the same",
                    cut(value)
                ),
                "set it to on, where that matters",
            ),
            _ => Finding::error(
                format!(
                    "{} is off: a crash of the server may destroy the database, revocations among it",
                    line.trim_end_matches("=off")
                ),
                "set it to on in postgresql.conf, and restart the server",
            ),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;

    #[test]
    fn clocks_may_be_apart_by_what_the_answer_took_and_no_more() {
        assert_eq!(apart(1000.0, 1004.0, Duration::ZERO), None);
        assert_eq!(apart(1000.0, 1030.0, Duration::from_secs(30)), None);
        let ahead = apart(1030.0, 1000.0, Duration::ZERO).unwrap();
        assert_eq!(
            ahead.found,
            "the server's clock is 30 seconds ahead of this machine's"
        );
        assert!(
            apart(1000.0, 1030.0, Duration::ZERO)
                .unwrap()
                .found
                .contains("30 seconds behind")
        );
    }

    #[test]
    fn a_session_older_than_the_connection_is_a_pools() {
        assert_eq!(of_session(0.5, Duration::from_millis(10)), None);
        assert!(of_session(20.0, Duration::from_millis(10)).is_some());
    }

    #[test]
    fn settings_that_are_as_they_should_be_are_not_told() {
        for (name, value) in [
            ("default_transaction_isolation", "read committed"),
            ("lc_messages", "C.UTF-8"),
            ("lc_messages", "en_US.utf8"),
            ("lc_messages", ""),
            ("row_security", "on"),
            ("session_replication_role", "origin"),
            ("statement_timeout", "0"),
            ("work_mem", "1GB"),
        ] {
            assert_eq!(of_setting(name, value, ""), None, "{name}");
        }
        let replica = of_setting("session_replication_role", "replica", "for every role").unwrap();
        assert_eq!(replica.severity, Severity::Error);
        let korean = of_setting("lc_messages", "ko_KR.UTF-8", "for every role").unwrap();
        assert_eq!(korean.severity, Severity::Warning);
        let timeout = of_setting("statement_timeout", "1s", "for every role").unwrap();
        assert_eq!(timeout.severity, Severity::Warning);
    }
}
