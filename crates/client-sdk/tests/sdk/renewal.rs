use crate::server::{Reply, Server};
use crate::support::{
    NEW, OLD, client, fetch, invalid_token, kind, login, problem, scripted, service_for_new_token, signed_in,
    unavailable,
};
use jeton_client::{Body, ExposeSecret, ProblemKind, Session};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_request_repeated() {
    let (auth, session) = scripted(vec![login(NEW)]).await;
    let service = service_for_new_token().await;

    let response = session
        .post(service.url("/notes"))
        .body("hello")
        .send()
        .await
        .unwrap();
    assert_eq!(response.text().await.unwrap(), "welcome");
    assert_eq!(session.token().expose_secret(), NEW);
    let received = service.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].authorization(), [format!("Bearer {OLD}")]);
    assert_eq!(received[1].authorization(), [format!("Bearer {NEW}")]);
    assert!(received.iter().all(|request| request.body() == "hello"));

    session.get(service.url("/notes")).send().await.unwrap();
    assert_eq!((auth.count(), service.count()), (2, 3));
}

#[tokio::test]
async fn a_service_that_refuses_every_token_is_asked_twice() {
    let auth = Server::start(|_| async { login(NEW) }).await;
    let service = Server::start(|_| async { invalid_token() }).await;
    let session = signed_in(&auth).await;
    assert_eq!(kind(fetch(&session, &service).await), ProblemKind::InvalidToken);
    assert_eq!((auth.count(), service.count()), (2, 2));
}

#[tokio::test]
async fn renewal_is_for_a_refused_token_alone() {
    let (auth, session) = scripted(vec![]).await;
    let service = Server::script(vec![
        problem(ProblemKind::MissingToken).header("www-authenticate", r#"Bearer realm="jeton""#),
        problem(ProblemKind::InvalidToken),
        problem(ProblemKind::InsufficientScope)
            .header("www-authenticate", r#"Bearer error="insufficient_scope""#),
        Reply::new(403).header("www-authenticate", r#"Bearer error="invalid_token""#),
    ])
    .await;
    for status in [401, 401, 403, 403] {
        let error = fetch(&session, &service).await.unwrap_err();
        assert_eq!(error.status().unwrap(), status);
    }
    assert_eq!((auth.count(), service.count()), (1, 4));
}

#[tokio::test]
async fn a_refusal_without_credentials_is_final() {
    let auth = Server::script(vec![]).await;
    let service = service_for_new_token().await;
    let session = client(&auth).session(OLD).unwrap();
    assert!(fetch(&session, &service).await.unwrap_err().is_unauthorized());
    assert_eq!((auth.count(), service.count()), (0, 1));
}

#[tokio::test]
async fn credentials_that_are_refused_are_not_sent_again() {
    let (auth, session) = scripted(vec![problem(ProblemKind::InvalidCredentials)]).await;
    let service = service_for_new_token().await;
    let error = fetch(&session, &service).await.unwrap_err();
    assert_eq!(error.kind(), Some(ProblemKind::InvalidCredentials));
    assert_eq!(kind(fetch(&session, &service).await), ProblemKind::InvalidToken);
    assert_eq!(auth.count(), 2);
}

#[tokio::test]
async fn a_sign_in_that_failed_for_now_is_tried_again_by_the_next_request() {
    let (_auth, session) = scripted(vec![unavailable(None), login(NEW)]).await;
    let service = service_for_new_token().await;
    assert_eq!(kind(fetch(&session, &service).await), ProblemKind::Unavailable);
    fetch(&session, &service).await.unwrap();
}

#[tokio::test]
async fn a_streamed_body_is_not_repeated_but_the_token_is_renewed() {
    let (auth, session) = scripted(vec![login(NEW)]).await;
    let service = service_for_new_token().await;
    // A body inside a body is what reqwest takes for a stream.
    let upload = || Body::wrap(Body::from("chunks"));
    let error = session
        .put(service.url("/"))
        .body(upload())
        .send()
        .await
        .unwrap_err();
    assert!(error.is_unauthorized());
    assert_eq!((auth.count(), service.count()), (2, 1));
    session.put(service.url("/")).body(upload()).send().await.unwrap();
    assert!(service.received()[1].contains("chunks"));
}

const TASKS: usize = 16;

/// Sends requests from many tasks, all with the old token; the auth API answers the second login, by the reply given,
/// only after the service has refused all of them. Tells how many succeeded and how many logins there were.
async fn storm(second_login: fn() -> Reply) -> (usize, usize) {
    let (refused, all_refused) = watch::channel(0);
    let service = Server::start(move |request| {
        let fresh = request.authorization() == [format!("Bearer {NEW}")];
        if !fresh {
            refused.send_modify(|count| *count += 1);
        }
        async move { if fresh { Reply::new(204) } else { invalid_token() } }
    })
    .await;
    let logins = Arc::new(AtomicUsize::new(0));
    let auth = Server::start(move |_| {
        let first = logins.fetch_add(1, Ordering::SeqCst) == 0;
        let mut all_refused = all_refused.clone();
        async move {
            if first {
                return login(OLD);
            }
            all_refused.wait_for(|count| *count >= TASKS).await.unwrap();
            second_login()
        }
    })
    .await;
    let session = signed_in(&auth).await;
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| tokio::spawn(succeeds(session.clone(), service.url("/"))))
        .collect();
    let mut successes = 0;
    for task in tasks {
        successes += usize::from(task.await.unwrap());
    }
    (successes, auth.count() - 1)
}

async fn succeeds(session: Session, url: String) -> bool {
    session.get(url).send().await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_refusals_make_one_login() {
    assert_eq!(storm(|| login(NEW)).await, (TASKS, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_refusals_try_wrong_credentials_once() {
    assert_eq!(storm(|| problem(ProblemKind::InvalidCredentials)).await, (0, 1));
}
