use crate::server::{Received, Reply, Server};
use crate::support::{NEW, OLD, client, fetch, service_for_new_token};
use jeton_client::{App, ClientError, ExposeSecret, Session};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const APP: &str = "0198c0de-0000-7000-8000-00000000000a";
const REDIRECT_URI: &str = "http://127.0.0.1:1/callback";
const FIRST: &str = "jtr_FIRSTfirst";
const SECOND: &str = "jtr_SECONDsecond";

fn public(auth: &Server) -> App {
    client(auth).app(APP, None)
}

fn confidential(auth: &Server) -> App {
    client(auth).app(APP, Some("jts_SECRETsecret".into()))
}

fn tokens(access: &str, refresh: Option<&str>) -> Reply {
    let mut body =
        json!({ "access_token": access, "token_type": "Bearer", "expires_in": 3600, "scope": "notes:read" });
    if let Some(refresh) = refresh {
        body["refresh_token"] = json!(refresh);
    }
    Reply::json(200, &body)
}

fn refused(status: u16, error: &str) -> Reply {
    Reply::json(
        status,
        &json!({ "error": error, "error_description": "As scripted." }),
    )
}

fn form(request: &Received) -> BTreeMap<String, String> {
    let mut url = reqwest::Url::parse("http://localhost").unwrap();
    url.set_query(Some(&request.body()));
    url.query_pairs().into_owned().collect()
}

fn error_of<T: std::fmt::Debug>(result: Result<T, ClientError>) -> String {
    result.unwrap_err().oauth().unwrap().to_owned()
}

/// An auth API that has metadata of this issuer, and then answers so.
async fn with_metadata(issuer: Option<&str>, replies: Vec<Reply>) -> Server {
    let replies = std::sync::Mutex::new(replies.into_iter());
    let issuer = issuer.map(str::to_owned);
    Server::start(move |request| {
        let reply = if request.line().starts_with("GET /.well-known/") {
            let here = format!("http://{}", request.headers("host")[0]);
            let issuer = issuer.clone().unwrap_or_else(|| here.clone());
            Reply::json(
                200,
                &json!({ "issuer": issuer, "authorization_endpoint": format!("{here}/authorize?x=y") }),
            )
        } else {
            replies.lock().unwrap().next().unwrap()
        };
        async { reply }
    })
    .await
}

