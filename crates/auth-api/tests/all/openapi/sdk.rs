//! That the SDK has a method for each operation: one is called for each, and the service tells what it was asked.

use super::document::Document;
use crate::support::{Auth, PASSWORD, token_request};
use jeton_client::{
    AuditQuery, CreateClientRequest, CreateTokenRequest, CreateUserRequest, ExposeSecret, Session,
    SetDelegableScopeRequest, UpdateUserRequest, UserQuery,
};
use jeton_proof_support::RawRequest;
use std::collections::BTreeSet;
use uuid::Uuid;

/// For others than the SDK's users, and why.
const NOT_IN_THE_SDK: [(&str, &str); 16] = [
    ("isAlive", "for whoever runs the service"),
    ("isReady", "for whoever runs the service"),
    ("describe", "for generators of clients"),
    ("showDocs", "for people"),
    ("showAuthorize", "for people"),
    ("showDevice", "for people"),
    ("showApps", "for people"),
    ("showMetadata", "its parts for apps have tests of their own"),
    ("authorizeDevice", "its parts for apps have tests of their own"),
    ("issueToken", "its parts for apps have tests of their own"),
    ("startAuthorization", "for the page that asks users"),
    ("showAuthorization", "for the page that asks users"),
    ("approveAuthorization", "for the page that asks users"),
    ("denyAuthorization", "for the page that asks users"),
    ("listGrants", "for the page that asks users"),
    ("revokeGrant", "for the page that asks users"),
];

const NEW_PASSWORD: &str = "a wholly different phrase";

fn wish(name: &str) -> CreateTokenRequest {
    token_request(name, &["notes:read"])
}

/// Everything that the SDK can ask of the auth API, once at least.
async fn call_everything(auth: &Auth) {
    let root = auth
        .sign_up_with("root", "admin tokens:introspect notes:read")
        .await;
    account(auth).await;
    let token = root.tokens().create(&wish("second")).await.unwrap().token;
    root.introspect(token.expose_secret()).await.unwrap();
    root.revoke_token(token).await.unwrap();

    let (admin, page) = (root.admin(), Some(1));
    let service = CreateUserRequest {
        username: "backup".to_owned(),
        password: None,
        email: None,
        service: true,
        scopes: Some(vec!["notes:read".to_owned()]),
    };
    let id = admin.create_user(&service).await.unwrap().id;
    admin.users(&UserQuery::default(), page, None).await.unwrap();
    admin.user(id).await.unwrap();
    admin
        .update_user(id, &UpdateUserRequest::default())
        .await
        .unwrap();
    admin
        .set_scopes(id, &["notes:read", "notes:write"])
        .await
        .unwrap();
    renewal(auth, &root, id).await;
    let token = admin.create_token(id, &wish("backup-1")).await.unwrap().token_id;
    admin.tokens(id, page, None).await.unwrap();
    admin.revoke_token(id, token).await.unwrap();
    admin.revoke_tokens(id).await.unwrap();
    admin.disable(id).await.unwrap();
    admin.enable(id).await.unwrap();
    rate_limits(&root, id).await;
    clients(&root).await;
    admin.set_password(id, NEW_PASSWORD, true).await.unwrap();
    admin.delete_user(id).await.unwrap();
    observation(auth, &root).await;
}

/// By a service account, which is the only one that may.
async fn renewal(auth: &Auth, root: &Session, account: Uuid) {
    let issued = root.admin().create_token(account, &wish("backup-0")).await;
    let program = auth.client().session(issued.unwrap().token).unwrap();
    program.renew_token(None).await.unwrap();
}

async fn observation(auth: &Auth, root: &Session) {
    let (admin, page) = (root.admin(), Some(1));
    // The service itself, which checks its own requests.
    let verifiers = admin.verifiers(page, None).await.unwrap().verifiers;
    let [verifier] = &verifiers[..] else {
        panic!("{verifiers:?}")
    };
    assert!(auth.role.url().contains(&format!("//{}:", verifier.role)));
    assert_eq!(verifier.lease_ms, 5_000);
    assert!(verifier.registered_at <= root.me().await.unwrap().user.created_at);
    admin
        .audit_events(&AuditQuery::default(), page, None)
        .await
        .unwrap();
}

