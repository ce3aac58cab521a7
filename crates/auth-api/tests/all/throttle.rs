//! Guessing passwords takes long, for whomever, and nobody else suffers from it.

use crate::support::{Auth, PASSWORD, attempt, comparable, json, kind, login, start_service};
use jeton_client::{AuditQuery, AuthClient, ClientError, ProblemKind};
use jeton_persistence::audit::{AuditFilter, list};
use jeton_proof_support::{Endpoint, RawRequest, RawResponse};
use std::sync::Arc;

/// Two at once, and eight in all.
const FEW: [(&str, &str); 3] = [
    ("JETON_ACCOUNT_FAILURES", "8"),
    ("JETON_TRUSTED_PROXIES", "127.0.0.1"),
    ("JETON_HASHING_QUEUE", "200"),
];

fn statuses(auth: &Auth, request: &RawRequest, times: usize) -> Vec<u16> {
    (0..times).map(|_| auth.send(request).status).collect()
}

const STRANGER: &str = "203.0.113.9";
const HOME: &str = "2001:db8::1";

#[tokio::test]
async fn a_login_after_some_failures_is_a_429_that_says_when() {
    let auth = Auth::start_with(&FEW);
    auth.sign_up("ada").await;
    let wrong = attempt("ada", "wrong", STRANGER);
    assert_eq!(statuses(&auth, &wrong, 4), [401, 401, 429, 429]);
    // Not even the right one: nothing is hashed.
    let response = auth.send(&attempt("ada", PASSWORD, STRANGER));
    assert_eq!(response.status, 429);
    let wait: u64 = response.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(response.header("Content-Type"), Some("application/problem+json"));
    insta::assert_snapshot!(response.text(), @r#"{"type":"urn:jeton:problem:too-many-attempts","title":"Too many attempts","status":429,"detail":"There were too many attempts. Wait before the next one."}"#);
}

#[tokio::test]
async fn the_sdk_says_how_long_to_wait() {
    let auth = Auth::start_with(&[("JETON_ACCOUNT_FAILURES", "4")]);
    let client = auth.client();
    assert_eq!(
        kind(client.login(&login("ada", "wrong")).await),
        ProblemKind::InvalidCredentials
    );
    let error = client.login(&login("ada", "wrong")).await.unwrap_err();
    assert_eq!(error.kind(), Some(ProblemKind::TooManyAttempts));
    assert!(error.is_throttled());
    assert!((1..=30).contains(&error.retry_after().unwrap().as_secs()));
}

/// How many rounds of bcrypt all checks of passwords have taken so far.
fn rounds(metrics: &str) -> u64 {
    let text = RawRequest::new("GET", "/metrics").send(metrics).text();
    let rounds = text
        .lines()
        .find_map(|line| line.strip_prefix("jeton_hashing_rounds_total "));
    rounds.unwrap().parse().unwrap()
}

/// Whether there is such a user, is disabled, or has no password, or one that is stored in a way that nobody can read: the
/// same bytes, and the same work.
#[tokio::test]
async fn throttled_answers_are_the_same_whoever_it_is() {
    let mut settings = FEW.to_vec();
    settings.push(("JETON_METRICS_ADDR", "127.0.0.1:0"));
    let auth = Auth::start_process(&settings);
    let names = ["ada", "disabled", "program", "unreadable", "costly", "cheap"];
    for name in names {
        auth.sign_up(name).await;
    }
    let rows = "UPDATE users SET disabled_at = now() WHERE username = 'disabled'; \
        UPDATE users SET password_hash = NULL WHERE username = 'program'; \
        UPDATE users SET password_hash = 'sesame' WHERE username = 'unreadable'; \
        UPDATE users SET password_hash = replace(password_hash, '$04$', '$20$') WHERE username = 'costly'; \
        UPDATE users SET password_hash = 'pbkdf2_sha256$1$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=' \
            WHERE username = 'cheap'";
    auth.execute(rows);
    let metrics = auth.service.metrics_address();
    let answers = |name: &str| -> (Vec<_>, u64) {
        let before = rounds(&metrics);
        let wrong = attempt(name, "wrong", STRANGER);
        let answers = (0..4).map(|_| auth.send(&wrong));
        // How long it still is differs with how long the test takes.
        let comparables = answers.map(|mut answer| {
            answer
                .headers
                .retain(|(name, _)| !name.eq_ignore_ascii_case("Retry-After"));
            comparable(&answer)
        });
        let comparables = comparables.collect();
        (comparables, rounds(&metrics) - before)
    };
    let nobody = answers("nobody");
    // Two are let through, and cost sixteen each.
    assert_eq!(nobody.1, 32);
    for name in names.into_iter().chain(["no name"]) {
        // What cannot be a name counts for the network alone.
        if name == "no name" {
            assert_eq!(answers(name).1, 4 * 16);
        } else {
            assert_eq!(answers(name), nobody, "{name}");
        }
    }
    let reasons = list(&mut auth.connect(), &AuditFilter::default(), None, 1000).unwrap();
    let unreadable = reasons
        .iter()
        .filter(|event| event.detail["reason"] == "unreadable-hash")
        .count();
    assert_eq!(unreadable, 4);
    auth.service
        .wait_for_log("the stored password hash cannot be read");
}

fn race(services: &[&Endpoint], request: &RawRequest, times: usize) -> Vec<RawResponse> {
    std::thread::scope(|scope| {
        let start = Arc::new(std::sync::Barrier::new(times));
        let running: Vec<_> = (0..times)
            .map(|i| {
                let (start, address) = (start.clone(), services[i % services.len()].address());
                scope.spawn(move || {
                    start.wait();
                    request.send(address)
                })
            })
            .collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_guesses_at_once_at_two_instances_are_no_more_than_two() {
    let auth = Auth::start_with(&FEW);
    auth.sign_up("ada").await;
    let other = start_service(auth.role.url(), &FEW);
    let answers = race(&[&auth.service, &other], &attempt("ada", "wrong", STRANGER), 100);
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(401), count(429)), (2, 98));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_does_not_lock_the_owner_out() {
    let auth = Auth::start_with(&FEW);
    auth.sign_up("ada").await;
    assert_eq!(auth.send(&attempt("ada", PASSWORD, HOME)).status, 200);
    let other = start_service(auth.role.url(), &FEW);
    for network in ["203.0.113.9", "198.51.100.1", "2001:db8:ffff::1"] {
        race(&[&auth.service, &other], &attempt("ada", "wrong", network), 10);
        assert_eq!(auth.send(&attempt("ada", "wrong", network)).status, 429);
        // From anywhere in her own network.
        assert_eq!(auth.send(&attempt("ada", PASSWORD, "2001:db8::2")).status, 200);
    }
    // Where she has never been, she is a stranger, too.
    assert_eq!(auth.send(&attempt("ada", PASSWORD, "192.0.2.1")).status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_behind_one_address_get_in_at_nine() {
    let mut settings = FEW.to_vec();
    settings.push(("JETON_NETWORK_FAILURES", "40"));
    let auth = Auth::start_with(&settings);
    let names: Vec<String> = (0..12).map(|i| format!("user{i}")).collect();
    for name in &names {
        auth.sign_up(name).await;
    }
    let clients = auth.client();
    // More than the address may fail, twelve at once.
    for _ in 0..8 {
        let all = names.iter().map(|name| {
            let client = clients.clone();
            let request = login(name, PASSWORD);
            tokio::spawn(async move { client.login(&request).await })
        });
        for one in all.collect::<Vec<_>>() {
            one.await.unwrap().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_names_from_one_address_are_held_off_as_well() {
    let settings = [("JETON_NETWORK_FAILURES", "20"), ("JETON_HASHING_QUEUE", "100")];
    let auth = Auth::start_with(&settings);
    let other = start_service(auth.role.url(), &settings);
    let clients = [auth.client(), AuthClient::new(&other.base_url()).unwrap()];
    let attempts: Vec<_> = (0..60)
        .map(|i| {
            let client = clients[i % 2].clone();
            tokio::spawn(async move { client.login(&login(&format!("user{i}"), "guess")).await })
        })
        .collect();
    let mut tried = 0;
    for attempt in attempts {
        match attempt.await.unwrap().unwrap_err().kind().unwrap() {
            ProblemKind::InvalidCredentials => tried += 1,
            other => assert_eq!(other, ProblemKind::TooManyAttempts),
        }
    }
    // One more comes back every three minutes.
    assert!((20..=21).contains(&tried), "{tried}");
    for _ in 0..30 {
        let refused = auth.client().login(&login("another", "guess")).await.unwrap_err();
        if refused.is_throttled() {
            return;
        }
    }
    panic!("{tried} were tried, and the address is not held off");
}

/// With whatever name, by whichever instance, and nothing is hashed for those beyond.
#[tokio::test(flavor = "multi_thread")]
async fn many_who_sign_up_from_one_address_are_held_off() {
    let mut settings = FEW.to_vec();
    settings.extend([("JETON_NETWORK_FAILURES", "20")]);
    let auth = Auth::start_with(&settings);
    let other = start_service(auth.role.url(), &settings);
    let sign_up = |name: &str, address: &str| {
        let body = serde_json::json!({ "username": name, "password": PASSWORD });
        json("POST", "/v1/users", &body.to_string()).header("X-Forwarded-For", address)
    };
    let all = std::thread::scope(|scope| {
        let one = |i: usize| {
            let service = [&auth.service, &other][i % 2].address();
            let request = sign_up(&format!("user{}", i / 2), STRANGER);
            scope.spawn(move || request.send(service).status)
        };
        let running: Vec<_> = (0..60).map(one).collect();
        running
            .into_iter()
            .map(|one| one.join().unwrap())
            .collect::<Vec<_>>()
    });
    // Two each want a name: who is told that it is taken has counted as well. One more comes back every three minutes.
    let let_through = all.iter().filter(|&&status| [201, 409].contains(&status)).count();
    assert!((20..=21).contains(&let_through), "{all:?}");
    assert!(
        all.iter().all(|status| [201, 409, 429].contains(status)),
        "{all:?}"
    );
    let held_off = auth.send(&sign_up("late", STRANGER));
    assert_eq!(held_off.status, 429);
    let wait: u64 = held_off.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=180).contains(&wait), "{wait}");
    // What is refused at sight costs nothing; from elsewhere one signs up, and in.
    assert_eq!(auth.send(&sign_up("no name", STRANGER)).status, 422);
    assert_eq!(auth.send(&sign_up("late", HOME)).status, 201);
    assert_eq!(auth.send(&attempt("late", PASSWORD, HOME)).status, 200);
    let closed = start_service(
        auth.role.url(),
        &[&settings[..], &[("JETON_SIGNUP", "closed")]].concat(),
    );
    assert_eq!(sign_up("later", STRANGER).send(closed.address()).status, 403);
}

#[tokio::test]
async fn a_stolen_token_does_not_find_the_password_out() {
    let auth = Auth::start_with(&FEW);
    let session = auth.sign_up("ada").await;
    assert_eq!(
        kind(session.delete_account("wrong").await),
        ProblemKind::WrongPassword
    );
    // Which looks at the old one and at the new one, and counts once.
    let error = session
        .change_password("wrong", "a wholly different phrase")
        .await;
    assert_eq!(kind(error), ProblemKind::WrongPassword);
    assert_eq!(
        kind(session.delete_account(PASSWORD).await),
        ProblemKind::TooManyAttempts
    );
    assert_eq!(
        kind(
            session
                .change_password(PASSWORD, "a wholly different phrase")
                .await
        ),
        ProblemKind::TooManyAttempts
    );
    // The token is as good as before, and all that was hashed is written down.
    session.me().await.unwrap();
    let events = list(&mut auth.connect(), &AuditFilter::default(), None, 1000).unwrap();
    let failed = events
        .iter()
        .filter(|event| event.action == "confirmation-failed");
    assert_eq!(failed.count(), 2);
}

#[tokio::test]
async fn an_admin_lets_an_account_try_again() {
    let auth = Auth::start_with(&FEW);
    let root = auth.sign_up_with("root", "admin").await;
    let ada = auth.sign_up("ada").await.me().await.unwrap().user.id;
    for _ in 0..2 {
        assert_eq!(
            statuses(&auth, &attempt("ada", "wrong", STRANGER), 3),
            [401, 401, 429]
        );
        root.admin().unblock(ada).await.unwrap();
    }
    assert_eq!(auth.send(&attempt("ada", PASSWORD, STRANGER)).status, 200);

    let query = AuditQuery {
        action: Some("user-unblocked".into()),
        ..AuditQuery::default()
    };
    let events = root
        .admin()
        .audit_events(&query, None, None)
        .await
        .unwrap()
        .events;
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].subject_id, Some(ada));
    assert_eq!(events[0].actor_username.as_deref(), Some("root"));
    let nobody = root.admin().unblock(uuid::Uuid::now_v7()).await;
    assert_eq!(kind(nobody), ProblemKind::NotFound);
}

#[tokio::test]
async fn the_right_password_clears_wherever_it_is_given() {
    let auth = Auth::start_with(&FEW);
    let session = auth.sign_up("ada").await;
    for i in 0..6 {
        let (old, new) = if i % 2 == 0 {
            (PASSWORD, "quite another phrase")
        } else {
            ("quite another phrase", PASSWORD)
        };
        assert_eq!(
            kind(session.delete_account("wrong").await),
            ProblemKind::WrongPassword
        );
        session.change_password(old, new).await.unwrap();
    }
    assert_eq!(
        kind(auth.client().login(&login("ada", "wrong")).await),
        ProblemKind::InvalidCredentials
    );
    auth.client().login(&login("ada", PASSWORD)).await.unwrap();
    // As it is where more is asked for than is held.
    for _ in 0..6 {
        let mut too_much = login("ada", PASSWORD);
        too_much.scopes = Some(vec!["admin".into()]);
        assert_eq!(
            kind(auth.client().login(&too_much).await),
            ProblemKind::ScopeNotHeld
        );
    }
    session.delete_account(PASSWORD).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn others_go_on_while_passwords_are_guessed() {
    // At this cost, the guesses that are let through take longer than it takes to ask.
    let auth = Auth::start_with(&[&FEW[..], &[("JETON_BCRYPT_COST", "10")]].concat());
    let session = auth.sign_up("ada").await;
    auth.sign_up("bob").await;
    let client = auth.client();
    let storm: Vec<_> = (0..60)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.login(&login("ada", "wrong")).await })
        })
        .collect();
    let mut meanwhile = 0;
    for guess in storm {
        while !guess.is_finished() {
            session.me().await.unwrap();
            auth.client().login(&login("bob", PASSWORD)).await.unwrap();
            meanwhile += 1;
        }
        let refused: ClientError = guess.await.unwrap().unwrap_err();
        assert!(refused.is_throttled() || refused.is_unauthorized(), "{refused}");
    }
    assert!(
        meanwhile > 0,
        "the guesses were answered before anybody else asked"
    );
}

#[tokio::test]
async fn the_audit_log_grows_by_what_was_tried_and_not_by_what_was_refused() {
    let auth = Auth::start_with(&FEW);
    auth.sign_up("ada").await;
    statuses(&auth, &attempt("ada", "wrong", STRANGER), 30);
    statuses(&auth, &attempt("typed-by-mistake", "wrong", STRANGER), 30);
    let events = list(&mut auth.connect(), &AuditFilter::default(), None, 1000).unwrap();
    let said: Vec<_> = events
        .iter()
        .map(|event| {
            format!(
                "{} {}",
                event.action,
                event.subject_username.as_deref().unwrap_or("-")
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            "sign-in-throttled -",
            "sign-in-failed -",
            "sign-in-failed -",
            "sign-in-throttled ada",
            "sign-in-failed ada",
            "sign-in-failed ada",
            "sign-up ada"
        ]
    );
    assert!(!format!("{events:?}").contains("mistake"));
    assert_eq!(events[3].address, Some(STRANGER.parse().unwrap()));
}