/// What the user's browser brings back, where nothing is wrong.
fn answer(auth: &Server, url: &str) -> BTreeMap<String, String> {
    let asked: BTreeMap<String, String> = reqwest::Url::parse(url)
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect();
    [
        ("code", "jtc_CODE"),
        ("state", &asked["state"]),
        ("iss", &auth.url("")),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn query(parameters: &BTreeMap<String, String>) -> String {
    let mut url = reqwest::Url::parse("http://localhost").unwrap();
    url.query_pairs_mut().extend_pairs(parameters);
    url.query().unwrap().to_owned()
}

#[tokio::test]
async fn an_app_asks_with_a_challenge_and_exchanges_the_code_with_its_verifier() {
    let auth = with_metadata(None, vec![tokens(NEW, Some(FIRST))]).await;
    let asking = public(&auth)
        .authorization(REDIRECT_URI, &["notes:read", "notes:write"])
        .await
        .unwrap();
    let url = reqwest::Url::parse(asking.url()).unwrap();
    let asked: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(url.path(), "/authorize");
    for (name, value) in [
        ("x", "y"),
        ("response_type", "code"),
        ("client_id", APP),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "notes:read notes:write"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(asked[name], value);
    }
    let query = query(&answer(&auth, asking.url()));
    assert!(!format!("{asking:?}").contains(&asked["state"]));
    let session = asking.finish(&query).await.unwrap();
    assert_eq!(session.token().expose_secret(), NEW);
    assert_eq!(session.refresh_token().await.unwrap().expose_secret(), FIRST);

    let sent = form(&auth.received()[1]);
    assert_eq!(
        (
            &*sent["grant_type"],
            &*sent["code"],
            &*sent["redirect_uri"],
            &*sent["client_id"]
        ),
        ("authorization_code", "jtc_CODE", REDIRECT_URI, APP)
    );
    assert_eq!(sent["code_verifier"].len(), 43);
}

#[tokio::test]
async fn an_answer_to_another_request_is_not_exchanged() {
    let auth = with_metadata(None, vec![]).await;
    let app = public(&auth);
    for (name, value) in [
        ("state", "other"),
        ("state", ""),
        ("iss", "https://elsewhere.example"),
        ("iss", ""),
    ] {
        let asking = app.authorization(REDIRECT_URI, &["notes:read"]).await.unwrap();
        let mut answer = answer(&auth, asking.url());
        match value {
            "" => drop(answer.remove(name)),
            _ => drop(answer.insert(name.to_owned(), value.to_owned())),
        }
        let error = asking.finish(&query(&answer)).await.unwrap_err();
        assert!(
            matches!(error, ClientError::ForeignAnswer(_)),
            "{name}: {error:?}"
        );
    }
    // Two of one are none.
    let asking = app.authorization(REDIRECT_URI, &["notes:read"]).await.unwrap();
    let twice = query(&answer(&auth, asking.url())) + "&state=other";
    assert!(matches!(
        asking.finish(&twice).await,
        Err(ClientError::ForeignAnswer(_))
    ));
    assert!(
        auth.lines()
            .iter()
            .all(|line| line.starts_with("GET /.well-known/"))
    );
}

#[tokio::test]
async fn metadata_of_another_issuer_is_not_used() {
    let auth = with_metadata(Some("https://auth.example"), vec![]).await;
    let asking = public(&auth).authorization(REDIRECT_URI, &["notes:read"]).await;
    assert!(matches!(asking, Err(ClientError::ForeignAnswer(_))), "{asking:?}");
}

#[tokio::test]
async fn a_denial_is_an_error_of_its_own() {
    let auth = with_metadata(None, vec![]).await;
    let asking = public(&auth)
        .authorization(REDIRECT_URI, &["notes:read"])
        .await
        .unwrap();
    let mut answer = answer(&auth, asking.url());
    answer.remove("code");
    answer.insert("error".to_owned(), "access_denied".to_owned());
    assert_eq!(error_of(asking.finish(&query(&answer)).await), "access_denied");
}

#[tokio::test]
async fn a_refused_token_is_refreshed_once_for_all_requests() {
    let auth = Server::script(vec![tokens(NEW, Some(SECOND))]).await;
    let service = service_for_new_token().await;
    let session = public(&auth).session(OLD, FIRST).unwrap();
    let requests: Vec<_> = (0..20)
        .map(|_| {
            let request = session.get(service.url("/"));
            tokio::spawn(async move { request.send().await.unwrap().status() })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(auth.count(), 1);
    let sent = form(&auth.received()[0]);
    assert_eq!(
        (&*sent["grant_type"], &*sent["refresh_token"], &*sent["client_id"]),
        ("refresh_token", FIRST, APP)
    );
    assert_eq!(session.refresh_token().await.unwrap().expose_secret(), SECOND);
}

#[tokio::test]
async fn a_refresh_whose_answer_is_lost_is_asked_for_again() {
    let auth = Server::script(vec![
        // Broken off: the head promises more than comes.
        tokens(NEW, Some(SECOND)).header("content-length", "4096"),
        Reply::new(503),
        tokens(NEW, Some(SECOND)),
    ])
    .await;
    let service = service_for_new_token().await;
    let session = public(&auth).session(OLD, FIRST).unwrap();
    fetch(&session, &service).await.unwrap();
    let received = auth.received();
    assert_eq!(received.len(), 3);
    assert!(
        received
            .iter()
            .all(|request| form(request)["refresh_token"] == FIRST)
    );
}

#[tokio::test]
async fn a_confidential_client_keeps_its_refresh_token_and_sends_its_secret_in_the_header() {
    let auth = Server::script(vec![tokens(NEW, None)]).await;
    let service = service_for_new_token().await;
    let session = confidential(&auth).session(OLD, FIRST).unwrap();
    fetch(&session, &service).await.unwrap();
    assert_eq!(session.refresh_token().await.unwrap().expose_secret(), FIRST);
    let received = &auth.received()[0];
    assert!(received.authorization()[0].starts_with("Basic "));
    assert!(!received.body().contains("SECRETsecret") && !received.body().contains("client_id"));
}

#[tokio::test]
async fn a_grant_that_was_taken_back_is_asked_about_once() {
    let auth = Server::script(vec![refused(400, "invalid_grant")]).await;
    let service = service_for_new_token().await;
    let session = public(&auth).session(OLD, FIRST).unwrap();
    assert_eq!(error_of(fetch(&session, &service).await), "invalid_grant");
    assert!(fetch(&session, &service).await.unwrap_err().is_unauthorized());
    assert_eq!(auth.count(), 1);
    assert!(session.refresh_token().await.is_none());
}

#[tokio::test]
async fn a_refresh_token_outlives_an_auth_api_that_is_away() {
    let auth = Server::script(vec![
        Reply::new(503),
        Reply::new(503),
        Reply::new(503),
        tokens(NEW, Some(SECOND)),
    ])
    .await;
    let service = service_for_new_token().await;
    let session = public(&auth).session(OLD, FIRST).unwrap();
    assert_eq!(
        fetch(&session, &service).await.unwrap_err().status().unwrap(),
        503
    );
    fetch(&session, &service).await.unwrap();
    assert_eq!(form(&auth.received()[3])["refresh_token"], FIRST);
}

#[tokio::test]
async fn an_app_that_logs_out_revokes_its_refresh_token() {
    let auth = Server::script(vec![Reply::new(200)]).await;
    let session = public(&auth).session(OLD, FIRST).unwrap();
    session.logout().await.unwrap();
    assert_eq!(auth.lines(), ["POST /v1/revoke"]);
    let sent = form(&auth.received()[0]);
    assert_eq!(
        (&*sent["token"], &*sent["token_type_hint"]),
        (FIRST, "refresh_token")
    );
    assert!(session.refresh_token().await.is_none());
}

#[tokio::test]
async fn a_program_that_acts_for_itself_asks_again_with_its_secret() {
    let auth = Server::script(vec![tokens(OLD, None), tokens(NEW, None)]).await;
    let service = service_for_new_token().await;
    let session = confidential(&auth)
        .client_credentials(&["notes:read"])
        .await
        .unwrap();
    fetch(&session, &service).await.unwrap();
    for request in auth.received() {
        let sent = form(&request);
        assert_eq!(
            (&*sent["grant_type"], &*sent["scope"]),
            ("client_credentials", "notes:read")
        );
        assert!(request.authorization()[0].starts_with("Basic "));
    }
    assert_eq!(auth.count(), 2);
}

#[tokio::test]
async fn a_device_waits_until_the_user_has_decided() {
    let begun = |device_code: &str| -> Value {
        json!({
            "device_code": device_code, "user_code": "BCDF-GHJK", "verification_uri": "https://auth.example/device",
            "expires_in": 600, "interval": 0
        })
    };
    let auth = Server::script(vec![
        Reply::json(200, &begun("jtd_ONE")),
        refused(400, "authorization_pending"),
        refused(400, "authorization_pending"),
        tokens(NEW, Some(FIRST)),
        Reply::json(200, &begun("jtd_TWO")),
        refused(400, "access_denied"),
    ])
    .await;
    let device = public(&auth).device_authorization(&["notes:read"]).await.unwrap();
    assert_eq!(device.user_code(), "BCDF-GHJK");
    assert_eq!(device.verification_uri(), "https://auth.example/device");
    assert_eq!(device.expires_in().as_secs(), 600);
    assert!(!format!("{device:?}").contains("jtd_"));
    let session: Session = device.wait().await.unwrap();
    assert_eq!(session.token().expose_secret(), NEW);
    assert!(
        auth.received()[1..4]
            .iter()
            .all(|request| form(request)["device_code"] == "jtd_ONE")
    );

    let device = public(&auth).device_authorization(&["notes:read"]).await.unwrap();
    assert_eq!(error_of(device.wait().await), "access_denied");
}