async fn rate_limits(root: &Session, id: uuid::Uuid) {
    let admin = root.admin();
    admin.unblock(id).await.unwrap();
    admin.networks(Some(1)).await.unwrap();
    admin.unblock_network("203.0.113.9").await.unwrap();
}

async fn clients(root: &Session) {
    let clients = root.admin().clients();
    let scope = SetDelegableScopeRequest {
        name: "notes:read".to_owned(),
        title: "Read your notes".to_owned(),
        description: String::new(),
        resource: None,
    };
    clients.set_delegable_scope(&scope).await.unwrap();
    assert_eq!(clients.delegable_scopes().await.unwrap()[0].name, "notes:read");
    clients.delete_delegable_scope("notes:read").await.unwrap();
    let app = CreateClientRequest {
        name: "App".to_owned(),
        confidential: true,
        ..CreateClientRequest::default()
    };
    let created = clients.create(&app).await.unwrap();
    assert!(created.client_secret.is_some());
    let id = created.client.client_id;
    assert_eq!(
        clients.list(Some(1), None).await.unwrap().clients,
        [created.client]
    );
    clients.get(id).await.unwrap();
    clients.set_scopes(id, &["notes:read"]).await.unwrap();
    clients
        .set_redirect_uris(id, &["https://app.example/cb"])
        .await
        .unwrap();
    assert!(clients.rotate_secret(id).await.unwrap().client_secret.is_some());
    clients.disable(id).await.unwrap();
    clients.enable(id).await.unwrap();
    clients.delete(id).await.unwrap();
}

async fn account(auth: &Auth) {
    let ada = auth.sign_up("ada").await;
    auth.login("ada", PASSWORD).await.unwrap();
    ada.me().await.unwrap();
    ada.verify(&["notes:read"]).await.unwrap();
    let tokens = ada.tokens();
    let token = tokens.create(&wish("nightly backup")).await.unwrap().token_id;
    tokens.list(None, None).await.unwrap();
    tokens.rename(token, "weekly backup").await.unwrap();
    tokens.revoke(token).await.unwrap();
    ada.update_account(PASSWORD, &UpdateUserRequest::default())
        .await
        .unwrap();
    ada.change_password(PASSWORD, NEW_PASSWORD).await.unwrap();
    ada.logout().await.unwrap();
    let bea = auth.sign_up("bea").await;
    bea.logout_all().await.unwrap();
    let cleo = auth.sign_up("cleo").await;
    cleo.delete_account(PASSWORD).await.unwrap();
}

/// What the service has been asked and has answered with success, as its metrics tell.
fn asked(auth: &Auth) -> BTreeSet<(String, String)> {
    let metrics = RawRequest::new("GET", "/metrics").send(auth.service.metrics_address());
    let metrics = metrics.text();
    let requests = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("jeton_http_requests_total{"));
    let request = |line: &str| {
        // method="…",route="…",status="…"
        let values: Vec<_> = line.split('"').skip(1).step_by(2).collect();
        let [method, route, status] = values[..] else {
            panic!("{line}")
        };
        status
            .starts_with('2')
            .then(|| (method.to_owned(), route.to_owned()))
    };
    requests.filter_map(request).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sdk_has_a_method_for_every_operation() {
    let auth = Auth::start_with(&[("JETON_METRICS_ADDR", "127.0.0.1:0")]);
    call_everything(&auth).await;
    let asked = asked(&auth);
    let document = Document::read();
    let uncalled: BTreeSet<_> = document
        .operations()
        .into_iter()
        .filter(|one| !asked.contains(&(one.method.clone(), one.path.to_owned())))
        .map(|one| one.described["operationId"].as_str().unwrap().to_owned())
        .collect();
    let excepted = NOT_IN_THE_SDK.map(|(id, _)| id.to_owned());
    assert_eq!(uncalled, BTreeSet::from(excepted));
}
