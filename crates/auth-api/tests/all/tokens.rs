use crate::support::{Auth, kind, pointers, token_request};
use jeton_client::ProblemKind::{InvalidToken, MalformedQuery, NotFound, ScopeNotHeld};
use jeton_client::{CreateTokenRequest, Session};
use jeton_domain::{AuditContext, ScopeSet, UserId};
use jeton_persistence::users;
use jeton_proof_support::{execute, wait_for_blocked};

fn request(name: &str, scopes: &[&str]) -> CreateTokenRequest {
    token_request(name, scopes)
}

async fn names(session: &Session) -> Vec<String> {
    session
        .tokens()
        .list_all()
        .await
        .unwrap()
        .into_iter()
        .map(|token| token.name)
        .collect()
}

#[tokio::test]
async fn a_personal_token_is_made_listed_renamed_and_revoked() {
    let (auth, session) = Auth::with_ada().await;
    let issued = session
        .tokens()
        .create(&request("nightly backup", &["notes:read"]))
        .await
        .unwrap();
    assert_eq!((issued.kind.as_str(), issued.scopes.len()), ("personal", 1));
    assert_eq!(names(&session).await, ["nightly backup", "login"]);

    let renamed = session
        .tokens()
        .rename(issued.token_id, " weekly backup ")
        .await
        .unwrap();
    assert_eq!(renamed.name, "weekly backup");
    assert_eq!(names(&session).await, ["weekly backup", "login"]);

    session.tokens().revoke(issued.token_id).await.unwrap();
    assert_eq!(names(&session).await, ["login"]);
    let personal = auth.client().session(issued.token).unwrap();
    assert_eq!(kind(personal.me().await), InvalidToken);
    assert_eq!(kind(session.tokens().revoke(issued.token_id).await), NotFound);
}

#[tokio::test]
async fn somebody_elses_token_is_not_there() {
    let auth = Auth::start();
    let (ada, eve) = (auth.sign_up("ada").await, auth.sign_up("eve").await);
    let of_ada = ada.me().await.unwrap().token.id;
    assert_eq!(kind(eve.tokens().revoke(of_ada).await), NotFound);
    assert_eq!(kind(eve.tokens().rename(of_ada, "mine").await), NotFound);
    assert_eq!(ada.me().await.unwrap().token.name, "login");
    assert_eq!(names(&eve).await, ["login"]);
}

#[tokio::test]
async fn nobody_gives_more_than_they_hold() {
    let (auth, session) = Auth::with_ada().await;
    let refused = session
        .tokens()
        .create(&request("x", &["notes:read", "admin"]))
        .await;
    assert_eq!(kind(refused), ScopeNotHeld);
    // What counts is what is held now: the token was issued for more.
    let id = UserId(session.me().await.unwrap().user.id);
    let less = ScopeSet::parse("notes:read").unwrap();
    auth.revoke(|connection| users::set_scopes(connection, &AuditContext::cli(), id, &less));
    let refused = session.tokens().create(&request("x", &["notes:write"])).await;
    assert_eq!(kind(refused), ScopeNotHeld);
    session
        .tokens()
        .create(&request("x", &["notes:read"]))
        .await
        .unwrap();
}

#[tokio::test]
async fn refused_fields_are_named() {
    let (_auth, session) = Auth::with_ada().await;
    let bad = CreateTokenRequest {
        expires_in: Some(0),
        ..request("", &["ä"])
    };
    assert_eq!(
        pointers(session.tokens().create(&bad).await),
        ["/name", "/scopes", "/expires_in"]
    );
    let id = session.me().await.unwrap().token.id;
    assert_eq!(
        pointers(session.tokens().rename(id, "two\nlines").await),
        ["/name"]
    );
}

#[tokio::test]
async fn the_list_comes_in_pages_newest_first() {
    let (_auth, session) = Auth::with_ada().await;
    for i in 0..6 {
        session
            .tokens()
            .create(&request(&format!("t{i}"), &[]))
            .await
            .unwrap();
    }
    let first = session.tokens().list(Some(4), None).await.unwrap();
    let second = session.tokens().list(Some(4), first.next).await.unwrap();
    let all: Vec<String> = first
        .tokens
        .into_iter()
        .chain(second.tokens)
        .map(|token| token.name)
        .collect();
    assert_eq!(all, ["t5", "t4", "t3", "t2", "t1", "t0", "login"]);
    assert_eq!(second.next, None);
    // A page that is just full is the last one.
    assert_eq!(session.tokens().list(Some(7), None).await.unwrap().next, None);
    for limit in [0, 101] {
        assert_eq!(
            kind(session.tokens().list(Some(limit), None).await),
            MalformedQuery
        );
    }
}

#[tokio::test]
async fn an_expired_token_is_refused_and_not_listed() {
    let (auth, session) = Auth::with_ada().await;
    let issued = session.tokens().create(&request("old", &[])).await.unwrap();
    auth.execute("UPDATE tokens SET expires_at = now() WHERE name = 'old'");
    let expired = auth.client().session(issued.token).unwrap();
    assert_eq!(kind(expired.me().await), InvalidToken);
    assert_eq!(names(&session).await, ["login"]);
    assert_eq!(
        kind(session.tokens().rename(issued.token_id, "new").await),
        NotFound
    );
}

/// As one that a service no longer accepts, whatever it was to do: here it is revoked while that waits for its row.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_revoked_meanwhile_is_told_of_itself_that_it_is_invalid() {
    let auth = Auth::start();
    let (mut holder, mut watcher) = (auth.connect(), auth.connect());
    for act in ["rename", "revoke", "revoke as an admin"] {
        let name = format!("ada-{}", act.replace(' ', "-"));
        let signed_up = auth.sign_up_with(&name, "admin").await;
        // By the token alone: nobody signs in again.
        let session = auth.client().session(signed_up.token()).unwrap();
        let me = session.me().await.unwrap();
        let (user, token) = (me.user.id, me.token.id);
        execute(
            &mut holder,
            &format!("BEGIN; DELETE FROM tokens WHERE id = '{token}'"),
        );
        let asking = tokio::spawn(async move {
            match act {
                "rename" => session.tokens().rename(token, "other").await.map(drop),
                "revoke" => session.tokens().revoke(token).await,
                _ => session.admin().revoke_token(user, token).await,
            }
        });
        wait_for_blocked(&mut watcher, 1);
        execute(&mut holder, "COMMIT");
        assert_eq!(kind(asking.await.unwrap()), InvalidToken, "{act}");
    }
}
