//! What `rename` and `set-email` do alike.

use crate::database;
use crate::user_arg::UserArg;
use anyhow::Context;
use jeton_domain::{AuditContext, User, UserChanges};
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::users;

/// Changes a user, and waits until every service knows; returns the user as it was found, and as it is.
pub(super) fn change(
    settings: &DatabaseSettings,
    user: &UserArg,
    changes: &UserChanges,
) -> anyhow::Result<(User, User)> {
    let mut connection = database::open(settings)?;
    let before = user.find(&mut connection)?;
    let after = database::revoke(&mut connection, |connection| {
        users::change(connection, &AuditContext::cli(), before.id, changes)
    })?
    .with_context(|| user.nobody())?;
    Ok((before, after))
}
