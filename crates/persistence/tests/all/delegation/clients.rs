use super::{app, create_client, insert_token, new_client, new_confidential_client};
use crate::support::{CLI, constraint, count, create_user, database, execute, outcome, scopes, text};
use jeton_coherence::lookups::{ValidToken, find_valid};
use jeton_domain::delegation::{ClientSecret, DelegableScope, GrantType, RedirectUri, Resource};
use jeton_domain::{ClientId, Scope, TokenDigest, TokenKind};
use jeton_persistence::PgConnection;
use jeton_persistence::delegation::clients::{self, CLIENT_NAME_TAKEN};
use jeton_persistence::delegation::scopes as catalogue;
use uuid::Uuid;

fn valid(connection: &mut PgConnection, digest: TokenDigest) -> Option<ValidToken> {
    let mut found = connection.wait(async |c| find_valid(c, &[digest]).await).unwrap();
    found.pop().map(|(_, token)| token.unwrap())
}

fn actions(connection: &mut PgConnection) -> String {
    text(
        connection,
        "SELECT string_agg(action, ' ' ORDER BY at) FROM audit_events WHERE action LIKE '%client%' OR action LIKE '%scope-%'",
    )
}

#[test]
fn a_client_is_created_found_and_listed() {
    let (_, connection) = &mut database();
    let public = create_client(connection, "first");
    let (secret, new) = new_confidential_client("second");
    let confidential = clients::create(connection, &CLI, &new).unwrap();
    assert!(!public.confidential && confidential.confidential);
    assert_eq!(public.redirect_uris, new.redirect_uris);
    assert_eq!(public.scopes, new.scopes);
    assert_eq!(
        public.grant_types,
        [GrantType::AuthorizationCode, GrantType::RefreshToken]
    );
    assert_eq!(
        clients::find(connection, public.id).unwrap().as_ref(),
        Some(&public)
    );
    let found = clients::find_by_name(connection, "second").unwrap();
    assert_eq!(found.as_ref(), Some(&confidential));
    let known = clients::find_with_secret(connection, confidential.id)
        .unwrap()
        .unwrap();
    assert_eq!(known.secret, Some(secret.digest()));
    let list = clients::list(connection, None, 10).unwrap();
    assert_eq!(list, [confidential.clone(), public.clone()]);
    assert_eq!(
        clients::list(connection, Some(confidential.id), 10).unwrap(),
        [public]
    );
    assert_eq!(clients::find(connection, ClientId(Uuid::nil())).unwrap(), None);
    assert_eq!(clients::find_by_name(connection, "a\0b").unwrap(), None);
    assert_eq!(
        constraint(clients::create(connection, &CLI, &new_client("first"))),
        CLIENT_NAME_TAKEN
    );
}

#[test]
fn a_row_from_elsewhere_is_read_as_far_as_it_can_be() {
    let (_, connection) = &mut database();
    let client = create_client(connection, "app");
    execute(
        connection,
        "UPDATE clients SET redirect_uris = '{https://app.example/cb,javascript:alert(1)}', scopes = '{notes:read,two words}'",
    );
    let found = clients::find(connection, client.id).unwrap().unwrap();
    assert_eq!(found.redirect_uris, client.redirect_uris);
    assert_eq!(found.scopes, scopes("notes:read"));
}

#[test]
fn a_secret_is_rotated_and_a_public_client_has_none() {
    let (_, connection) = &mut database();
    let (before, new) = new_confidential_client("app");
    let id = clients::create(connection, &CLI, &new).unwrap().id;
    let public = create_client(connection, "public").id;
    let after = ClientSecret::generate(&mut rand::rng()).digest();
    assert!(
        clients::rotate_secret(connection, &CLI, id, after)
            .unwrap()
            .is_some()
    );
    let known = clients::find_with_secret(connection, id).unwrap().unwrap();
    assert_eq!(known.secret, Some(after));
    assert_ne!(before.digest(), after);
    assert_eq!(
        clients::rotate_secret(connection, &CLI, public, after).unwrap(),
        None
    );
    assert_eq!(
        clients::find_with_secret(connection, public)
            .unwrap()
            .unwrap()
            .secret,
        None
    );
    assert_eq!(
        actions(connection),
        "client-created client-created client-secret-rotated"
    );
}

