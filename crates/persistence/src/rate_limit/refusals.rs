//! Telling the audit log that attempts are refused: once an hour for each account and each network.

use super::begin::{BUCKET, TO_AUDIT, parts};
use super::{Account, network};
use crate::DatabaseResult;
use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::transaction;
use diesel::prelude::*;
use diesel::sql_types::{Inet, Nullable, Text, Uuid as SqlUuid};
use jeton_coherence::Prepare;
use jeton_domain::{AuditAction, AuditContext, UserId};
use serde_json::json;

/// Tells that the account's attempts are refused. In a transaction that locks no other row of these.
pub(super) fn audit_account(
    connection: &mut PgConnection,
    by: &AuditContext,
    account: &Account,
) -> DatabaseResult<()> {
    #[derive(QueryableByName)]
    struct Refused {
        #[diesel(sql_type = Nullable<SqlUuid>)]
        user_id: Option<uuid::Uuid>,
    }
    let (key, user) = parts(account);
    transaction(connection, |connection| {
        let refused: Option<Refused> = diesel::sql_query(format!(
            "{BUCKET} UPDATE account_attempts AS a SET audited_at = now() FROM bucket \
                WHERE a.account = bucket.digest AND a.network = bucket.network AND a.blocked_until > now() \
                    AND {TO_AUDIT} \
                RETURNING (SELECT id FROM users WHERE username_key = $1 OR id = $2) AS user_id"
        ))
        .bind::<Nullable<Text>, _>(key)
        .bind::<Nullable<SqlUuid>, _>(user)
        .bind::<Inet, _>(network(by.address))
        .prepared()
        .get_result(connection)
        .optional()?;
        let Some(refused) = refused else { return Ok(()) };
        let event = NewAuditEvent::new(AuditAction::SignInRateLimited).detail(json!({ "limit": "account" }));
        let event = match refused.user_id {
            Some(id) => event.of(UserId(id)),
            None => event,
        };
        audit::record(connection, by, &event)
    })
}

/// The same of a network's.
pub(super) fn audit_network(connection: &mut PgConnection, by: &AuditContext) -> DatabaseResult<()> {
    transaction(connection, |connection| {
        let refused = diesel::sql_query(format!(
            "UPDATE network_attempts SET audited_at = now() WHERE network = $1 AND {TO_AUDIT}"
        ))
        .bind::<Inet, _>(network(by.address))
        .prepared()
        .execute(connection)?;
        if refused == 0 {
            return Ok(());
        }
        let event = NewAuditEvent::new(AuditAction::SignInRateLimited).detail(json!({ "limit": "network" }));
        audit::record(connection, by, &event)
    })
}
