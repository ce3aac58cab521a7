//! The database's own rules about clients and grants, which hold for psql as well.

use super::app;
use crate::support::{constraint, create_user, database};
use diesel::connection::SimpleConnection;
use jeton_persistence::{DatabaseError, PgConnection};

fn forbidden_by(connection: &mut PgConnection, change: &str) -> String {
    constraint(connection.batch_execute(change).map_err(DatabaseError::from))
}

#[test]
fn no_bad_row_gets_in() {
    let (_, connection) = &mut database();
    let (ada, client, grant, _) = app(connection);
    let bob = create_user(connection, "bob").id;
    let token = format!(
        "INSERT INTO tokens (id, user_id, digest, kind, name, scopes, expires_at, client_id, grant_id, audience) \
            VALUES (gen_random_uuid(), '{ada}', sha256('x'), "
    );
    let code = "INSERT INTO authorization_codes (digest, grant_id, scopes, redirect_uri, code_challenge, expires_at) VALUES ";
    let pending = "INSERT INTO authorizations (id, scopes, expires_at, client_id, handle, redirect_uri, code_challenge, \
        device_code, user_code, interval_secs) VALUES (gen_random_uuid(), '{}', now(), ";
    let refresh =
        "INSERT INTO refresh_tokens (family, grant_id, digest, salt, scopes, expires_at, rotations) VALUES ";
    for (change, constraint) in [
        ("UPDATE clients SET name = ''".to_owned(), "clients_name_check"),
        (
            "UPDATE clients SET name = repeat('x', 101)".to_owned(),
            "clients_name_check",
        ),
        (
            "UPDATE clients SET secret_digest = 'x'".to_owned(),
            "clients_secret_digest_check",
        ),
        (
            "UPDATE clients SET scopes = '{NULL}'".to_owned(),
            "clients_scopes_check",
        ),
        (
            "UPDATE clients SET redirect_uris = '{NULL}'".to_owned(),
            "clients_redirect_uris_check",
        ),
        (
            "UPDATE clients SET grant_types = '{password}'".to_owned(),
            "clients_grant_types_check",
        ),
        (
            format!("UPDATE clients SET service_account_id = '{ada}'"),
            "clients_service_account_check",
        ),
        (
            "UPDATE clients SET disabled_at = 'infinity'".to_owned(),
            "clients_disabled_at_check",
        ),
        (
            "INSERT INTO delegable_scopes VALUES ('admin', 'x', '')".to_owned(),
            "delegable_scopes_name_check",
        ),
        (
            "INSERT INTO delegable_scopes VALUES ('tokens:revoke', 'x', '')".to_owned(),
            "delegable_scopes_name_check",
        ),
        (
            "INSERT INTO delegable_scopes VALUES ('a', '', '')".to_owned(),
            "delegable_scopes_title_check",
        ),
        (
            format!(
                "INSERT INTO grants (id, user_id, client_id, scopes) VALUES (gen_random_uuid(), '{ada}', '{client}', '{{}}')"
            ),
            "grants_user_id_client_id_unique",
        ),
        (
            format!(
                "INSERT INTO grants (id, user_id, client_id, scopes) VALUES (gen_random_uuid(), '{bob}', '{bob}', '{{}}')"
            ),
            "grants_client_id_fkey",
        ),
        (
            format!("{token} 'delegated', 'x', '{{}}', NULL, '{client}', '{grant}', NULL)"),
            "tokens_delegated_check",
        ),
        (
            format!("{token} 'delegated', 'x', '{{}}', now(), '{client}', NULL, NULL)"),
            "tokens_delegated_check",
        ),
        (
            format!("{token} 'delegated', 'x', '{{}}', now(), NULL, '{grant}', NULL)"),
            "tokens_delegated_check",
        ),
        (
            format!("{token} 'login', 'x', '{{}}', now(), NULL, NULL, 'https://a')"),
            "tokens_delegated_check",
        ),
        (
            format!("{token} 'personal', 'x', '{{}}', now(), '{client}', '{grant}', NULL)"),
            "tokens_delegated_check",
        ),
        (
            format!("{token} 'delegated', 'x', '{{}}', now(), '{client}', '{client}', NULL)"),
            "tokens_grant_id_fkey",
        ),
        (
            format!("{token} 'delegated', 'x', '{{}}', now(), '{client}', '{grant}', '')"),
            "tokens_audience_check",
        ),
        (
            format!("{code} ('x', '{grant}', '{{}}', 'u', repeat('x', 43), now())"),
            "authorization_codes_digest_check",
        ),
        (
            format!("{code} (sha256('x'), '{grant}', '{{}}', 'u', 'plain', now())"),
            "authorization_codes_code_challenge_check",
        ),
        (
            format!("{pending} '{client}', sha256('x'), 'u', NULL, NULL, NULL, NULL)"),
            "authorizations_flow_check",
        ),
        (
            format!("{pending} '{client}', NULL, 'u', repeat('x', 43), sha256('x'), 'ABCD', 5)"),
            "authorizations_flow_check",
        ),
        (
            format!("{pending} '{client}', NULL, NULL, NULL, sha256('x'), 'ABCD', 61)"),
            "authorizations_interval_secs_check",
        ),
        (
            format!("{refresh} (sha256('x'), '{grant}', sha256('y'), 'salt', '{{}}', now(), '{{}}')"),
            "refresh_tokens_salt_check",
        ),
        (
            format!(
                "{refresh} (sha256('x'), '{grant}', sha256('y'), sha256('z'), '{{}}', now(), '{{infinity}}')"
            ),
            "refresh_tokens_rotations_check",
        ),
        (
            "UPDATE users SET is_service_account = true".to_owned(),
            "users_service_account_check",
        ),
    ] {
        assert_eq!(forbidden_by(connection, &change), constraint, "{change}");
    }
}
