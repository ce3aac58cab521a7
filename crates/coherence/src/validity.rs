//! When a token ends, in the one way that all statements count it.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Bool, Double, Nullable, Timestamptz};
use std::time::Duration;

/// When the token was last used, as the roles that have noted it say; null: nobody has.
macro_rules! last_used_at {
    () => {
        "(SELECT max(last_used_at) FROM token_uses WHERE token_uses.token_id = tokens.id)"
    };
}

/// The earlier of the token's expiry and, where it has an idle time, of that after its last use, or its issue; null:
/// never. Uses are looked up for the tokens alone that have one.
macro_rules! ends_at {
    () => {
        concat!(
            "least(tokens.expires_at, CASE WHEN tokens.idle_ttl_secs IS NOT NULL THEN coalesce(",
            last_used_at!(),
            ", tokens.created_at) + make_interval(secs => tokens.idle_ttl_secs) END)"
        )
    };
}

/// When the token was last used, for statements that are written out.
pub const LAST_USED_AT: &str = last_used_at!();
/// When it ends, for the same.
pub const ENDS_AT: &str = ends_at!();
/// Whether the token has not ended, for statements that are written out.
pub const IS_VALID: &str = concat!("(", ends_at!(), " > now()) IS NOT FALSE");

/// How many seconds are left until the token ends; null: for ever, or to the end of what RFC 3339 can tell, and so of
/// what Jeton issues.
///
/// A number and no time: Postgres has some that `chrono` has not, and one row that cannot be read fails all that are read
/// along with it.
pub(crate) const REMAINING_SECS: &str = concat!(
    "extract(epoch FROM nullif(least(",
    ends_at!(),
    ", timestamptz '10000-01-01 00:00:00Z'), timestamptz '10000-01-01 00:00:00Z') - now())::float8"
);

/// What the token's client may ask for; null: the token is given to none, or to one that is disabled or gone. By itself, and
/// for the tokens alone that were given to one: a join would be planned for all.
pub(crate) const CLIENT_SCOPES: &str = "CASE WHEN tokens.client_id IS NOT NULL THEN (SELECT clients.scopes FROM clients \
    WHERE clients.id = tokens.client_id AND clients.disabled_at IS NULL) END";

/// Makes an expression of its text. As a literal (`diesel::dsl::sql`) it would keep the statements that have it from being
/// prepared once a connection, and cost each of them a round trip.
macro_rules! expression {
    ($(#[$documentation:meta])* $visibility:vis $name:ident, $type:ty, $text:expr) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, Copy, QueryId)]
        $visibility struct $name;

        impl QueryFragment<Pg> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                out.push_sql($text);
                Ok(())
            }
        }

        standing_alone!($name, $type);
    };
}

/// Lets a text be an expression of the type, in whatever statement.
macro_rules! standing_alone {
    ($name:ident, $type:ty) => {
        impl Expression for $name {
            type SqlType = $type;
        }

        impl<Table> SelectableExpression<Table> for $name {}
        impl<Table> AppearsOnTable<Table> for $name {}
        impl<Group> ValidGrouping<Group> for $name {
            type IsAggregate = is_aggregate::No;
        }
    };
}

/// So much later than now: see [`from_now`].
#[derive(Debug, Clone, Copy, QueryId)]
pub struct FromNow {
    secs: f64,
}

/// So much later than now, as the server's clock has it.
#[must_use]
pub fn from_now(after: Duration) -> FromNow {
    FromNow {
        secs: after.as_secs_f64(),
    }
}

impl QueryFragment<Pg> for FromNow {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("now() + make_interval(secs => ");
        out.push_bind_param::<Double, _>(&self.secs)?;
        out.push_sql(")");
        Ok(())
    }
}

standing_alone!(FromNow, Timestamptz);

expression!(
    /// When it was last used.
    pub LastUsedAt,
    Nullable<Timestamptz>,
    LAST_USED_AT
);
expression!(
    /// Whether it has not ended.
    pub IsValid,
    Bool,
    IS_VALID
);