#[test]
fn a_disabled_client_has_no_valid_token_and_enabling_it_brings_none_back() {
    let (_, connection) = &mut database();
    let (_, client, grant, token) = app(connection);
    let found = valid(connection, token).unwrap();
    assert_eq!(
        (found.kind, found.scopes),
        (TokenKind::Delegated, scopes("notes:read"))
    );
    let disabled = clients::disable(connection, &CLI, client).unwrap();
    assert!(!disabled.is_settled());
    assert!(outcome(disabled).unwrap().disabled_at.is_some());
    assert_eq!(valid(connection, token), None);
    // One that was being issued meanwhile.
    let late = insert_token(connection, grant);
    assert_eq!(valid(connection, late), None);
    let enabled = outcome(clients::enable(connection, &CLI, client).unwrap()).unwrap();
    assert_eq!(enabled.disabled_at, None);
    assert_eq!((valid(connection, token), valid(connection, late)), (None, None));
    assert_eq!(count(connection, "grants"), 1);
    let new = insert_token(connection, grant);
    assert!(valid(connection, new).is_some());
    assert_eq!(
        actions(connection),
        "client-created client-disabled client-enabled"
    );
    assert_eq!(
        outcome(clients::disable(connection, &CLI, ClientId(Uuid::nil())).unwrap()),
        None
    );
    assert_eq!(
        outcome(clients::enable(connection, &CLI, ClientId(Uuid::nil())).unwrap()),
        None
    );
}

#[test]
fn a_client_with_fewer_scopes_has_its_tokens_revoked() {
    let (_, connection) = &mut database();
    let (_, client, grant, token) = app(connection);
    let set = |connection: &mut PgConnection, text| {
        outcome(clients::set_scopes(connection, &CLI, client, &scopes(text)).unwrap()).unwrap()
    };
    assert_eq!(
        set(connection, "notes:read notes:write more").scopes,
        scopes("more notes:read notes:write")
    );
    assert!(valid(connection, token).is_some());
    set(connection, "notes:write");
    assert_eq!(valid(connection, token), None);
    // Of one that was being issued meanwhile, nothing is left; nor is it there once the same was asked for again, as it is
    // where the first attempt stopped halfway.
    let late = insert_token(connection, grant);
    assert_eq!(valid(connection, late).unwrap().scopes, scopes(""));
    set(connection, "notes:write");
    assert_eq!(valid(connection, late), None);
    assert_eq!(
        actions(connection),
        "client-created client-scopes-changed client-scopes-changed"
    );
    assert_eq!(
        outcome(clients::set_scopes(connection, &CLI, ClientId(Uuid::nil()), &scopes("")).unwrap()),
        None
    );
}

#[test]
fn a_client_that_is_deleted_leaves_nothing() {
    let (_, connection) = &mut database();
    let (_, client, _, token) = app(connection);
    let deleted = clients::delete(connection, &CLI, client).unwrap();
    assert!(!deleted.is_settled() && outcome(deleted));
    assert_eq!(valid(connection, token), None);
    for table in ["clients", "grants", "tokens"] {
        assert_eq!(count(connection, table), 0, "{table}");
    }
    assert!(!outcome(clients::delete(connection, &CLI, client).unwrap()));
    assert_eq!(actions(connection), "client-created client-deleted");
}

/// Whatever the rows say.
#[test]
fn what_is_never_delegated_is_not() {
    let (_, connection) = &mut database();
    let (_, _, _, token) = app(connection);
    execute(
        connection,
        "UPDATE users SET scopes = '{admin,tokens:revoke,notes:read}'; UPDATE clients SET scopes = '{admin,tokens:revoke,notes:read}';
            UPDATE tokens SET scopes = '{admin,tokens:revoke,notes:read}'",
    );
    assert_eq!(valid(connection, token).unwrap().scopes, scopes("notes:read"));
}

