use super::{App, body};
use crate::support::{Auth, bearer};
use jeton_persistence::delegation::issue::MOST_TOKENS_A_GRANT;
use jeton_proof_support::{RawRequest, count, execute, text, wait_until};
use serde_json::Value;
use std::collections::BTreeSet;

fn refresh_token(tokens: &Value) -> &str {
    tokens["refresh_token"].as_str().unwrap()
}

/// As if a minute had passed since tokens were replaced.
fn a_minute_later(auth: &Auth) {
    auth.execute("UPDATE refresh_tokens SET rotations = ARRAY(SELECT at - interval '61 seconds' FROM unnest(rotations) AS at)");
}

#[tokio::test]
async fn a_confidential_client_keeps_its_refresh_token() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::confidential(&auth);
    let tokens = auth.tokens(&ada, &app);
    let refresh = app.refresh(refresh_token(&tokens));
    for _ in 0..3 {
        let again = body(&auth.token(&refresh));
        assert_eq!(again["refresh_token"], Value::Null);
        assert!(auth.accepts(&again["access_token"]));
    }
    let mut narrow = refresh.clone();
    narrow.push(("scope", "notes:read".to_owned()));
    assert_eq!(body(&auth.token(&narrow))["scope"], "notes:read");
    let mut wide = refresh;
    wide.push(("scope", "notes:read photos:read".to_owned()));
    assert_eq!(auth.error_of(&wide), "invalid_scope");
}

#[tokio::test]
async fn a_public_clients_refresh_token_is_replaced_and_its_theft_is_noticed() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let first = auth.tokens(&ada, &app);
    let second = body(&auth.token(&app.refresh(refresh_token(&first))));
    assert_ne!(refresh_token(&first), refresh_token(&second));
    let third = body(&auth.token(&app.refresh(refresh_token(&second))));
    assert_ne!(refresh_token(&second), refresh_token(&third));
    // Two processes of one app: within a minute each is given what works.
    let late = body(&auth.token(&app.refresh(refresh_token(&first))));
    assert_eq!(refresh_token(&late), refresh_token(&third));

    a_minute_later(&auth);
    let stolen = app.refresh(refresh_token(&first));
    assert_eq!(auth.error_of(&stolen), "invalid_grant");
    for tokens in [&first, &second, &third, &late] {
        assert!(!auth.accepts(&tokens["access_token"]));
    }
    assert_eq!(
        auth.error_of(&app.refresh(refresh_token(&third))),
        "invalid_grant"
    );
    assert_eq!(auth.grants(&ada).len(), 0);
    let reasons = "audit_events WHERE detail->>'reason' = 'refresh-token-replayed'";
    assert_eq!(count(&mut auth.connect(), reasons), 1);
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_works_for_as_long_as_nobody_has_used_it() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let first = auth.tokens(&ada, &app);
    let lost = body(&auth.token(&app.refresh(refresh_token(&first))));
    a_minute_later(&auth);
    let again = body(&auth.token(&app.refresh(refresh_token(&first))));
    assert_eq!(refresh_token(&again), refresh_token(&lost));
    assert_eq!(auth.token(&app.refresh(refresh_token(&again))).status, 200);
}

#[tokio::test]
async fn a_refresh_token_is_one_clients_and_no_token() {
    let (auth, ada) = Auth::with_ada().await;
    let (app, other) = (App::public(&auth), App::confidential(&auth));
    let tokens = auth.tokens(&ada, &app);
    let refresh = refresh_token(&tokens);
    assert_eq!(auth.error_of(&other.refresh(refresh)), "invalid_grant");
    assert!(!auth.accepts(&tokens["refresh_token"]));
    assert_eq!(auth.error_of(&app.refresh("jtr_x")), "invalid_grant");
    assert_eq!(
        auth.error_of(&app.refresh(tokens["access_token"].as_str().unwrap())),
        "invalid_grant"
    );
    assert_eq!(auth.token(&app.refresh(refresh)).status, 200);
    auth.execute("UPDATE refresh_tokens SET expires_at = now()");
    assert_eq!(auth.error_of(&app.refresh(refresh)), "invalid_grant");
}

