//! Rows of delegation that others wrote: what cannot be read of a client gives it nothing, and nobody is told.

use super::rows::{Findings, SCOPES, are_scopes, each_row, read_scopes};
use super::{Context, Finding};
use crate::DatabaseResult;
use crate::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Nullable, Text, Uuid as SqlUuid};
use jeton_coherence::TextArray;
use jeton_domain::delegation::{ClientName, DelegableScope, GrantType, NewClient, RedirectUri, Resource};
use jeton_domain::printable::cut;
use jeton_domain::{ClientId, Scope, UserId};
use std::collections::BTreeSet;
use uuid::Uuid;

#[derive(QueryableByName)]
struct ScopeRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Text)]
    description: String,
    #[diesel(sql_type = Nullable<Text>)]
    resource: Option<String>,
}

/// The catalogue, which is short: whoever asks for metadata is sent all of it.
fn catalogue(connection: &mut PgConnection) -> DatabaseResult<Vec<ScopeRow>> {
    super::read_only(connection, |connection| {
        Ok(
            diesel::sql_query(
                "SELECT name, title, description, resource FROM delegable_scopes ORDER BY name",
            )
            .load(connection)?,
        )
    })
}

pub(super) fn delegable_scopes(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    let mut findings = Findings::default();
    for row in catalogue(connection)? {
        let name = cut(&row.name);
        if let Some(wrong) = wrong_scope(&row) {
            findings.push(Finding::error(
                format!("the delegable scope \"{name}\" cannot be given: {wrong}"),
                "`jeton scope set NAME --title … --description …`, or `DELETE FROM delegable_scopes`",
            ));
        }
    }
    Ok(findings.finish("delegable scopes"))
}

fn wrong_scope(row: &ScopeRow) -> Option<String> {
    let name = match Scope::parse(&row.name) {
        Ok(name) => name,
        Err(error) => return Some(error.to_string()),
    };
    let resource = match row.resource.as_deref().map(Resource::parse).transpose() {
        Ok(resource) => resource,
        Err(error) => return Some(format!("its resource {error}")),
    };
    let made = DelegableScope::new(name, &row.title, &row.description, resource);
    made.err().map(|error| error.to_string())
}

#[derive(QueryableByName)]
struct ClientRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    has_secret: bool,
    #[diesel(sql_type = Nullable<Array<Nullable<Text>>>)]
    redirect_uris: Option<TextArray>,
    #[diesel(sql_type = Nullable<Array<Nullable<Text>>>)]
    scopes: Option<TextArray>,
    #[diesel(sql_type = Nullable<Array<Nullable<Text>>>)]
    grant_types: Option<TextArray>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    service_account_id: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    is_a_persons: bool,
}

pub(super) fn clients(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    let mut findings = Findings::default();
    let delegable: BTreeSet<_> = catalogue(connection)?.into_iter().map(|row| row.name).collect();
    let select = format!(
        "SELECT id, left(name, 1000) AS name, secret_digest IS NOT NULL AS has_secret, service_account_id, \
            CASE WHEN coalesce(array_ndims(redirect_uris), 1) = 1 THEN redirect_uris END AS redirect_uris, \
            CASE WHEN coalesce(array_ndims(grant_types), 1) = 1 THEN grant_types END AS grant_types, {SCOPES}, \
            EXISTS (SELECT FROM users WHERE users.id = service_account_id AND NOT is_service_account) AS is_a_persons \
        FROM clients"
    );
    each_row(
        connection,
        &select,
        |row: &ClientRow| row.id,
        |_, row| {
            client(&row, &delegable, &mut findings);
            Ok(())
        },
    )?;
    Ok(findings.finish("clients"))
}

