use crate::server::{Reply, Server};
use crate::support::{OLD, PASSWORD, client, credentials, fetch, invalid_token, login, scripted};
use jeton_client::ClientError;

fn redirect(status: u16, location: &str) -> Reply {
    Reply::new(status).header("location", location)
}

/// Redirects to a URL, and greets whoever asks for `/end`.
async fn redirector(status: u16, location: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
    Server::start(move |request| {
        let host = request.headers("host").remove(0);
        let reply = match request.line().ends_with("/end") {
            true => Reply::text(200, "end"),
            false => redirect(status, &location(&host)),
        };
        async { reply }
    })
    .await
}

#[tokio::test]
async fn the_token_follows_within_the_same_origin() {
    let service = redirector(307, |host| format!("http://{host}/end")).await;
    let session = client(&service).session(OLD).unwrap();
    let response = fetch(&session, &service).await.unwrap();
    assert_eq!(response.text().await.unwrap(), "end");
    assert_eq!(service.received()[1].authorization(), [format!("Bearer {OLD}")]);
}

#[tokio::test]
async fn the_token_does_not_follow_to_another_port() {
    for status in [301, 302, 303, 307, 308] {
        let other = Server::start(|_| async { Reply::text(200, "other") }).await;
        let target = other.url("/end");
        let service = redirector(status, move |_| target.clone()).await;
        let session = client(&service).session(OLD).unwrap();
        let url = service.url("/?q=private");
        let response = session.post(url).body("mine").send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), "other");
        let received = other.received();
        assert_eq!(received.len(), 1);
        assert!(
            !received[0].contains(OLD) && !received[0].contains("private"),
            "{status}"
        );
    }
}

#[tokio::test]
async fn the_token_does_not_follow_to_another_name_of_the_same_host() {
    let service = redirector(307, |host| {
        format!("http://{}/end", host.replace("127.0.0.1", "localhost"))
    })
    .await;
    let session = client(&service).session(OLD).unwrap();
    fetch(&session, &service).await.unwrap();
    let received = service.received();
    assert_eq!(
        received[1].headers("host"),
        [format!("localhost:{}", service.port())]
    );
    assert!(received[1].authorization().is_empty());
}

#[tokio::test]
async fn the_token_does_not_come_back_after_a_detour() {
    let service = Server::start(|request| {
        let reply = match request.line().as_str() {
            "GET /end" => Reply::text(200, "end"),
            _ => redirect(307, &request.headers("x-next")[0]),
        };
        async { reply }
    })
    .await;
    let home = service.url("/end");
    let other = Server::start(move |_| {
        let reply = redirect(307, &home);
        async { reply }
    })
    .await;
    let session = client(&service).session(OLD).unwrap();
    let request = session.get(service.url("/")).header("x-next", &other.url("/"));
    request.send().await.unwrap();
    assert_eq!(service.count(), 2);
    assert!(service.received()[1].authorization().is_empty());
}

#[tokio::test]
async fn the_token_does_not_follow_to_another_scheme() {
    // The same host and port: the server sees how a TLS handshake begins, and nothing else.
    let service = redirector(307, |host| format!("https://{host}/end")).await;
    let session = client(&service).session(OLD).unwrap();
    let error = fetch(&session, &service).await.unwrap_err();
    assert!(matches!(error, ClientError::Transport(_)));
    let received = service.received();
    assert!(received.len() > 1);
    assert!(received[1..].iter().all(|request| !request.contains(OLD)));
}

#[tokio::test]
async fn a_refusal_by_a_host_that_got_no_token_renews_nothing() {
    let (auth, session) = scripted(vec![]).await;
    let other = Server::start(|_| async { invalid_token() }).await;
    let target = other.url("/");
    let service = redirector(302, move |_| target.clone()).await;
    assert!(fetch(&session, &service).await.unwrap_err().is_unauthorized());
    assert_eq!((auth.count(), service.count(), other.count()), (1, 1, 1));
}

#[tokio::test]
async fn the_auth_api_is_not_followed_anywhere() {
    for status in [301, 302, 303, 307, 308] {
        let other = Server::start(|_| async { login(OLD) }).await;
        let target = other.url("/v1/login");
        let auth = redirector(status, move |_| target.clone()).await;
        let error = client(&auth).sign_in(credentials()).await.unwrap_err();
        assert!(matches!(error, ClientError::Status { status: got, .. } if got == status));
        let session = client(&auth).session(OLD).unwrap();
        session.logout().await.unwrap_err();
        session.me().await.unwrap_err();
        session
            .change_password(PASSWORD, "another one")
            .await
            .unwrap_err();
        assert_eq!((auth.count(), other.count()), (4, 0), "{status}");
    }
}
