//! Clients: the programs that may ask users.
//!
//! A check reads the token's client. So a client that is disabled has no token that is accepted, however many it was given,
//! and disabling it takes no longer for a million of them. What it must not have again afterwards is deleted in batches,
//! each a transaction of its own, in no statement's time.

use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::schema::{authorization_codes, authorizations, clients, grants};
use crate::transaction;
use crate::{DatabaseResult, Pending};
use chrono::{DateTime, Utc};
use diesel::IntoSql;
use diesel::dsl::now;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jeton_coherence::revocations::{gone, revoking};
use jeton_coherence::{TextArray, scopes};
use jeton_domain::delegation::{Client, NewClient, RedirectUri, SecretDigest};
use jeton_domain::{AuditAction, AuditContext, ClientId, ScopeSet, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

/// The constraint that a taken name conflicts with: see [`DatabaseError::Conflict`](crate::DatabaseError::Conflict).
pub const CLIENT_NAME_TAKEN: &str = "clients_name_unique";

/// How many rows one transaction deletes.
const BATCH: i64 = 5_000;

#[derive(Queryable, Selectable)]
#[diesel(table_name = clients, check_for_backend(Pg))]
pub(super) struct ClientRow {
    id: Uuid,
    name: String,
    secret_digest: Option<Vec<u8>>,
    redirect_uris: TextArray,
    scopes: TextArray,
    grant_types: TextArray,
    service_account_id: Option<Uuid>,
    first_party: bool,
    created_at: DateTime<Utc>,
    disabled_at: Option<DateTime<Utc>>,
}

/// Whatever the table has taken is a client, whoever wrote it: what cannot be read of it gives it nothing.
impl From<ClientRow> for Client {
    fn from(row: ClientRow) -> Self {
        Self {
            id: ClientId(row.id),
            name: row.name,
            confidential: row.secret_digest.is_some(),
            redirect_uris: readable("clients.redirect_uris", row.id, &row.redirect_uris, |text| {
                RedirectUri::parse(text).ok()
            }),
            scopes: scopes("clients.scopes", row.id, &row.scopes),
            grant_types: readable("clients.grant_types", row.id, &row.grant_types, |text| {
                text.parse().ok()
            }),
            service_account: row.service_account_id.map(UserId),
            first_party: row.first_party,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
        }
    }
}

fn readable<T>(
    column: &'static str,
    id: Uuid,
    texts: &TextArray,
    read: impl Fn(&str) -> Option<T>,
) -> Vec<T> {
    let read: Vec<T> = texts.iter().flatten().filter_map(|text| read(text)).collect();
    if read.len() < texts.len() {
        tracing::warn!(column, %id, "a row holds what Jeton does not write");
    }
    read
}

/// A client, and the digest of its secret, if it has one.
#[derive(Debug, Clone)]
pub struct KnownClient {
    /// The client; may be disabled.
    pub client: Client,
    /// `None`: a public client.
    pub secret: Option<SecretDigest>,
}

/// Creates a client.
///
/// # Errors
/// [`DatabaseError::Conflict`](crate::DatabaseError::Conflict) with [`CLIENT_NAME_TAKEN`], or
/// `clients_service_account_id_fkey` where there is no such user; else see [`DatabaseError`](crate::DatabaseError).
pub fn create(
    connection: &mut PgConnection,
    by: &AuditContext,
    client: &NewClient,
) -> DatabaseResult<Client> {
    let uris = client.redirect_uris.iter().map(RedirectUri::as_str);
    let grants = client.grant_types.iter().map(|grant| grant.as_str());
    transaction(connection, |connection| {
        let row: ClientRow = diesel::insert_into(clients::table)
            .values((
                clients::id.eq(client.id.0),
                clients::name.eq(client.name.as_str()),
                clients::secret_digest.eq(client.secret.map(|digest| digest.as_bytes().to_vec())),
                clients::redirect_uris.eq(uris.collect::<Vec<_>>()),
                clients::scopes.eq(client.scopes.to_texts()),
                clients::grant_types.eq(grants.collect::<Vec<_>>()),
                clients::service_account_id.eq(client.service_account.map(|id| id.0)),
                clients::first_party.eq(client.first_party),
            ))
            .returning(ClientRow::as_returning())
            .get_result(connection)?;
        let created = Client::from(row);
        record(
            connection,
            by,
            AuditAction::ClientCreated,
            &created,
            described(&created),
        )?;
        Ok(created)
    })
}

/// What the audit log says of a client.
fn described(client: &Client) -> Value {
    let uris: Vec<_> = client.redirect_uris.iter().map(RedirectUri::as_str).collect();
    let grants: Vec<_> = client.grant_types.iter().map(|grant| grant.as_str()).collect();
    json!({
        "confidential": client.confidential,
        "redirect_uris": uris,
        "scopes": client.scopes.to_texts(),
        "grant_types": grants,
        "service_account": client.service_account.map(|id| id.0),
        "first_party": client.first_party,
    })
}

fn record(
    connection: &mut PgConnection,
    by: &AuditContext,
    action: AuditAction,
    client: &Client,
    mut detail: Value,
) -> DatabaseResult<()> {
    detail["client_id"] = json!(client.id.0);
    detail["client_name"] = json!(client.name);
    audit::record(connection, by, &NewAuditEvent::new(action).detail(detail))
}

/// Reads a client.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn find(connection: &mut PgConnection, id: ClientId) -> DatabaseResult<Option<Client>> {
    Ok(find_with_secret(connection, id)?.map(|known| known.client))
}