fn client(row: &ClientRow, delegable: &BTreeSet<String>, findings: &mut Findings) {
    let id = row.id;
    let mut error = |what: String, remedy: String| {
        findings.push(Finding::error(format!("the client {id} {what}"), remedy));
    };
    let name = ClientName::parse(&row.name);
    let uris = texts(row.redirect_uris.as_ref());
    let uris: Option<Vec<_>> =
        uris.and_then(|texts| texts.iter().map(|text| RedirectUri::parse(text).ok()).collect());
    let types = texts(row.grant_types.as_ref());
    let types: Option<Vec<GrantType>> =
        types.and_then(|texts| texts.iter().map(|text| text.parse().ok()).collect());
    let scopes = read_scopes(row.scopes.as_ref());
    if name.is_err() {
        error(
            "has a name that is none".to_owned(),
            format!("`UPDATE clients SET name = … WHERE id = '{id}'`"),
        );
    }
    if uris.is_none() {
        error(
            "has a redirect URI that nobody is sent to".to_owned(),
            format!("`jeton client set-redirect-uris {id} URI…`"),
        );
    }
    if types.is_none() {
        error(
            "has grant types that are none".to_owned(),
            format!("`UPDATE clients SET grant_types = … WHERE id = '{id}'`"),
        );
    }
    if scopes.is_none() {
        error(
            "has scopes that are none".to_owned(),
            format!("`jeton client set-scopes {id} SCOPE…`"),
        );
    }
    if row.is_a_persons {
        error(
            "has a person for its service account, and gets no token by itself".to_owned(),
            format!("`UPDATE clients SET service_account_id = … WHERE id = '{id}'`"),
        );
    }
    let (Ok(name), Some(redirect_uris), Some(grant_types), Some(scopes)) = (name, uris, types, scopes) else {
        return;
    };
    let unknown: Vec<_> = scopes.iter().filter(|name| !delegable.contains(*name)).collect();
    if !unknown.is_empty()
        && grant_types
            .iter()
            .any(|grant| *grant != GrantType::ClientCredentials)
    {
        findings.push(Finding::warning(
            format!(
                "the client {id} may ask for what is not delegated: {}",
                cut(&unknown.join(" "))
            ),
            "`jeton scope set NAME --title …`, or take it from the client",
        ));
    }
    let whole = NewClient {
        id: ClientId(id),
        name,
        // Which one makes no difference.
        secret: row.has_secret.then_some([0; 32].into()),
        redirect_uris,
        scopes,
        grant_types,
        service_account: row.service_account_id.map(UserId),
        first_party: false,
    };
    if let Err(wrong) = whole.check() {
        findings.push(Finding::error(
            format!("the client {id} does not fit together: {wrong}"),
            format!("delete it and create it anew, or mend it with `UPDATE clients … WHERE id = '{id}'`"),
        ));
    }
}

fn texts(array: Option<&TextArray>) -> Option<Vec<String>> {
    array?.iter().cloned().collect()
}

#[derive(QueryableByName)]
struct GrantRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Array<Nullable<Text>>>)]
    scopes: Option<TextArray>,
    #[diesel(sql_type = Bool)]
    others_tokens: bool,
    #[diesel(sql_type = Bool)]
    wider: bool,
}

/// And what hangs on them.
pub(super) fn grants(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    let mut findings = Findings::default();
    let select = format!(
        "SELECT id, {SCOPES}, \
            EXISTS (SELECT FROM tokens WHERE grant_id = grants.id \
                AND (tokens.user_id, tokens.client_id) IS DISTINCT FROM (grants.user_id, grants.client_id)) AS others_tokens, \
            EXISTS (SELECT FROM refresh_tokens WHERE grant_id = grants.id AND NOT refresh_tokens.scopes <@ grants.scopes) AS wider \
        FROM grants"
    );
    each_row(
        connection,
        &select,
        |row: &GrantRow| row.id,
        |_, row| {
            let id = row.id;
            let wrong = [
                (!are_scopes(row.scopes), "scopes that are none"),
                (row.others_tokens, "tokens of another user or client"),
                (row.wider, "a refresh token for more than was granted"),
            ];
            for (_, what) in wrong.iter().filter(|(is_wrong, _)| *is_wrong) {
                findings.push(Finding::error(
                    format!("the grant {id} has {what}"),
                    format!("`DELETE FROM grants WHERE id = '{id}'` takes it back, with all of its tokens; or mend it"),
                ));
            }
            Ok(())
        },
    )?;
    Ok(findings.finish("grants"))
}

#[derive(QueryableByName)]
struct AuthorizationRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Array<Nullable<Text>>>)]
    scopes: Option<TextArray>,
    #[diesel(sql_type = Nullable<Text>)]
    redirect_uri: Option<String>,
    #[diesel(sql_type = Nullable<Array<Nullable<Text>>>)]
    redirect_uris: Option<TextArray>,
}

pub(super) fn authorizations(connection: &mut PgConnection, _: &Context) -> DatabaseResult<Vec<Finding>> {
    let mut findings = Findings::default();
    let select = format!(
        "SELECT id, {SCOPES}, redirect_uri, (SELECT CASE WHEN coalesce(array_ndims(redirect_uris), 1) = 1 \
            THEN redirect_uris END FROM clients WHERE clients.id = client_id) AS redirect_uris FROM authorizations"
    );
    each_row(
        connection,
        &select,
        |row: &AuthorizationRow| row.id,
        |_, row| {
            let id = row.id;
            let registered = texts(row.redirect_uris.as_ref()).unwrap_or_default();
            let is_allowed = |uri: &String| {
                let mut registered = registered.iter().filter_map(|text| RedirectUri::parse(text).ok());
                registered.any(|one| one.allows(uri))
            };
            let wrong = [
                (!are_scopes(row.scopes), "scopes that are none"),
                (
                    row.redirect_uri.as_ref().is_some_and(|uri| !is_allowed(uri)),
                    "a redirect URI that is none of its client's",
                ),
            ];
            for (_, what) in wrong.iter().filter(|(is_wrong, _)| *is_wrong) {
                findings.push(Finding::error(
                    format!("the authorization request {id} has {what}"),
                    format!("`DELETE FROM authorizations WHERE id = '{id}'`"),
                ));
            }
            Ok(())
        },
    )?;
    Ok(findings.finish("authorization requests"))
}
