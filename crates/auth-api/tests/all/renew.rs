//! `POST /v1/token/renew`.

use crate::support::{Auth, json, kind, pointers, start_service};
use diesel::RunQueryDsl;
use jeton_client::{AuthClient, CreateTokenRequest, CreateUserRequest, ExposeSecret, ProblemKind, Session};
use jeton_domain::{AuditContext, ScopeSet, UserId};
use jeton_persistence::audit::{AuditFilter, list};
use jeton_persistence::users;
use jeton_proof_support::execute;
use uuid::Uuid;

const DAY: u64 = 86_400;

/// A service account that may read and write notes, with a token that may read them for ninety days; and who administers it.
async fn backup(auth: &Auth) -> (Session, Uuid, Session) {
    let root = auth.sign_up_with("root", "admin notes:read notes:write").await;
    let account = CreateUserRequest {
        username: "backup".to_owned(),
        password: None,
        email: None,
        service: true,
        scopes: Some(vec!["notes:read".to_owned(), "notes:write".to_owned()]),
    };
    let id = root.admin().create_user(&account).await.unwrap().id;
    let session = program(auth, &root, id).await;
    (root, id, session)
}

async fn program(auth: &Auth, root: &Session, account: Uuid) -> Session {
    let wish = CreateTokenRequest {
        name: "backup-1".to_owned(),
        scopes: vec!["notes:read".to_owned(), "notes:write".to_owned()],
        expires_in: Some(90 * DAY),
    };
    let issued = root.admin().create_token(account, &wish).await.unwrap();
    auth.client().session(issued.token).unwrap()
}

fn with(client: &AuthClient, token: &jeton_client::SecretText) -> Session {
    client.session(token.expose_secret()).unwrap()
}

#[tokio::test]
async fn a_successor_is_what_the_token_was_and_the_token_ends_when_told() {
    let auth = Auth::start();
    let (_, id, old) = backup(&auth).await;
    let before = old.me().await.unwrap().token;
    let renewed = old.renew_token(Some(120)).await.unwrap();
    let new = with(&auth.client(), &renewed.issued.token);
    let after = new.me().await.unwrap().token;
    assert_eq!(
        (&after.name, &after.kind, &after.scopes, after.idle_ttl),
        (&before.name, &before.kind, &before.scopes, before.idle_ttl)
    );
    let lives = |token: &jeton_client::TokenInfo| token.expires_at.unwrap() - token.created_at;
    assert_eq!(lives(&after), lives(&before));
    assert_ne!(after.id, before.id);
    // The old one goes on until then.
    let end = old.me().await.unwrap().token.expires_at;
    assert_eq!(end, renewed.old_expires_at);
    assert_eq!((end.unwrap() - after.created_at).num_seconds(), 120);
    let event = list(&mut auth.connect(), &AuditFilter::default(), None, 1)
        .unwrap()
        .remove(0);
    assert_eq!(event.action, "token-renewed");
    assert_eq!(event.actor_id, Some(UserId(id)));
    assert_eq!(event.token_id.map(|id| id.0), Some(after.id));
    assert_eq!(event.detail["renews"], before.id.to_string());
}

#[tokio::test]
async fn at_once_ends_the_old_one_everywhere_before_the_answer() {
    let auth = Auth::start();
    let (_, _, old) = backup(&auth).await;
    let second = start_service(auth.role.url(), &[]);
    let elsewhere = AuthClient::new(&second.base_url()).unwrap();
    let elsewhere = with(&elsewhere, &old.token());
    // Known there, from memory.
    elsewhere.verify(&[]).await.unwrap();
    let renewed = old.renew_token(Some(0)).await.unwrap();
    assert!(renewed.old_expires_at.is_some());
    assert_eq!(kind(elsewhere.verify(&[]).await), ProblemKind::InvalidToken);
    assert_eq!(kind(old.renew_token(Some(0)).await), ProblemKind::InvalidToken);
    with(&auth.client(), &renewed.issued.token).me().await.unwrap();
}

/// Nothing but an administrator makes a token live longer than another.
#[tokio::test]
async fn no_renewal_prolongs_the_old_one_or_lengthens_the_lives_after_it() {
    let auth = Auth::start();
    let (_, _, old) = backup(&auth).await;
    execute(
        &mut auth.connect(),
        "UPDATE tokens SET created_at = now() - interval '1 hour', expires_at = now() + interval '30 seconds' \
            WHERE kind = 'personal'",
    );
    let end = old.me().await.unwrap().token.expires_at;
    let mut session = with(&auth.client(), &old.token());
    for _ in 0..3 {
        let renewed = session.renew_token(Some(DAY)).await.unwrap();
        session = with(&auth.client(), &renewed.issued.token);
        let token = session.me().await.unwrap().token;
        assert_eq!((token.expires_at.unwrap() - token.created_at).num_seconds(), 3630);
    }
    assert_eq!(old.me().await.unwrap().token.expires_at, end);
}