/// Reads a client, and what its secret is compared with.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn find_with_secret(connection: &mut PgConnection, id: ClientId) -> DatabaseResult<Option<KnownClient>> {
    let row: Option<ClientRow> = clients::table
        .find(id.0)
        .select(ClientRow::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(|row| KnownClient {
        // A digest of another length equals none.
        secret: row
            .secret_digest
            .as_deref()
            .map(|bytes| <[u8; 32]>::try_from(bytes).unwrap_or_default().into()),
        client: row.into(),
    }))
}

/// Reads a client by its name, written just so.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn find_by_name(connection: &mut PgConnection, name: &str) -> DatabaseResult<Option<Client>> {
    if name.contains('\0') {
        return Ok(None);
    }
    let row: Option<ClientRow> = clients::table
        .filter(clients::name.eq(name))
        .select(ClientRow::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(Client::from))
}

/// Reads clients, newest first, at most `limit` of those older than `after`.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn list(
    connection: &mut PgConnection,
    after: Option<ClientId>,
    limit: u32,
) -> DatabaseResult<Vec<Client>> {
    let mut query = clients::table.into_boxed();
    if let Some(after) = after {
        query = query.filter(clients::id.lt(after.0));
    }
    let rows: Vec<ClientRow> = query
        .order(clients::id.desc())
        .limit(i64::from(limit))
        .select(ClientRow::as_select())
        .load(connection)?;
    Ok(rows.into_iter().map(Client::from).collect())
}

/// Gives a confidential client another secret; from then on the one before is wrong. What the client holds goes on: tokens
/// and refresh tokens are not given again. `None` when there is no such client, or it is a public one.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn rotate_secret(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: ClientId,
    secret: SecretDigest,
) -> DatabaseResult<Option<Client>> {
    transaction(connection, |connection| {
        let target = clients::table
            .find(id.0)
            .filter(clients::secret_digest.is_not_null());
        let row = diesel::update(target)
            .set(clients::secret_digest.eq(&secret.as_bytes()[..]))
            .returning(ClientRow::as_returning())
            .get_result(connection);
        changed(connection, by, AuditAction::ClientSecretRotated, row)
    })
}

