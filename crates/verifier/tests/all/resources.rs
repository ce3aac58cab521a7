//! Tokens that are for one resource alone (RFC 8707), and what apps learn of a resource (RFC 9728), from every front end.

use crate::server::{Server, notes, photos};
use crate::support::{check, database, issue_delegated, remembering, settings, user_with_token, verifier};
use jeton_proof_support::RawRequest;
use jeton_verifier::{
    Decision, LONGEST_LEASE, RefusalKind, Resource, TokenKind, Verifier, VerifierSettings, VerifyError,
};

const NOTES: &str = "https://notes.example";

/// The challenge of whoever asks a guard of the notes with a token that is not for them.
const CHALLENGE: &str = r#"Bearer realm="jeton", error="invalid_token", resource_metadata="https://notes.example/.well-known/oauth-protected-resource""#;

#[test]
fn a_token_with_an_audience_is_accepted_by_guards_of_this_resource_alone() {
    let (database, mut connection) = database();
    let (ada, own) = user_with_token(&mut connection, "ada");
    let (of_notes, _) = issue_delegated(&mut connection, ada.id, Some(NOTES));
    let (of_any, _) = issue_delegated(&mut connection, ada.id, None);
    let (of_photos, _) = issue_delegated(&mut connection, ada.id, Some("https://example.org/photos"));
    let (mistyped, _) = issue_delegated(&mut connection, ada.id, Some("https://notes.example/"));
    let paths = [
        "/at/notes",
        "/at/notes/told",
        "/at/notes-if-any",
        "/at/notes-if-any/caller",
        "/at/photos",
        "/at/notes/photos",
        "/at/notes/not-told",
        "/whoami",
        "/optional",
        "/at/reports",
    ];
    let cases = [
        ("own", &own, [200, 200, 200, 200, 200, 200, 200, 200, 200, 403]),
        ("any", &of_any, [200, 200, 200, 200, 200, 200, 200, 200, 200, 403]),
        (
            "notes",
            &of_notes,
            [200, 200, 200, 200, 401, 401, 401, 401, 401, 403],
        ),
        (
            "photos",
            &of_photos,
            [401, 401, 401, 401, 200, 401, 401, 401, 401, 401],
        ),
        ("mistyped", &mistyped, [401; 10]),
    ];
    for cache_tokens in [0, 100] {
        let server = Server::start_with(&VerifierSettings {
            cache_tokens,
            lease: LONGEST_LEASE,
            ..settings(database.url())
        });
        // From the database, and then from memory where there is one.
        for (what, token, statuses) in cases.iter().chain(&cases) {
            for (path, status) in paths.into_iter().zip(statuses) {
                let answer = server.get_with(path, &token.text);
                assert_eq!(answer.status, *status, "{what} at {path}: {}", answer.text());
            }
        }
    }
}

#[test]
fn a_refusal_names_the_metadata_of_the_resource() {
    let (database, mut connection) = database();
    let (_, token) = user_with_token(&mut connection, "ada");
    let server = Server::start(database.url());
    let bearer = format!("Bearer {}", token.text);
    let metadata = r#"resource_metadata="https://notes.example/.well-known/oauth-protected-resource""#;
    let none: [&[u8]; 0] = [];
    for (path, sent, status, challenge) in [
        ("/at/notes", &none[..], 401, "".to_owned()),
        ("/at/notes-if-any/caller", &none, 401, "".to_owned()),
        (
            "/at/notes",
            &[b"Bearer x"],
            401,
            r#" error="invalid_token","#.to_owned(),
        ),
        (
            "/at/reports",
            &[bearer.as_bytes()],
            403,
            r#" error="insufficient_scope", scope="reports:read","#.to_owned(),
        ),
    ] {
        let answer = server.get(path, sent);
        assert_eq!(answer.status, status, "{path}");
        let right = format!(r#"Bearer realm="jeton",{challenge} {metadata}"#);
        assert_eq!(answer.header("WWW-Authenticate"), Some(right.as_str()), "{path}");
    }
    let answer = server.get("/at/photos", &[]);
    assert_eq!(
        answer.header("WWW-Authenticate"),
        Some(
            r#"Bearer realm="jeton", resource_metadata="https://example.org/.well-known/oauth-protected-resource/photos""#
        )
    );
    let two: [&[u8]; 2] = [b"Bearer x", b"Bearer y"];
    assert_eq!(server.get("/at/notes", &two).header("WWW-Authenticate"), None);
}

#[test]
fn the_metadata_of_a_resource_are_everybodys_to_get() {
    let (database, _) = database();
    let server = Server::start(database.url());
    for resource in [notes(), photos()] {
        let path = resource.metadata_path();
        // Whatever is sent along.
        for sent in [&[][..], &[&b"Bearer x"[..]], &[b"Basic x"]] {
            let answer = server.get(path, sent);
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.header("Content-Type"), Some("application/json"));
            assert_eq!(answer.text(), resource.metadata());
        }
        let head = server.send(&RawRequest::new("HEAD", path));
        assert_eq!((head.status, head.text().as_str()), (200, ""));
        for method in ["POST", "DELETE", "OPTIONS"] {
            let answer = server.send(&RawRequest::new(method, path));
            assert_eq!(
                (answer.status, answer.header("Allow")),
                (405, Some("GET, HEAD")),
                "{method}"
            );
        }
        let elsewhere = server.get(&format!("{path}/x"), &[]);
        assert_eq!(elsewhere.status, 404);
    }
}

