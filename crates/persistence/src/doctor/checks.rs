//! What is looked at, and in which order.

use super::{Applied, Context, Finding};
use super::{activity, delegation, limits, roles, rows, schema, server, tables, times, verifiers};
use crate::DatabaseResult;
use crate::PgConnection;

/// One thing that is looked at.
pub struct Check {
    /// Names it for programs; stays.
    pub id: &'static str,
    /// What it looks at, for people.
    pub about: &'static str,
    pub(super) look: Look,
    /// Whether it can be made before the migrations have been applied.
    pub(super) always: bool,
}

type LookFn = fn(&mut PgConnection, &Context) -> DatabaseResult<Vec<Finding>>;

type AppliedFn = fn(&mut PgConnection, &Applied) -> DatabaseResult<Vec<Finding>>;

pub(super) enum Look {
    /// At what was asked before any other.
    Applied(AppliedFn),
    /// In one transaction.
    Once(LookFn),
    /// In several, each by [`read_only`](super::read_only): it takes its time, and must not hold the cleanup up meanwhile.
    Long(LookFn),
}

const fn of_applied(id: &'static str, about: &'static str, look: AppliedFn) -> Check {
    Check {
        id,
        about,
        look: Look::Applied(look),
        always: true,
    }
}

const fn always(id: &'static str, about: &'static str, look: LookFn) -> Check {
    Check {
        id,
        about,
        look: Look::Once(look),
        always: true,
    }
}

const fn of_tables(id: &'static str, about: &'static str, look: LookFn) -> Check {
    Check {
        id,
        about,
        look: Look::Once(look),
        always: false,
    }
}

const fn long(id: &'static str, about: &'static str, look: LookFn, always: bool) -> Check {
    Check {
        id,
        about,
        look: Look::Long(look),
        always,
    }
}

/// All checks, in the order in which they are made: what explains others first.
pub const CHECKS: &[Check] = &[
    of_applied(
        "server",
        "the server is a primary of a version that is known",
        server::version,
    ),
    of_applied("encoding", "the database's encoding", server::encoding),
    long(
        "pooler",
        "no pool in transaction mode is in between",
        server::pooler,
        true,
    ),
    always("clock", "the server's clock, by this machine's", server::clock),
    always("settings", "settings of sessions", server::settings),
    always(
        "durability",
        "settings that a crash would tell",
        server::durability,
    ),
    of_applied(
        "migrations",
        "the migrations that were applied",
        schema::migrations,
    ),
    of_tables(
        "tables",
        "the tables, their columns, and what Postgres does to their rows",
        tables::tables,
    ),
    of_tables("triggers", "the triggers that log revocations", schema::triggers),
    of_tables("functions", "the functions that triggers call", schema::functions),
    of_tables("constraints", "constraints and indexes", schema::constraints),
    of_tables(
        "lock-rows",
        "rows that are locked by what one does at a time",
        schema::lock_rows,
    ),
    of_tables(
        "roles",
        "the roles that services are members of, and their rights",
        roles::rights,
    ),
    of_tables(
        "service-roles",
        "the roles that services sign in as",
        roles::services,
    ),
    always(
        "connections",
        "connections, and how many there may be",
        limits::connections,
    ),
    always(
        "transactions",
        "transactions that are open for long, or prepared",
        activity::transactions,
    ),
    always(
        "commits",
        "commits that wait for a synchronous standby",
        activity::commits,
    ),
    of_tables("locks", "locks that logouts would wait for", activity::locks),
    of_tables("revocations", "the log of revocations", limits::revocations),
    long("users", "users who can sign in and be read", rows::users, false),
    long("tokens", "tokens that can be read", rows::tokens, false),
    long(
        "delegable-scopes",
        "what users may give to clients",
        delegation::delegable_scopes,
        false,
    ),
    long("clients", "clients that fit together", delegation::clients, false),
    long(
        "grants",
        "what users have let clients do, and the tokens by that",
        delegation::grants,
        false,
    ),
    long(
        "authorizations",
        "requests that wait for a user",
        delegation::authorizations,
        false,
    ),
    of_tables("future", "rows that lie in the future", times::future),
    of_tables(
        "cleanup-clock",
        "the time that the cleanup goes by",
        times::cleanup_clock,
    ),
    of_tables(
        "registrations",
        "how many verifiers are registered",
        verifiers::registered,
    ),
    long(
        "verifiers",
        "the verifiers that logouts wait for",
        verifiers::verifiers,
        false,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_have_names_of_their_own() {
        let mut ids: Vec<_> = CHECKS.iter().map(|check| check.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), CHECKS.len());
    }
}
