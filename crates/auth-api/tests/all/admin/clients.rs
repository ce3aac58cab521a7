//! `/v1/admin/clients` and `/v1/admin/delegable-scopes`.

use super::{person, service, with_admin};
use crate::support::{bearer, kind, pointers};
use jeton_client::ProblemKind::{ClientNameTaken, InsufficientScope, NotFound, PublicClient};
use jeton_client::{CreateClientRequest, ExposeSecret, SetDelegableScopeRequest};
use jeton_domain::ClientId;
use jeton_domain::delegation::ClientSecret;
use jeton_persistence::delegation::clients;
use jeton_proof_support::RawRequest;
use uuid::Uuid;

fn app(name: &str) -> CreateClientRequest {
    CreateClientRequest {
        name: name.to_owned(),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        scopes: vec!["notes:read".to_owned()],
        ..CreateClientRequest::default()
    }
}

#[tokio::test]
async fn clients_are_for_admins() {
    let (auth, _) = with_admin().await;
    let eve = auth.sign_up("eve").await;
    let refused = eve.admin().clients().create(&app("App")).await;
    assert_eq!(kind(refused), InsufficientScope);
    let refused = eve.admin().clients().delegable_scopes().await;
    assert_eq!(kind(refused), InsufficientScope);
}

#[tokio::test]
async fn a_client_is_created_with_a_secret_that_is_shown_once() {
    let (auth, root) = with_admin().await;
    let clients = root.admin().clients();
    let public = clients.create(&app("App")).await.unwrap();
    assert!(public.client_secret.is_none() && !public.client.confidential);
    assert_eq!(
        public.client.grant_types,
        ["authorization_code", "refresh_token", "device_code"]
    );
    let wish = CreateClientRequest {
        confidential: true,
        first_party: true,
        grant_types: Some(vec!["device_code".to_owned(), "authorization_code".to_owned()]),
        ..app("Shop")
    };
    let shop = clients.create(&wish).await.unwrap();
    let secret = ClientSecret::parse(shop.client_secret.unwrap().expose_secret()).unwrap();
    let id = ClientId(shop.client.client_id);
    let known = clients::find_with_secret(&mut auth.connect(), id)
        .unwrap()
        .unwrap();
    assert_eq!(known.secret, Some(secret.digest()));
    assert_eq!(shop.client.grant_types, ["authorization_code", "device_code"]);
    assert!(shop.client.first_party);
    let listed = clients.list(None, None).await.unwrap();
    assert_eq!(listed.clients, [shop.client, public.client]);
    let taken = clients.create(&app("App")).await;
    assert_eq!(kind(taken), ClientNameTaken);
}

