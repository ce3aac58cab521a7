//! Users who have let two clients act for them, with the refresh tokens that these were given.

use crate::BenchDatabase;
use crate::database::{insert_users, settle};
use crate::http::form_request;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};
use diesel::{RunQueryDsl, sql_query};
use jeton_domain::ExposeSecret;
use jeton_domain::delegation::{ClientSecret, RefreshToken};
use jeton_persistence::PgConnection;

/// How many grants one statement inserts.
const BATCH: usize = 10_000;

/// Of a kind of client: requests that refresh a token, each by a grant of its own.
pub(crate) struct Refreshes {
    /// A client that can keep no secret is given another refresh token each time.
    pub(crate) public: Vec<String>,
    /// One that has a secret keeps the one that it has.
    pub(crate) confidential: Vec<String>,
}

impl BenchDatabase {
    /// Inserts so many users with a grant each, of two clients by turns.
    pub(crate) fn fill_grants(&self, count: usize) -> anyhow::Result<Refreshes> {
        let (connection, mut rng) = (&mut self.connect()?, rand::rng());
        let secret = ClientSecret::generate(&mut rng);
        insert_users(connection, count, None)?;
        insert_client(connection, "public", None)?;
        insert_client(connection, "confidential", Some(secret.digest().as_bytes()))?;
        let tokens: Vec<RefreshToken> = (0..count).map(|_| RefreshToken::generate(&mut rng)).collect();
        for (batch, tokens) in tokens.chunks(BATCH).enumerate() {
            insert_grants(connection, batch * BATCH, tokens)?;
        }
        settle(connection, "users, grants, refresh_tokens")?;
        let request = |token: &RefreshToken, client: &str, secret: &str| {
            let token = token.expose_secret();
            let body = format!("grant_type=refresh_token&refresh_token={token}&client_id={client}{secret}");
            form_request("/v1/token", &body)
        };
        let of = |number: usize, secret: &str| {
            let own = tokens.iter().skip(number).step_by(CLIENTS.len());
            own.map(|token| request(token, CLIENTS[number], secret)).collect()
        };
        Ok(Refreshes {
            public: of(0, ""),
            confidential: of(1, &format!("&client_secret={}", secret.expose_secret())),
        })
    }

    /// Inserts so many tokens of clients that have expired long ago, for the cleanup to delete.
    pub(crate) fn fill_expired(&self, count: usize) -> anyhow::Result<()> {
        let connection = &mut self.connect()?;
        sql_query(
            "INSERT INTO tokens (id, user_id, digest, kind, name, scopes, created_at, expires_at, client_id, grant_id) \
                SELECT gen_random_uuid(), user_id, sha256(id::text::bytea), 'delegated', 'app', scopes, \
                    now() - interval '4 hours', now() - interval '3 hours', client_id, id \
                FROM grants LIMIT $1",
        )
        .bind::<BigInt, _>(i64::try_from(count)?)
        .execute(connection)?;
        settle(connection, "tokens")
    }
}

/// The ids of the public one and the confidential one.
const CLIENTS: [&str; 2] = [
    "00000000-0000-7000-b000-000000000000",
    "00000000-0000-7000-b000-000000000001",
];

fn insert_client(connection: &mut PgConnection, name: &str, secret: Option<&[u8; 32]>) -> anyhow::Result<()> {
    sql_query(
        "INSERT INTO clients (id, name, secret_digest, redirect_uris, scopes, grant_types) \
            VALUES ($1::uuid, $2, $3, '{https://app.example/cb}', '{notes:read,notes:write}', \
                '{authorization_code,refresh_token}')",
    )
    .bind::<Text, _>(CLIENTS[usize::from(secret.is_some())])
    .bind::<Text, _>(name)
    .bind::<Nullable<Binary>, _>(secret.map(|digest| digest.to_vec()))
    .execute(connection)?;
    Ok(())
}

fn insert_grants(connection: &mut PgConnection, start: usize, tokens: &[RefreshToken]) -> anyhow::Result<()> {
    let families: Vec<Vec<u8>> = tokens
        .iter()
        .map(|token| token.family().as_bytes().to_vec())
        .collect();
    let digests: Vec<Vec<u8>> = tokens
        .iter()
        .map(|token| token.digest().as_bytes().to_vec())
        .collect();
    sql_query(
        "WITH new AS ( \
            SELECT ('00000000-0000-7000-c000-' || lpad(to_hex(n), 12, '0'))::uuid AS id, \
                ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid AS user_id, \
                $3[n % 2 + 1]::uuid AS client_id, family, digest \
            FROM unnest($1, $2) WITH ORDINALITY AS one (family, digest, position), \
                LATERAL (SELECT $4 + position - 1 AS n) ids), \
        given AS ( \
            INSERT INTO grants (id, user_id, client_id, scopes) \
                SELECT id, user_id, client_id, '{notes:read,notes:write}' FROM new) \
        INSERT INTO refresh_tokens (family, grant_id, digest, salt, scopes, expires_at) \
            SELECT family, id, digest, sha256(digest), '{notes:read,notes:write}', now() + interval '30 days' FROM new",
    )
    .bind::<Array<Binary>, _>(&families)
    .bind::<Array<Binary>, _>(&digests)
    .bind::<Array<Text>, _>(&CLIENTS[..])
    .bind::<BigInt, _>(i64::try_from(start)?)
    .execute(connection)?;
    Ok(())
}