async fn outcome(verifier: &Verifier, text: &str) -> Result<Option<String>, VerifyError> {
    let found = verifier.verify(text).await;
    found.map(|caller| caller.audience().map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_accepts_a_token_with_an_audience_where_it_was_told_to_be_that_resource() {
    let (database, mut connection) = database();
    let (ada, own) = user_with_token(&mut connection, "ada");
    let (token, client) = issue_delegated(&mut connection, ada.id, Some(NOTES));
    let told = |verifier: &Verifier, text| verifier.for_resource(&Resource::parse(text).unwrap());
    for verifier in [verifier(&database).await, remembering(&database).await] {
        let (notes, photos) = (told(&verifier, NOTES), told(&verifier, "https://photos.example"));
        // Whoever asks first: what is remembered is the same for all of them.
        for _ in 0..2 {
            for refusing in [&verifier, &photos] {
                assert_eq!(outcome(refusing, &token.text).await, Err(VerifyError::Invalid));
            }
            assert_eq!(outcome(&notes, &token.text).await, Ok(Some(NOTES.to_owned())));
            for accepting in [&verifier, &photos, &notes] {
                assert_eq!(outcome(accepting, &own.text).await, Ok(None));
            }
        }
        let caller = notes.verify(&token.text).await.unwrap();
        assert_eq!(
            (caller.token_kind(), caller.client_id()),
            (TokenKind::Delegated, Some(client))
        );
        let caller = notes.verify(&own.text).await.unwrap();
        assert_eq!(
            (caller.token_kind(), caller.client_id()),
            (TokenKind::Personal, None)
        );
    }
}

/// As one whose token is refused is told nothing of why, so the log of uses knows nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_for_another_resource_is_not_used_by_being_refused() {
    let (database, mut connection) = database();
    let (ada, own) = user_with_token(&mut connection, "ada");
    let (token, _) = issue_delegated(&mut connection, ada.id, Some(NOTES));
    let verifier = remembering(&database).await;
    for _ in 0..2 {
        assert_eq!(check(&verifier, &token.text).await, Err(VerifyError::Invalid));
        assert_eq!(check(&verifier, &own.text).await, Ok(own.id));
    }
    verifier.close().await;
    let used = crate::support::text(
        &mut connection,
        "SELECT string_agg(token_id::text, ' ') FROM token_uses",
    );
    assert_eq!(used, own.id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_made_for_the_resource_that_the_verifier_protects() {
    let (database, mut connection) = database();
    let (ada, _) = user_with_token(&mut connection, "ada");
    let (token, _) = issue_delegated(&mut connection, ada.id, Some(NOTES));
    let verifier = remembering(&database).await;
    let header = format!("Bearer {}", token.text);
    let decide = |verifier: &Verifier| verifier.authorize([header.as_bytes()], &["notes:read"]);
    let of_notes = verifier.protecting(&notes());
    assert!(decide(&of_notes).outcome().await.is_ok());
    assert!(matches!(decide(&of_notes), Decision::Allow(_)));
    let refusal = decide(&verifier).outcome().await.unwrap_err();
    assert_eq!(*refusal.kind(), RefusalKind::InvalidToken);
    assert!(
        refusal
            .headers()
            .all(|(_, value)| !value.contains("resource_metadata"))
    );
    let refusal = of_notes
        .authorize([&b"Bearer x"[..]], &[])
        .outcome()
        .await
        .unwrap_err();
    let challenge = refusal.headers().find(|(name, _)| *name == "www-authenticate");
    assert_eq!(
        challenge.map(|(_, value)| value.into_owned()).as_deref(),
        Some(CHALLENGE)
    );
}
