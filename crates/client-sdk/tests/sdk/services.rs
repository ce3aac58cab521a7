use crate::server::{Reply, Server};
use crate::support::{OLD, client, fetch, problem, scripted};
use jeton_client::{ClientError, Method, ProblemKind};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn requests_carry_the_token_and_what_the_caller_adds() {
    let auth = Server::script(vec![]).await;
    let service = Server::start(|_| async { Reply::json(201, &json!({"id": 7})) }).await;
    let session = client(&auth).session(OLD).unwrap();
    let url = service.url("/notes");

    let answer: Value = session
        .post(&url)
        .query(&[("a", "b c")])
        .header("X-Trace", "1")
        .json(&json!({"title": "t"}))
        .send_json()
        .await
        .unwrap();
    assert_eq!(answer, json!({"id": 7}));
    session.put(&url).form(&[("k", "v")]).send().await.unwrap();
    session.patch(&url).body("raw").send().await.unwrap();
    session.delete(&url).send().await.unwrap();
    session.request(Method::OPTIONS, &url).send().await.unwrap();
    session
        .get(&url)
        .timeout(Duration::from_secs(5))
        .send()
        .await
        .unwrap();

    let received = service.received();
    let lines = [
        "POST /notes?a=b+c",
        "PUT /notes",
        "PATCH /notes",
        "DELETE /notes",
        "OPTIONS /notes",
        "GET /notes",
    ];
    assert_eq!(service.lines(), lines);
    assert!(
        received
            .iter()
            .all(|request| request.authorization() == [format!("Bearer {OLD}")])
    );
    assert_eq!(received[0].headers("x-trace"), ["1"]);
    assert_eq!(received[0].json(), json!({"title": "t"}));
    assert_eq!(received[1].body(), "k=v");
    assert_eq!(received[2].body(), "raw");
    assert_eq!(auth.count(), 0);
}

#[tokio::test]
async fn the_token_replaces_other_credentials() {
    let service = Server::start(|_| async { Reply::new(204) }).await;
    let session = client(&service).session(OLD).unwrap();
    let with_user = service.url("/").replace("http://", "http://ada:pw@");
    let request = session.get(with_user).header("authorization", "Basic eDp5");
    request.send().await.unwrap();
    assert_eq!(service.received()[0].authorization(), [format!("Bearer {OLD}")]);
}

#[tokio::test]
async fn errors_and_other_statuses() {
    let other_problem = Reply::text(403, r#"{"title": "No"}"#);
    let service = Server::script(vec![
        problem(ProblemKind::InsufficientScope),
        other_problem.header("content-type", "application/problem+json; charset=utf-8"),
        Reply::text(502, "<html>bad gateway</html>"),
        Reply::text(400, "{}").header("content-type", "application/json"),
        Reply::text(400, "no json").header("content-type", "application/problem+json"),
        Reply::text(400, json!({"title": "x".repeat(70_000)}).to_string())
            .header("content-type", "application/problem+json"),
        Reply::new(304),
        Reply::text(200, "no json"),
    ])
    .await;
    let session = client(&service).session(OLD).unwrap();
    let error = async || fetch(&session, &service).await.unwrap_err();

    assert_eq!(error().await.kind(), Some(ProblemKind::InsufficientScope));
    let other = error().await;
    assert_eq!(other.problem().unwrap().title, "No");
    assert_eq!(other.kind(), None);
    for status in [502, 400, 400, 400] {
        let error = error().await;
        assert!(
            matches!(error, ClientError::Status { status: got, .. } if got == status),
            "{error}"
        );
    }
    assert_eq!(fetch(&session, &service).await.unwrap().status(), 304);
    let error = session
        .get(service.url("/"))
        .send_json::<Value>()
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::UnexpectedBody { line: 1, .. }));
}

#[tokio::test]
async fn a_body_without_end_is_not_read_into_memory() {
    const LIMIT: usize = 8 * 1024 * 1024;
    let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    let service = Server::script(vec![
        Reply::text(200, text(LIMIT)),
        Reply::text(200, text(LIMIT + 1)),
        Reply::text(200, text(LIMIT)).without_length(),
        Reply::text(200, text(LIMIT + 1)).without_length(),
        Reply::text(200, text(LIMIT + 1)).without_length(),
        Reply::text(200, text(LIMIT + 1)),
    ])
    .await;
    let session = client(&service).session(OLD).unwrap();
    let read = async || session.get(service.url("/")).send_json::<String>().await;
    for _ in 0..2 {
        assert_eq!(read().await.unwrap().len(), LIMIT - 2);
        let error = read().await.unwrap_err();
        assert!(matches!(error, ClientError::BodyTooLarge { limit: LIMIT, .. }));
        assert_eq!(
            error.to_string(),
            "the body of the answer 200 OK has more than 8388608 bytes"
        );
    }
    // So do the calls of the auth API. Who reads for oneself reads what one likes.
    let error = session.me().await.unwrap_err();
    assert!(matches!(error, ClientError::BodyTooLarge { .. }), "{error}");
    let answer = session.get(service.url("/")).send().await.unwrap();
    assert_eq!(answer.bytes().await.unwrap().len(), LIMIT + 1);
}

#[tokio::test]
async fn a_request_that_cannot_be_sent() {
    let service = Server::script(vec![]).await;
    let session = client(&service).session(OLD).unwrap();
    let no_url = session.get("no url").send().await.unwrap_err();
    assert!(matches!(no_url, ClientError::Transport(cause) if cause.is_builder()));
    let bad_header = session.get(service.url("/")).header("a b", "c").send().await;
    assert!(matches!(bad_header, Err(ClientError::Transport(cause)) if cause.is_builder()));
    assert_eq!(service.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_share_a_session() {
    let (_auth, session) = scripted(vec![]).await;
    let service = Server::start(|request| async move { Reply::text(200, request.line()) }).await;
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let (session, url) = (session.clone(), service.url(&format!("/{n}")));
            tokio::spawn(async move { session.get(url).send().await.unwrap().text().await.unwrap() })
        })
        .collect();
    for (n, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), format!("GET /{n}"));
    }
}