#[test]
fn a_service_account_that_is_deleted_leaves_a_client_without() {
    let (_, connection) = &mut database();
    let account = create_user(connection, "robot").id;
    let (_, mut new) = new_confidential_client("server");
    new.service_account = Some(account);
    new.grant_types = vec![GrantType::ClientCredentials];
    let client = clients::create(connection, &CLI, &new).unwrap();
    assert_eq!(client.service_account, Some(account));
    let _ = outcome(jeton_persistence::users::delete(connection, &CLI, account).unwrap());
    assert_eq!(
        clients::find(connection, client.id)
            .unwrap()
            .unwrap()
            .service_account,
        None
    );
}

#[test]
fn the_catalogue_is_set_listed_and_deleted() {
    let (_, connection) = &mut database();
    let scope = |name, title, resource: Option<&str>| {
        let resource = resource.map(|text| Resource::parse(text).unwrap());
        DelegableScope::new(Scope::parse(name).unwrap(), title, "All of them.", resource).unwrap()
    };
    let read = scope("notes:read", "Read your notes", Some("https://notes.example/"));
    let write = scope("notes:write", "Write notes", None);
    catalogue::set(connection, &CLI, &write).unwrap();
    catalogue::set(connection, &CLI, &scope("notes:read", "Look at notes", None)).unwrap();
    catalogue::set(connection, &CLI, &read).unwrap();
    assert_eq!(
        catalogue::list(connection).unwrap(),
        [read.clone(), write.clone()]
    );
    let found = catalogue::find(connection, &scopes("notes:read unheard-of")).unwrap();
    assert_eq!(found, [read]);
    assert!(catalogue::delete(connection, &CLI, "notes:read").unwrap());
    assert!(!catalogue::delete(connection, &CLI, "notes:read").unwrap());
    assert!(!catalogue::delete(connection, &CLI, "notes:\0read").unwrap());
    assert_eq!(catalogue::list(connection).unwrap(), [write]);
    assert_eq!(
        actions(connection),
        "delegable-scope-set delegable-scope-set delegable-scope-set delegable-scope-deleted"
    );
}

#[test]
fn other_redirect_uris_end_what_is_on_its_way_and_no_token() {
    let (_, connection) = &mut database();
    let (_, client, grant, token) = app(connection);
    let device = create_client(connection, "device").id;
    execute(
        connection,
        &format!(
            "INSERT INTO authorizations (id, client_id, handle, scopes, redirect_uri, code_challenge, expires_at)
                VALUES (gen_random_uuid(), '{client}', sha256('1'), '{{}}', 'https://app.example/cb', repeat('x', 43), now());
            INSERT INTO authorizations (id, client_id, device_code, interval_secs, scopes, expires_at)
                VALUES (gen_random_uuid(), '{client}', sha256('1'), 5, '{{}}', now());
            INSERT INTO authorizations (id, client_id, handle, scopes, redirect_uri, code_challenge, expires_at)
                VALUES (gen_random_uuid(), '{device}', sha256('2'), '{{}}', 'https://app.example/cb', repeat('x', 43), now());
            INSERT INTO authorization_codes (digest, grant_id, scopes, redirect_uri, code_challenge, expires_at, used_at)
                VALUES (sha256('new'), '{grant}', '{{}}', 'https://app.example/cb', repeat('x', 43), now(), NULL),
                    (sha256('used'), '{grant}', '{{}}', 'https://app.example/cb', repeat('x', 43), now(), now())"
        ),
    );
    let uris = new_client("x").redirect_uris;
    // The same as before ends nothing.
    clients::set_redirect_uris(connection, &CLI, client, &uris).unwrap();
    assert_eq!(count(connection, "authorizations"), 3);
    let other = [RedirectUri::parse("https://app.example/other").unwrap()];
    let set = clients::set_redirect_uris(connection, &CLI, client, &other).unwrap();
    assert_eq!(set.unwrap().redirect_uris, other);
    assert_eq!(count(connection, "authorizations"), 2);
    // One that was used is still known by its replay.
    assert_eq!(
        count(connection, "authorization_codes WHERE used_at IS NOT NULL"),
        1
    );
    assert_eq!(count(connection, "authorization_codes"), 1);
    assert!(valid(connection, token).is_some());
    let nobody = ClientId(Uuid::nil());
    assert_eq!(
        clients::set_redirect_uris(connection, &CLI, nobody, &other).unwrap(),
        None
    );
}
