//! A grant by which there are very many tokens.

use super::{App, body};
use crate::support::{Auth, bearer};
use diesel::sql_types::{Array, Binary};
use diesel::{RunQueryDsl, sql_query};
use jeton_domain::{ExposeSecret, PlainToken};
use jeton_proof_support::{RawRequest, count, text};
use jeton_verifier::{DatabaseUrl, Verifier, VerifierSettings, VerifyError};
use serde_json::Value;

/// How many there are besides those that came over HTTP.
const MANY: usize = 1_000;

/// More tokens by the only grant there is, as rows.
fn insert(auth: &Auth) -> Vec<String> {
    let tokens: Vec<_> = (0..MANY)
        .map(|_| PlainToken::generate(&mut rand::rng()))
        .collect();
    let digests: Vec<_> = tokens
        .iter()
        .map(|token| token.digest().as_bytes().to_vec())
        .collect();
    sql_query(
        "INSERT INTO tokens (id, user_id, digest, kind, name, scopes, expires_at, client_id, grant_id) \
            SELECT gen_random_uuid(), user_id, digest, 'delegated', 'app', scopes, now() + interval '1 hour', client_id, id \
            FROM grants, unnest($1) AS digest",
    )
    .bind::<Array<Binary>, _>(digests)
    .execute(&mut auth.connect())
    .unwrap();
    tokens
        .iter()
        .map(|token| token.expose_secret().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_with_a_thousand_tokens_is_taken_back_by_one_acknowledged_revocation() {
    let auth = Auth::start_with(&[("JETON_METRICS_ADDR", "127.0.0.1:0")]);
    let ada = auth.sign_up("ada").await;
    let app = App::confidential(&auth);
    let given = auth.tokens(&ada, &app);
    let refresh = app.refresh(given["refresh_token"].as_str().unwrap());
    let refreshed = body(&auth.token(&refresh));
    let text_of = |given: &Value| given["access_token"].as_str().unwrap().to_owned();
    let mut tokens = insert(&auth);
    tokens.extend([text_of(&given), text_of(&refreshed)]);

    let url = DatabaseUrl::parse(auth.role.url()).unwrap();
    let mut verifiers = Vec::new();
    for _ in 0..3 {
        let settings = VerifierSettings::new(url.clone());
        verifiers.push(Verifier::connect(settings).await.unwrap());
    }
    for verifier in &verifiers {
        for token in &tokens {
            assert!(verifier.verify(token).await.is_ok());
        }
    }

    auth.execute("DELETE FROM revocations");
    let id = text(&mut auth.connect(), "SELECT id FROM grants");
    let take_back = RawRequest::new("DELETE", &format!("/v1/grants/{id}"));
    let answer = auth.send(&take_back.header("Authorization", bearer(&ada)));
    assert_eq!(answer.status, 204, "{answer:?}");

    for verifier in &verifiers {
        for token in &tokens {
            let refused = verifier.verify(token).await.unwrap_err();
            assert!(matches!(refused, VerifyError::Invalid), "{refused:?}");
        }
    }
    for token in tokens.iter().rev().take(10) {
        assert!(!auth.accepts(&Value::from(token.as_str())));
    }
    assert_eq!(auth.error_of(&refresh), "invalid_grant");
    let told = RawRequest::new("GET", "/metrics")
        .send(auth.service.metrics_address())
        .text();
    let acknowledged = "jeton_revocation_wait_seconds_count 1";
    assert!(told.lines().any(|line| line == acknowledged), "{told}");
    let connection = &mut auth.connect();
    let transactions = text(connection, "SELECT count(DISTINCT xid) FROM revocations");
    // None, where it is purged by now.
    assert!(["0", "1"].contains(&transactions.as_str()), "{transactions}");
    let taken_back = "audit_events WHERE action = 'grant-revoked'";
    assert_eq!(count(connection, taken_back), 1);
    for verifier in verifiers {
        verifier.close().await;
    }
}
