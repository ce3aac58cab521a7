//! When a token ends, in the one way that all statements count it.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::sql_types::{Bool, Double, Nullable};

/// The earlier of the token's expiry and, where it has an idle time, of that after its last use, or its issue; null:
/// never. Uses are looked up for the tokens alone that have one.
macro_rules! ends_at {
    () => {
        "least(tokens.expires_at, CASE WHEN tokens.idle_ttl_secs IS NOT NULL THEN \
            coalesce((SELECT last_used_at FROM token_uses WHERE token_uses.token_id = tokens.id), tokens.created_at) \
                + make_interval(secs => tokens.idle_ttl_secs) END)"
    };
}

/// For statements that are written out.
pub(crate) const ENDS_AT: &str = ends_at!();
/// Whether the token has not ended, for statements that are written out.
pub(crate) const IS_VALID: &str = concat!("(", ends_at!(), " > now()) IS NOT FALSE");

/// The end of what RFC 3339 can tell, and so of what Jeton issues.
const END_OF_TIMES: &str = "timestamptz '10000-01-01 00:00:00Z'";

/// How many seconds are left until the token ends; null: for ever, or so long that it makes no difference.
///
/// A number and no time: Postgres has some that `chrono` has not, and one row that cannot be read fails all that are read
/// along with it.
pub(crate) fn remaining_secs() -> SqlLiteral<Nullable<Double>> {
    sql(&format!(
        "extract(epoch FROM nullif(least({ENDS_AT}, {END_OF_TIMES}), {END_OF_TIMES}) - now())::float8"
    ))
}

/// Whether it has not ended.
pub(crate) fn is_valid() -> SqlLiteral<Bool> {
    sql(IS_VALID)
}
