//! What others wrote into the tables of delegation.

use super::*;

/// Ada, an app, what she has let it do, a refresh token, a token, and a request that waits.
const APP: &str = "
    INSERT INTO users (id, username, username_key, scopes)
        VALUES ('01a20a08-0000-7000-8000-000000000001', 'ada', 'ada', '{notes:read}'),
            ('01a20a08-0000-7000-8000-000000000002', 'bea', 'bea', '{notes:read}');
    INSERT INTO delegable_scopes (name, title, description) VALUES ('notes:read', 'Read your notes', '');
    INSERT INTO clients (id, name, redirect_uris, scopes, grant_types)
        VALUES ('01a20a08-0000-7000-8000-00000000000c', 'App', '{https://app.example/cb}', '{notes:read}',
            '{authorization_code,refresh_token}');
    INSERT INTO grants (id, user_id, client_id, scopes) SELECT '01a20a08-0000-7000-8000-00000000000a', users.id, clients.id,
        '{notes:read}' FROM users, clients WHERE username = 'ada';
    INSERT INTO refresh_tokens (family, grant_id, digest, salt, scopes, expires_at)
        SELECT sha256('a'), id, sha256('b'), sha256('c'), scopes, now() + interval '1 day' FROM grants;
    INSERT INTO tokens (id, user_id, digest, kind, name, scopes, expires_at, client_id, grant_id)
        SELECT gen_random_uuid(), user_id, sha256('d'), 'delegated', 'App', scopes, now() + interval '1 hour', client_id, id
            FROM grants;
    INSERT INTO authorizations (id, client_id, handle, scopes, redirect_uri, code_challenge, expires_at)
        SELECT gen_random_uuid(), id, sha256('e'), scopes, 'https://app.example/cb', repeat('a', 43), now() + interval '1 minute'
            FROM clients;";

#[track_caller]
fn each_is_told_of_the_app(check: &str, faults: &[(&str, &[&str])]) {
    for (fault, told) in faults {
        let jeton = Jeton::new();
        execute(&mut jeton.connect(), APP);
        assert_eq!(found(&jeton, check), [""; 0]);
        execute(&mut jeton.connect(), fault);
        assert_told(&found(&jeton, check), told);
    }
}

#[test]
fn scopes_that_cannot_be_delegated_are_told() {
    each_is_told_of_the_app(
        "delegable-scopes",
        &[
            (
                "UPDATE delegable_scopes SET name = 'two words'",
                &["error: ", "\"two words\" cannot be given"],
            ),
            (
                "UPDATE delegable_scopes SET title = ' '",
                &["error: ", "a title is"],
            ),
            (
                "UPDATE delegable_scopes SET resource = 'notes'",
                &["error: ", "its resource "],
            ),
        ],
    );
}

#[test]
fn clients_that_do_not_fit_together_are_told() {
    each_is_told_of_the_app(
        "clients",
        &[
            (
                r"UPDATE clients SET name = E'a\nb'",
                &["error: ", "a name that is none"],
            ),
            (
                "UPDATE clients SET redirect_uris = '{https://app.example/cb#fragment}'",
                &["error: ", "a redirect URI that nobody is sent to"],
            ),
            (
                "UPDATE clients SET redirect_uris = '{}'",
                &["error: ", "authorization_code takes a redirect URI"],
            ),
            (
                "UPDATE clients SET scopes = '{two words}'",
                &["error: ", "scopes that are none"],
            ),
            (
                "UPDATE clients SET scopes = '{admin}'",
                &["error: ", "are never delegated"],
            ),
            (
                "UPDATE clients SET scopes = '{notes:read,photos:read}'",
                &["warning: ", "may ask for what is not delegated: photos:read"],
            ),
            (
                "UPDATE clients SET grant_types = '{refresh_token}'",
                &["error: ", "comes to tokens in one way at least"],
            ),
            (
                "UPDATE clients SET grant_types = '{client_credentials}'",
                &["error: ", "takes a confidential client and a service account"],
            ),
            (
                "UPDATE clients SET grant_types = '{client_credentials}', secret_digest = sha256('s'), \
                    service_account_id = (SELECT user_id FROM grants)",
                &["error: ", "a person for its service account"],
            ),
        ],
    );
}

#[test]
fn grants_and_requests_that_were_changed_are_told() {
    each_is_told_of_the_app(
        "grants",
        &[
            (
                "UPDATE grants SET scopes = '{two words}'",
                &["error: ", "scopes that are none"],
            ),
            (
                "UPDATE tokens SET client_id = gen_random_uuid()",
                &["error: ", "tokens of another user or client"],
            ),
            (
                "UPDATE tokens SET user_id = (SELECT id FROM users WHERE username = 'bea')",
                &["error: ", "tokens of another user or client"],
            ),
            (
                "UPDATE refresh_tokens SET scopes = '{notes:read,notes:write}'",
                &["error: ", "a refresh token for more than was granted"],
            ),
        ],
    );
    each_is_told_of_the_app(
        "authorizations",
        &[
            (
                "UPDATE authorizations SET scopes = '{two words}'",
                &["error: ", "scopes that are none"],
            ),
            (
                "UPDATE authorizations SET redirect_uri = 'https://evil.example/cb'",
                &["error: ", "a redirect URI that is none of its client's"],
            ),
        ],
    );
}
