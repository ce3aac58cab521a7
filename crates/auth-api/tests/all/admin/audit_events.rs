//! `GET /v1/admin/audit-events`.

use super::*;
use jeton_client::ProblemKind;

/// What becomes of ada, by an admin's hand: her id, and that of the first token that was revoked.
async fn life_of_ada(auth: &Auth, root: &Session) -> (Uuid, Uuid) {
    let ada = root.admin().create_user(&person("ada")).await.unwrap().id;
    root.admin().set_scopes(ada, &["notes:read"]).await.unwrap();
    root.admin().disable(ada).await.unwrap();
    root.admin().enable(ada).await.unwrap();
    root.admin().set_password(ada, NEW, false).await.unwrap();
    let session = auth
        .client()
        .sign_in(jeton_client::Credentials::new("ada", NEW))
        .await
        .unwrap();
    let token = session.me().await.unwrap().token.id;
    root.admin().revoke_token(ada, token).await.unwrap();
    auth.login("ada", NEW).await.unwrap();
    root.admin().revoke_tokens(ada).await.unwrap();
    root.admin().delete_user(ada).await.unwrap();
    (ada, token)
}

fn of(user: Uuid) -> AuditQuery {
    AuditQuery {
        user: Some(user),
        ..AuditQuery::default()
    }
}

#[tokio::test]
async fn audit_events_tell_who_did_it() {
    let (auth, root) = with_admin().await;
    let roots = root.me().await.unwrap().user.id;
    let (ada, _) = life_of_ada(&auth, &root).await;
    let events = root.admin().audit_events(&of(ada), None, None).await.unwrap();
    let actions: Vec<&str> = events.events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "user-deleted",
            "tokens-revoked",
            "sign-in",
            "token-revoked",
            "sign-in",
            "password-set",
            "user-enabled",
            "user-disabled",
            "scopes-changed",
            "user-created",
        ]
    );
    assert_eq!(events.next, None);
    for event in &events.events {
        let by = if event.action == "sign-in" { ada } else { roots };
        assert_eq!(event.actor_id, Some(by), "{event:?}");
        assert_eq!(event.subject_username.as_deref(), Some("ada"), "{event:?}");
        assert!(event.address.is_some(), "{event:?}");
    }
}

#[tokio::test]
async fn audit_events_are_told_in_pages_and_by_what_they_were() {
    let (auth, root) = with_admin().await;
    let roots = root.me().await.unwrap().user.id;
    let (ada, token) = life_of_ada(&auth, &root).await;
    let events = root.admin().audit_events(&of(ada), None, None).await.unwrap();
    let (mut after, mut all): (Option<String>, Vec<_>) = (None, Vec::new());
    loop {
        let page = root
            .admin()
            .audit_events(&of(ada), Some(3), after.as_deref())
            .await
            .unwrap();
        all.extend(page.events);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(all, events.events);
    let by_root = AuditQuery {
        by: Some(roots),
        action: Some("token-revoked".into()),
        ..of(ada)
    };
    let events = root
        .admin()
        .audit_events(&by_root, None, None)
        .await
        .unwrap()
        .events;
    assert_eq!((events.len(), events[0].token_id), (1, Some(token)));
    let until = AuditQuery {
        until: Some(events[0].at),
        since: Some(all.last().unwrap().at),
        ..of(ada)
    };
    let before = root
        .admin()
        .audit_events(&until, None, None)
        .await
        .unwrap()
        .events;
    assert_eq!(before, all[4..]);

    let unknown = AuditQuery {
        action: Some("sesame".into()),
        ..AuditQuery::default()
    };
    assert_eq!(
        kind(root.admin().audit_events(&unknown, None, None).await),
        ProblemKind::MalformedQuery
    );
    let nowhere = root
        .admin()
        .audit_events(&AuditQuery::default(), None, Some("sesame"))
        .await;
    assert_eq!(kind(nowhere), ProblemKind::MalformedQuery);
}
