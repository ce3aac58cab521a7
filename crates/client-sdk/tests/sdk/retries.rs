use crate::server::{Reply, Server};
use crate::support::{NEW, OLD, builder, client, fetch, invalid_token, kind, login, scripted, unavailable};
use jeton_client::{Body, Method, ProblemKind};
use std::time::Duration;

#[tokio::test]
async fn idempotent_requests_are_repeated_twice() {
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let service = Server::script(vec![
            unavailable(Some("0")),
            unavailable(None),
            Reply::text(200, "ok"),
        ])
        .await;
        let session = client(&service).session(OLD).unwrap();
        let request = session.request(method.clone(), service.url("/")).body("same");
        assert_eq!(request.send().await.unwrap().text().await.unwrap(), "ok");
        let received = service.received();
        assert_eq!(received.len(), 3, "{method}");
        assert!(
            received
                .iter()
                .all(|request| request.body() == "same"
                    && request.authorization() == [format!("Bearer {OLD}")])
        );
    }
}

#[tokio::test]
async fn no_more_than_twice() {
    let service = Server::start(|_| async { unavailable(Some("0")) }).await;
    let session = client(&service).session(OLD).unwrap();
    assert_eq!(kind(fetch(&session, &service).await), ProblemKind::Unavailable);
    assert_eq!(service.count(), 3);
}

#[tokio::test]
async fn other_requests_are_not_repeated() {
    let service = Server::start(|_| async { unavailable(Some("0")) }).await;
    let session = client(&service).session(OLD).unwrap();
    session.post(service.url("/")).send().await.unwrap_err();
    session.patch(service.url("/")).send().await.unwrap_err();
    let stream = Body::wrap(Body::from("chunks"));
    session
        .put(service.url("/"))
        .body(stream)
        .send()
        .await
        .unwrap_err();
    assert_eq!(service.lines(), ["POST /", "PATCH /", "PUT /"]);
}

/// A service says so of a connection on which nothing came in time, while a request is on its way.
#[tokio::test]
async fn requests_that_were_not_received_whole_are_repeated_whatever_the_method() {
    for method in [Method::GET, Method::POST, Method::PATCH] {
        let service = Server::script(vec![Reply::new(408), Reply::text(200, "ok")]).await;
        let session = client(&service).session(OLD).unwrap();
        let request = session.request(method.clone(), service.url("/")).body("same");
        assert_eq!(request.send().await.unwrap().text().await.unwrap(), "ok");
        assert_eq!(service.count(), 2, "{method}");
    }
    let slow = Server::start(|_| async { Reply::new(408) }).await;
    let session = client(&slow).session(OLD).unwrap();
    session.post(slow.url("/")).send().await.unwrap_err();
    assert_eq!(slow.count(), 3);
    // That is no choice of the service's, as a 503 is.
    let service = Server::script(vec![Reply::new(408), Reply::text(200, "ok")]).await;
    let without = builder(&service).max_retries(0).build().unwrap();
    let session = without.session(OLD).unwrap();
    session.get(service.url("/")).send().await.unwrap();
    assert_eq!(service.count(), 2);
}

#[tokio::test]
async fn other_statuses_are_not_repeated() {
    let service = Server::start(|_| async { Reply::new(500).header("retry-after", "0") }).await;
    let session = client(&service).session(OLD).unwrap();
    fetch(&session, &service).await.unwrap_err();
    assert_eq!(service.count(), 1);
}

#[tokio::test]
async fn a_service_that_wants_more_time_is_left_alone() {
    let service = Server::start(|_| async { unavailable(Some("3600")) }).await;
    let session = client(&service).session(OLD).unwrap();
    let error = fetch(&session, &service).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!(service.count(), 1);
}

#[tokio::test]
async fn settings_say_how_often() {
    let service = Server::start(|_| async { unavailable(None) }).await;
    let client = builder(&service).max_retries(0).build().unwrap();
    let session = client.session(OLD).unwrap();
    fetch(&session, &service).await.unwrap_err();
    assert_eq!(service.count(), 1);
}

#[tokio::test]
async fn a_call_has_one_allowance_for_all_that_it_takes() {
    let (auth, session) = scripted(vec![unavailable(Some("0")), login(NEW)]).await;
    let service = Server::script(vec![
        unavailable(Some("0")),
        invalid_token(),
        unavailable(Some("0")),
        Reply::new(204),
    ])
    .await;
    assert_eq!(kind(fetch(&session, &service).await), ProblemKind::Unavailable);
    assert_eq!((auth.count(), service.count()), (3, 3));
}

#[tokio::test]
async fn calls_of_the_auth_api() {
    let page = serde_json::json!({"tokens": [], "next": null});
    let auth = Server::script(vec![unavailable(None), Reply::json(200, &page)]).await;
    client(&auth)
        .session(OLD)
        .unwrap()
        .tokens()
        .list_all()
        .await
        .unwrap();
    assert_eq!(auth.count(), 2);
}