#[tokio::test]
async fn nobody_gets_by_renewing_what_the_account_no_longer_holds() {
    let auth = Auth::start();
    let (_, id, old) = backup(&auth).await;
    let set = |scopes: &str| {
        let scopes = ScopeSet::parse(scopes).unwrap();
        auth.revoke(|c| users::set_scopes(c, &AuditContext::cli(), UserId(id), &scopes));
    };
    set("notes:read admin");
    let renewed = old.renew_token(None).await.unwrap();
    assert_eq!(renewed.issued.scopes, ["notes:read"]);
    set("notes:read notes:write");
    let new = with(&auth.client(), &renewed.issued.token);
    assert_eq!(new.me().await.unwrap().token.scopes, ["notes:read"]);
}

#[tokio::test]
async fn people_make_their_own() {
    let auth = Auth::start();
    let ada = auth.sign_up("ada").await;
    assert_eq!(kind(ada.renew_token(None).await), ProblemKind::NotAServiceAccount);
    let wish = CreateTokenRequest {
        name: "mine".to_owned(),
        scopes: vec![],
        expires_in: None,
    };
    let mine = ada.tokens().create(&wish).await.unwrap().token;
    let mine = with(&auth.client(), &mine);
    assert_eq!(
        kind(mine.renew_token(None).await),
        ProblemKind::NotAServiceAccount
    );
}

#[tokio::test]
async fn who_is_refused_keeps_what_there_was() {
    let auth = Auth::start_with(&[("JETON_TOKENS_PER_USER", "3")]);
    let (root, id, old) = backup(&auth).await;
    assert_eq!(
        pointers(old.renew_token(Some(DAY + 1)).await),
        ["/old_expires_in"]
    );
    let other = program(&auth, &root, id).await;
    assert_eq!(kind(old.renew_token(None).await), ProblemKind::TooManyTokens);
    let unchanged = old.me().await.unwrap().token;
    assert_eq!(
        (unchanged.expires_at.unwrap() - unchanged.created_at).num_seconds(),
        90 * 86_400
    );
    // In place of the old one there is room.
    let renewed = old.renew_token(Some(0)).await.unwrap();
    let new = with(&auth.client(), &renewed.issued.token);
    other.me().await.unwrap();
    auth.revoke(|c| users::disable(c, &AuditContext::cli(), UserId(id)));
    assert_eq!(kind(new.renew_token(None).await), ProblemKind::InvalidToken);
    diesel::sql_query("UPDATE users SET disabled_at = NULL")
        .execute(&mut auth.connect())
        .unwrap();
    execute(&mut auth.connect(), "UPDATE tokens SET expires_at = now()");
    assert_eq!(kind(new.renew_token(None).await), ProblemKind::InvalidToken);
}

/// Two programs that share a token both get one; where it is to end at once, one of them does.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_renew_at_once_each_gets_a_token_or_is_refused() {
    let auth = Auth::start();
    let (root, id, old) = backup(&auth).await;
    for (overlap, winners) in [(60, 8), (0, 1)] {
        let old = match overlap {
            60 => with(&auth.client(), &old.token()),
            _ => program(&auth, &root, id).await,
        };
        let all: Vec<_> = (0..8)
            .map(|_| {
                let old = old.clone();
                tokio::spawn(async move { old.renew_token(Some(overlap)).await })
            })
            .collect();
        let mut renewed = Vec::new();
        for one in all {
            match one.await.unwrap() {
                Ok(one) => renewed.push(one.issued.token),
                Err(error) => assert_eq!(error.kind(), Some(ProblemKind::InvalidToken), "{error}"),
            }
        }
        assert_eq!(renewed.len(), winners);
        for token in &renewed {
            with(&auth.client(), token).verify(&[]).await.unwrap();
        }
    }
}

/// By a program without the SDK.
#[tokio::test]
async fn the_text_is_in_the_header_as_well() {
    let auth = Auth::start();
    let (_, _, old) = backup(&auth).await;
    let request = json("POST", "/v1/token/renew", "{}")
        .header("Authorization", format!("Bearer {}", old.token().expose_secret()));
    let answer = auth.send(&request);
    assert_eq!(answer.status, 201);
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.header("X-Auth-Token"), body["issued"]["token"].as_str());
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
}
