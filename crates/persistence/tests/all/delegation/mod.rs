//! Clients, what users let them do, and what they get by that.

mod clients;
mod log;
mod rows;

use crate::support::{CLI, create_user, execute, scopes};
use jeton_domain::delegation::{Client, ClientName, ClientSecret, GrantType, NewClient, RedirectUri};
use jeton_domain::{ClientId, GrantId, PlainToken, TokenDigest, UserId};
use jeton_persistence::PgConnection;
use jeton_persistence::delegation::clients as known;
use uuid::Uuid;

/// A public client that may ask for two scopes.
pub(crate) fn new_client(name: &str) -> NewClient {
    NewClient {
        id: ClientId(Uuid::now_v7()),
        name: ClientName::parse(name).unwrap(),
        secret: None,
        redirect_uris: vec![RedirectUri::parse("https://app.example/cb").unwrap()],
        scopes: scopes("notes:read notes:write"),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        service_account: None,
        first_party: false,
    }
}

/// The same, with a secret.
pub(crate) fn new_confidential_client(name: &str) -> (ClientSecret, NewClient) {
    let secret = ClientSecret::generate(&mut rand::rng());
    let client = NewClient {
        secret: Some(secret.digest()),
        ..new_client(name)
    };
    (secret, client)
}

pub(crate) fn create_client(connection: &mut PgConnection, name: &str) -> Client {
    known::create(connection, &CLI, &new_client(name)).unwrap()
}

/// What a user has let a client do, as a row.
pub(crate) fn insert_grant(connection: &mut PgConnection, user: UserId, client: ClientId) -> GrantId {
    let id = GrantId(Uuid::now_v7());
    execute(
        connection,
        &format!(
            "INSERT INTO grants (id, user_id, client_id, scopes) VALUES ('{id}', '{user}', '{client}', '{{notes:read}}')"
        ),
    );
    id
}

/// A token by a grant, as a row, that lives for an hour.
pub(crate) fn insert_token(connection: &mut PgConnection, grant: GrantId) -> TokenDigest {
    let digest = PlainToken::generate(&mut rand::rng()).digest();
    let hex: String = digest.as_bytes().iter().map(|b| format!("{b:02x}")).collect();
    execute(
        connection,
        &format!(
            "INSERT INTO tokens (id, user_id, digest, kind, name, scopes, expires_at, client_id, grant_id) \
                SELECT gen_random_uuid(), user_id, '\\x{hex}', 'delegated', 'app', scopes, now() + interval '1 hour', \
                    client_id, id FROM grants WHERE id = '{grant}'"
        ),
    );
    digest
}

/// Ada, an app, what she has let it do, and a token by that.
pub(crate) fn app(connection: &mut PgConnection) -> (UserId, ClientId, GrantId, TokenDigest) {
    let ada = create_user(connection, "ada").id;
    let client = create_client(connection, "app").id;
    let grant = insert_grant(connection, ada, client);
    (ada, client, grant, insert_token(connection, grant))
}