/// The peers' most reported pain. Whoever refreshes, as often and as fast as they like, goes on.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_refreshes_at_once_are_all_answered_and_all_go_on() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let first = auth.tokens(&ada, &app);
    let refresh = |token: &str| loop {
        let answer = auth.token(&app.refresh(token));
        // So many at once are too many for the pool now and then, which is nobody's fault.
        if answer.status != 503 {
            assert_eq!(answer.status, 200, "{answer:?}");
            return body(&answer);
        }
    };
    let given: Vec<Value> = std::thread::scope(|scope| {
        let one = || {
            let given = refresh(refresh_token(&first));
            refresh(refresh_token(&given))
        };
        let all: Vec<_> = (0..200).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let access: BTreeSet<_> = given
        .iter()
        .map(|tokens| tokens["access_token"].to_string())
        .collect();
    assert_eq!(access.len(), 200);
    for tokens in &given {
        assert!(auth.accepts(&tokens["access_token"]));
    }
    let current: BTreeSet<_> = given
        .iter()
        .map(|tokens| refresh_token(tokens).to_owned())
        .collect();
    for token in current {
        refresh(&token);
    }
    assert_eq!(count(&mut auth.connect(), "refresh_tokens"), 1);
    assert_eq!(auth.grants(&ada).len(), 1);
}

/// They wait for one row, and would wait with all connections.
#[tokio::test(flavor = "multi_thread")]
async fn refreshes_of_one_family_at_once_are_in_nobody_elses_way() {
    let (auth, ada) = Auth::with_ada().await;
    let eve = auth.sign_up("eve").await;
    let app = App::public(&auth);
    let refresh = app.refresh(refresh_token(&auth.tokens(&ada, &app)));
    let (lock, watcher) = (&mut auth.connect(), &mut auth.connect());
    execute(lock, "BEGIN; SELECT FROM users WHERE username = 'ada' FOR UPDATE");
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| auth.token(&refresh));
        }
        wait_until("one waits for the row", || {
            count(
                watcher,
                "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            ) > 0
        });
        for _ in 0..100 {
            let me = RawRequest::new("GET", "/v1/me").header("Authorization", bearer(&eve));
            assert_eq!(auth.send(&me).status, 200);
        }
        execute(lock, "COMMIT");
    });
}

#[tokio::test]
async fn a_use_puts_the_end_off() {
    let (auth, ada) = Auth::with_ada().await;
    for app in [App::public(&auth), App::confidential(&auth)] {
        let tokens = auth.tokens(&ada, &app);
        auth.execute("UPDATE refresh_tokens SET expires_at = now() + interval '1 hour'");
        assert_eq!(auth.token(&app.refresh(refresh_token(&tokens))).status, 200);
        let latest = "SELECT (max(expires_at) > now() + interval '29 days')::text FROM refresh_tokens";
        assert_eq!(text(&mut auth.connect(), latest), "true");
    }
}

#[tokio::test]
async fn of_a_grants_tokens_the_oldest_give_way_where_there_are_as_many_as_may_be() {
    let (auth, ada) = Auth::with_ada().await;
    let app = App::public(&auth);
    let tokens = auth.tokens(&ada, &app);
    auth.execute(&format!(
        "INSERT INTO tokens (id, user_id, digest, kind, name, scopes, expires_at, client_id, grant_id) \
            SELECT gen_random_uuid(), user_id, sha256(n::text::bytea), 'delegated', 'app', scopes, now() + interval '2 hours', \
                client_id, id FROM grants, generate_series(2, {MOST_TOKENS_A_GRANT}) AS n"
    ));
    assert!(auth.accepts(&tokens["access_token"]));
    let refreshed = auth.token(&app.refresh(tokens["refresh_token"].as_str().unwrap()));
    assert_eq!(refreshed.status, 200);
    assert!(auth.accepts(&body(&refreshed)["access_token"]));
    // Once it is answered, nowhere.
    assert!(!auth.accepts(&tokens["access_token"]));
    let all = count(&mut auth.connect(), "tokens WHERE kind = 'delegated'");
    assert_eq!(all, MOST_TOKENS_A_GRANT);
}