/// Keeps the client out: it gets no token, and none that it has is accepted. Twice keeps the first time. `None` when there is
/// no such client.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn disable(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: ClientId,
) -> DatabaseResult<Pending<Option<Client>>> {
    revoking(connection, |connection| {
        let target = clients::table.find(id.0).filter(clients::disabled_at.is_null());
        let row = diesel::update(target)
            .set(clients::disabled_at.eq(now.into_sql::<Timestamptz>().nullable()))
            .returning(ClientRow::as_returning())
            .get_result(connection);
        match changed(connection, by, AuditAction::ClientDisabled, row)? {
            None => find(connection, id),
            disabled => Ok(disabled),
        }
    })
}

/// Lets the client in again: what users have granted holds, and refresh tokens work; the tokens from before do not come back.
/// `None` when there is no such client.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn enable(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: ClientId,
) -> DatabaseResult<Pending<Option<Client>>> {
    let Some(client) = find(connection, id)? else {
        return gone(connection, None);
    };
    if client.disabled_at.is_none() {
        return Ok(Pending::settled(Some(client)));
    }
    delete_tokens(connection, id, None)?;
    revoking(connection, |connection| {
        let target = clients::table
            .find(id.0)
            .filter(clients::disabled_at.is_not_null());
        let row = diesel::update(target)
            .set(clients::disabled_at.eq(None::<DateTime<Utc>>))
            .returning(ClientRow::as_returning())
            .get_result(connection);
        match changed(connection, by, AuditAction::ClientEnabled, row)? {
            None => find(connection, id),
            enabled => Ok(enabled),
        }
    })
}

/// The client that was changed, with an entry in the audit log; `None`: there was none to change.
fn changed(
    connection: &mut PgConnection,
    by: &AuditContext,
    action: AuditAction,
    row: QueryResult<ClientRow>,
) -> DatabaseResult<Option<Client>> {
    let Some(client) = row.optional()?.map(Client::from) else {
        return Ok(None);
    };
    record(connection, by, action, &client, json!({}))?;
    Ok(Some(client))
}

/// Sets what the client's tokens may do at the most. Where that is less than before, all its tokens are revoked, and it refreshes
/// those that it still may have. `None` when there is no such client.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn set_scopes(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: ClientId,
    wanted: &ScopeSet,
) -> DatabaseResult<Pending<Option<Client>>> {
    let changed = transaction(connection, |connection| {
        let before: Option<ClientRow> = clients::table
            .find(id.0)
            .select(ClientRow::as_select())
            .for_no_key_update()
            .first(connection)
            .optional()?;
        let Some(before) = before.map(Client::from) else {
            return Ok(None);
        };
        if before.scopes == *wanted {
            return Ok(Some((before, false)));
        }
        let after: ClientRow = diesel::update(clients::table.find(id.0))
            .set(clients::scopes.eq(wanted.to_texts()))
            .returning(ClientRow::as_returning())
            .get_result(connection)?;
        let detail = json!({ "from": before.scopes.to_texts(), "to": wanted.to_texts() });
        let after = Client::from(after);
        record(connection, by, AuditAction::ClientScopesChanged, &after, detail)?;
        DatabaseResult::Ok(Some((after, !before.scopes.is_subset(wanted))))
    })?;
    let Some((client, narrowed)) = changed else {
        return gone(connection, None);
    };
    // Whatever an attempt before this one has narrowed, and not deleted, goes as well.
    delete_tokens(connection, id, if narrowed { None } else { Some(wanted) })?;
    // Whatever an attempt before this one has revoked has to hold as well.
    revoking(connection, |_| Ok(Some(client)))
}

