//! The catalogue of scopes that users may give to clients, in the words in which they are asked.

use crate::PgConnection;
use crate::audit::{self, NewAuditEvent};
use crate::schema::delegable_scopes;
use crate::{DatabaseResult, transaction};
use diesel::pg::Pg;
use diesel::prelude::*;
use jeton_domain::delegation::{DelegableScope, Resource};
use jeton_domain::{AuditAction, AuditContext, Scope, ScopeSet};
use serde_json::json;

/// What the catalogue has, whoever wrote it there.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = delegable_scopes, check_for_backend(Pg))]
pub struct StoredScope {
    /// The scope, if it is one.
    pub name: String,
    /// What it lets a program do, in a few words.
    pub title: String,
    /// The same in a sentence or two.
    pub description: String,
    /// The resource that it belongs to.
    pub resource: Option<String>,
}

/// `None` for what cannot be read, which nobody is asked for then.
fn readable(row: StoredScope) -> Option<DelegableScope> {
    let read = || {
        let resource = row.resource.as_deref().map(Resource::parse).transpose().ok()?;
        let name = Scope::parse(&row.name).ok()?;
        DelegableScope::new(name, &row.title, &row.description, resource).ok()
    };
    let scope = read();
    if scope.is_none() {
        tracing::warn!(
            name = row.name,
            "a delegable scope that cannot be read is not delegated"
        );
    }
    scope
}

/// Puts a scope into the catalogue, or in place of what it says of it.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn set(connection: &mut PgConnection, by: &AuditContext, scope: &DelegableScope) -> DatabaseResult<()> {
    let told = (
        delegable_scopes::title.eq(scope.title.as_str()),
        delegable_scopes::description.eq(scope.description.as_str()),
        delegable_scopes::resource.eq(scope.resource.as_ref().map(Resource::as_str)),
    );
    transaction(connection, |connection| {
        diesel::insert_into(delegable_scopes::table)
            .values((delegable_scopes::name.eq(scope.name.as_str()), told))
            .on_conflict(delegable_scopes::name)
            .do_update()
            .set(told)
            .execute(connection)?;
        let detail = json!({
            "scope": scope.name.as_str(),
            "title": scope.title,
            "resource": scope.resource.as_ref().map(Resource::as_str),
        });
        let event = NewAuditEvent::new(AuditAction::DelegableScopeSet).detail(detail);
        audit::record(connection, by, &event)
    })
}

/// Reads the catalogue, by name: what users may give.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn list(connection: &mut PgConnection) -> DatabaseResult<Vec<DelegableScope>> {
    Ok(list_stored(connection)?
        .into_iter()
        .filter_map(readable)
        .collect())
}

/// Reads the catalogue, by name, and what nobody can give as well: so that whoever tends it sees it.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn list_stored(connection: &mut PgConnection) -> DatabaseResult<Vec<StoredScope>> {
    Ok(delegable_scopes::table
        .order(delegable_scopes::name)
        .select(StoredScope::as_select())
        .load(connection)?)
}

/// Reads what the catalogue says of these; what it does not have is not delegated.
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn find(connection: &mut PgConnection, names: &ScopeSet) -> DatabaseResult<Vec<DelegableScope>> {
    let rows: Vec<StoredScope> = delegable_scopes::table
        .filter(delegable_scopes::name.eq_any(names.to_texts()))
        .order(delegable_scopes::name)
        .select(StoredScope::as_select())
        .load(connection)?;
    Ok(rows.into_iter().filter_map(readable).collect())
}

/// Takes a scope out of the catalogue, by its text, whatever that is; says whether it was there. From then on nobody is asked for it. What was given stays: it
/// is taken from a client by [`set_scopes`](super::clients::set_scopes).
///
/// # Errors
/// See [`DatabaseError`](crate::DatabaseError).
pub fn delete(connection: &mut PgConnection, by: &AuditContext, name: &str) -> DatabaseResult<bool> {
    if name.contains('\0') {
        return Ok(false);
    }
    transaction(connection, |connection| {
        let target = delegable_scopes::table.find(name);
        let deleted = diesel::delete(target).execute(connection)? > 0;
        if deleted {
            let event = NewAuditEvent::new(AuditAction::DelegableScopeDeleted);
            audit::record(connection, by, &event.detail(json!({ "scope": name })))?;
        }
        Ok(deleted)
    })
}
