//! Telling the audit log that attempts are held off.

use super::{Account, BUCKET, network, parts};
use crate::DatabaseResult;
use crate::audit::{self, NewAuditEvent};
use crate::transaction;
use diesel::prelude::*;
use diesel::sql_types::{Inet, Nullable, Text, Uuid as SqlUuid};
use jeton_domain::{AuditAction, AuditContext, UserId};
use serde_json::json;

/// True of a row that nobody has told the audit log of within the hour.
const NOT_NOTED: &str = "coalesce(noted_at, '-infinity') <= now() - interval '1 hour'";

/// Tells the audit log that the account's attempts are held off. In a transaction that locks no other row of these.
pub(super) fn note_account(
    connection: &mut PgConnection,
    by: &AuditContext,
    account: &Account,
) -> DatabaseResult<()> {
    #[derive(QueryableByName)]
    struct Noted {
        #[diesel(sql_type = Nullable<SqlUuid>)]
        user_id: Option<uuid::Uuid>,
    }
    let (key, user) = parts(account);
    transaction(connection, |connection| {
        let noted: Option<Noted> = diesel::sql_query(format!(
            "{BUCKET} UPDATE account_attempts AS a SET noted_at = now() FROM bucket \
                WHERE a.account = bucket.digest AND a.network = bucket.network AND a.blocked_until > now() \
                    AND {NOT_NOTED} \
                RETURNING (SELECT id FROM users WHERE username_key = $1 OR id = $2) AS user_id"
        ))
        .bind::<Nullable<Text>, _>(key)
        .bind::<Nullable<SqlUuid>, _>(user)
        .bind::<Inet, _>(network(by.address))
        .get_result(connection)
        .optional()?;
        let Some(noted) = noted else { return Ok(()) };
        let event = NewAuditEvent::new(AuditAction::SignInThrottled).detail(json!({ "limit": "account" }));
        let event = match noted.user_id {
            Some(id) => event.of(UserId(id)),
            None => event,
        };
        audit::record(connection, by, &event)
    })
}

/// The same of a network's.
pub(super) fn note_network(connection: &mut PgConnection, by: &AuditContext) -> DatabaseResult<()> {
    transaction(connection, |connection| {
        let noted = diesel::sql_query(format!(
            "UPDATE network_attempts SET noted_at = now() WHERE network = $1 AND {NOT_NOTED}"
        ))
        .bind::<Inet, _>(network(by.address))
        .execute(connection)?;
        if noted == 0 {
            return Ok(());
        }
        let event = NewAuditEvent::new(AuditAction::SignInThrottled).detail(json!({ "limit": "network" }));
        audit::record(connection, by, &event)
    })
}
