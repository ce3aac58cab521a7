//! What counts for an account.

use super::*;

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
    assert!(error.is_rate_limited());
    assert!((1..=30).contains(&error.retry_after().unwrap().as_secs()));
}

/// Whether there is such a user, is disabled, or has no password, or one that is stored in a way that nobody can read: the
/// same bytes, and the same work.
#[tokio::test]
async fn rate_limited_answers_are_the_same_whoever_it_is() {
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

#[tokio::test]
async fn a_stolen_token_does_not_find_the_password_out() {
    let auth = Auth::start_with(&FEW);
    let session = auth.sign_up("ada").await;
    assert_eq!(
        kind(session.delete_account("wrong").await),
        ProblemKind::WrongPassword
    );
    // Which looks at the old one and then at the new one, if another look may be made.
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

/// A change of the password compares two: what is told to be the old one, and the new one, which it may be already.
#[tokio::test]
async fn a_change_of_the_password_counts_as_many_guesses_as_it_makes() {
    let mut settings = FEW.to_vec();
    settings.push(("JETON_METRICS_ADDR", "127.0.0.1:0"));
    let auth = Auth::start_process(&settings);
    let session = auth.sign_up("ada").await;
    let metrics = auth.service.metrics_address();
    let before = rounds(&metrics);
    let mut kinds = Vec::new();
    for i in 0..4 {
        let guess = format!("a guess of number {i}");
        let refused = session
            .change_password(guess.as_str(), "a wholly different phrase")
            .await;
        kinds.push(kind(refused));
    }
    // Two are let through at once, of sixteen rounds each.
    assert_eq!(rounds(&metrics) - before, 32);
    let failures = text(&mut auth.connect(), "SELECT sum(failures) FROM account_attempts");
    assert_eq!(failures, "2");
    assert_eq!(kinds[0], ProblemKind::WrongPassword);
    assert_eq!(kinds[1..], [ProblemKind::TooManyAttempts; 3]);
}

/// The one that is not let through is not looked at, and the first has failed.
#[tokio::test]
async fn a_change_of_the_password_that_was_made_already_may_be_asked_for_again() {
    let auth = Auth::start_with(&FEW);
    let session = auth.sign_up("ada").await;
    for _ in 0..6 {
        session
            .change_password(PASSWORD, "a wholly different phrase")
            .await
            .unwrap();
    }
    assert_eq!(
        kind(session.delete_account("wrong").await),
        ProblemKind::WrongPassword
    );
    let again = session
        .change_password(PASSWORD, "a wholly different phrase")
        .await;
    assert_eq!(kind(again), ProblemKind::WrongPassword);
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

    let events = audit_events(&root, "user-unblocked").await;
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
            "sign-in-rate-limited -",
            "sign-in-failed -",
            "sign-in-failed -",
            "sign-in-rate-limited ada",
            "sign-in-failed ada",
            "sign-in-failed ada",
            "sign-up ada"
        ]
    );
    assert!(!format!("{events:?}").contains("mistake"));
    assert_eq!(events[3].address, Some(STRANGER.parse().unwrap()));
}