/// Sets where the client may have users sent back to. Requests and codes that were on their way end, whatever URI they are for:
/// the client asks again. Tokens stay. `None` when there is no such client.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn set_redirect_uris(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: ClientId,
    wanted: &[RedirectUri],
) -> DatabaseResult<Option<Client>> {
    transaction(connection, |connection| {
        let before: Option<ClientRow> = clients::table
            .find(id.0)
            .select(ClientRow::as_select())
            .for_no_key_update()
            .first(connection)
            .optional()?;
        let Some(before) = before else {
            return Ok(None);
        };
        let uris: Vec<_> = wanted.iter().map(RedirectUri::as_str).collect();
        let from: Vec<_> = before.redirect_uris.iter().flatten().cloned().collect();
        if from == uris {
            return Ok(Some(before.into()));
        }
        let after: ClientRow = diesel::update(clients::table.find(id.0))
            .set(clients::redirect_uris.eq(&uris))
            .returning(ClientRow::as_returning())
            .get_result(connection)?;
        let pending = authorizations::table
            .filter(authorizations::client_id.eq(id.0))
            .filter(authorizations::redirect_uri.is_not_null());
        diesel::delete(pending).execute(connection)?;
        let given = grants::table
            .filter(grants::client_id.eq(id.0))
            .select(grants::id);
        let codes = authorization_codes::table
            .filter(authorization_codes::grant_id.eq_any(given))
            .filter(authorization_codes::used_at.is_null());
        diesel::delete(codes).execute(connection)?;
        let after = Client::from(after);
        let detail = json!({ "from": from, "to": uris });
        record(
            connection,
            by,
            AuditAction::ClientRedirectUrisChanged,
            &after,
            detail,
        )?;
        Ok(Some(after))
    })
}

/// Deletes the client with all that it was given; says whether there was one. It is kept out first, so that no token is
/// accepted from the beginning.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn delete(
    connection: &mut PgConnection,
    by: &AuditContext,
    id: ClientId,
) -> DatabaseResult<Pending<bool>> {
    diesel::update(clients::table.find(id.0).filter(clients::disabled_at.is_null()))
        .set(clients::disabled_at.eq(now.into_sql::<Timestamptz>().nullable()))
        .execute(connection)?;
    delete_tokens(connection, id, None)?;
    in_batches(|| {
        diesel::sql_query(
            "DELETE FROM grants WHERE id IN \
                (SELECT id FROM grants WHERE client_id = $1 ORDER BY id LIMIT $2 FOR UPDATE)",
        )
        .bind::<SqlUuid, _>(id.0)
        .bind::<BigInt, _>(BATCH)
        .execute(connection)
    })?;
    revoking(connection, |connection| {
        let row: Option<ClientRow> = diesel::delete(clients::table.find(id.0))
            .returning(ClientRow::as_returning())
            .get_result(connection)
            .optional()?;
        let Some(client) = row.map(Client::from) else {
            return Ok(false);
        };
        record(
            connection,
            by,
            AuditAction::ClientDeleted,
            &client,
            described(&client),
        )?;
        Ok(true)
    })
}

/// Deletes the client's tokens; or else only those that were given for more than this.
fn delete_tokens(
    connection: &mut PgConnection,
    client: ClientId,
    beyond: Option<&ScopeSet>,
) -> DatabaseResult<()> {
    in_batches(|| {
        diesel::sql_query(
            "DELETE FROM tokens WHERE id IN (SELECT t.id FROM grants JOIN tokens AS t ON t.grant_id = grants.id \
                WHERE grants.client_id = $1 AND (t.scopes <@ $3) IS NOT TRUE ORDER BY t.id LIMIT $2 FOR UPDATE OF t)",
        )
        .bind::<SqlUuid, _>(client.0)
        .bind::<BigInt, _>(BATCH)
        .bind::<Nullable<Array<Text>>, _>(beyond.map(ScopeSet::to_texts))
        .execute(connection)
    })
}

fn in_batches(mut delete: impl FnMut() -> QueryResult<usize>) -> DatabaseResult<()> {
    while i64::try_from(delete()?).unwrap_or(BATCH) >= BATCH {}
    Ok(())
}