#[tokio::test]
async fn an_answer_with_a_secret_is_kept_by_no_cache() {
    let (auth, root) = with_admin().await;
    let create = RawRequest::new("POST", "/v1/admin/clients")
        .header("Authorization", bearer(&root))
        .header("Content-Type", "application/json")
        .body(r#"{"name": "Shop", "confidential": true, "scopes": []}"#);
    let answer = auth.send(&create);
    assert_eq!(
        (answer.status, answer.header("Cache-Control")),
        (201, Some("no-store"))
    );
    assert!(answer.text().contains("jts_"));
}

#[tokio::test]
async fn what_no_client_can_be_is_refused_by_field() {
    let (_auth, root) = with_admin().await;
    let clients = root.admin().clients();
    let ada = root.admin().create_user(&person("ada")).await.unwrap().id;
    let robot = root.admin().create_user(&service("robot", &[])).await.unwrap().id;
    let text = |text: &str| vec![text.to_owned()];
    for (wish, field) in [
        (
            CreateClientRequest {
                name: " ".to_owned(),
                ..app("a")
            },
            "/name",
        ),
        (
            CreateClientRequest {
                redirect_uris: text("http://app.example/cb"),
                ..app("a")
            },
            "/redirect_uris",
        ),
        (
            CreateClientRequest {
                scopes: text("admin"),
                ..app("a")
            },
            "/scopes",
        ),
        (
            CreateClientRequest {
                scopes: text("tokens:revoke"),
                ..app("a")
            },
            "/scopes",
        ),
        (
            CreateClientRequest {
                grant_types: Some(text("password")),
                ..app("a")
            },
            "/grant_types",
        ),
        (
            CreateClientRequest {
                grant_types: Some(text("refresh_token")),
                ..app("a")
            },
            "/grant_types",
        ),
        (
            CreateClientRequest {
                service_account: Some(robot),
                ..app("a")
            },
            "/service_account",
        ),
        (
            CreateClientRequest {
                service_account: Some(ada),
                confidential: true,
                redirect_uris: Vec::new(),
                ..app("a")
            },
            "/service_account",
        ),
        (
            CreateClientRequest {
                redirect_uris: Vec::new(),
                grant_types: Some(text("authorization_code")),
                ..app("a")
            },
            "/redirect_uris",
        ),
    ] {
        let refused = clients.create(&wish).await;
        assert_eq!(pointers(refused), [field], "{wish:?}");
    }
    assert_eq!(clients.list(None, None).await.unwrap().clients, []);
}

#[tokio::test]
async fn a_client_is_changed_and_deleted() {
    let (_auth, root) = with_admin().await;
    let clients = root.admin().clients();
    let id = clients.create(&app("App")).await.unwrap().client.client_id;
    let scopes = ["notes:read", "notes:write"];
    assert_eq!(clients.set_scopes(id, &scopes).await.unwrap().scopes, scopes);
    let refused = clients.set_scopes(id, &["admin"]).await;
    assert_eq!(pointers(refused), ["/scopes"]);
    let uris = ["http://127.0.0.1/cb"];
    assert_eq!(
        clients.set_redirect_uris(id, &uris).await.unwrap().redirect_uris,
        uris
    );
    for wrong in [&["javascript:alert(1)"][..], &[]] {
        let refused = clients.set_redirect_uris(id, wrong).await;
        assert_eq!(pointers(refused), ["/redirect_uris"]);
    }
    let refused = clients.rotate_secret(id).await;
    assert_eq!(kind(refused), PublicClient);
    assert!(clients.disable(id).await.unwrap().disabled_at.is_some());
    assert!(clients.enable(id).await.unwrap().disabled_at.is_none());
    clients.delete(id).await.unwrap();
    for refused in [
        clients.get(id).await.map(drop),
        clients.set_scopes(id, &[]).await.map(drop),
        clients.set_redirect_uris(id, &uris).await.map(drop),
        clients.rotate_secret(Uuid::now_v7()).await.map(drop),
        clients.disable(id).await.map(drop),
        clients.enable(id).await.map(drop),
        clients.delete(id).await,
    ] {
        assert_eq!(kind(refused), NotFound);
    }
    let events = root
        .admin()
        .audit_events(&Default::default(), None, None)
        .await
        .unwrap();
    let actions: Vec<_> = events
        .events
        .iter()
        .map(|event| event.action.as_str())
        .filter(|action| action.starts_with("client-"))
        .collect();
    assert_eq!(
        actions.join(" "),
        "client-deleted client-enabled client-disabled client-redirect-uris-changed client-scopes-changed client-created"
    );
    assert!(
        events
            .events
            .iter()
            .all(|event| event.request_id.is_some() || event.actor_label.is_some())
    );
}

#[tokio::test]
async fn the_catalogue_is_set_and_deleted_from() {
    let (_auth, root) = with_admin().await;
    let clients = root.admin().clients();
    let scope = |name: &str, title: &str| SetDelegableScopeRequest {
        name: name.to_owned(),
        title: title.to_owned(),
        description: "All of them.".to_owned(),
        resource: Some("https://notes.example/".to_owned()),
    };
    for title in ["Read", "See your notes"] {
        let set = clients
            .set_delegable_scope(&scope("notes:read", title))
            .await
            .unwrap();
        assert_eq!(clients.delegable_scopes().await.unwrap(), [set]);
    }
    for (wrong, field) in [
        (scope("admin", "All"), "/name"),
        (scope("a b", "All"), "/name"),
        (scope("a", ""), "/title"),
        (scope("a", "a\nb"), "/title"),
        (
            SetDelegableScopeRequest {
                description: "x".repeat(1001),
                ..scope("a", "A")
            },
            "/description",
        ),
        (
            SetDelegableScopeRequest {
                resource: Some("notes".to_owned()),
                ..scope("a", "A")
            },
            "/resource",
        ),
    ] {
        let refused = clients.set_delegable_scope(&wrong).await;
        assert_eq!(pointers(refused), [field]);
    }
    clients.delete_delegable_scope("notes:read").await.unwrap();
    for gone in ["notes:read", "a b"] {
        let refused = clients.delete_delegable_scope(gone).await;
        assert_eq!(kind(refused), NotFound);
    }
}
