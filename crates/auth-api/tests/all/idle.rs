//! `JETON_TOKEN_IDLE_TTL`.

use crate::support::{Auth, kind, token_request};
use diesel::connection::SimpleConnection;
use jeton_client::ProblemKind;

#[tokio::test]
async fn a_login_token_ends_when_nobody_uses_it_and_a_programs_does_not() {
    let auth = Auth::start_with(&[("JETON_TOKEN_IDLE_TTL", "14d")]);
    let session = auth.sign_up("ada").await;
    let signed_in = auth.sign_in("ada").await;
    let request = token_request("yearly report", &[]);
    let program = session.tokens().create(&request).await.unwrap();
    let program = auth.client().session(program.token).unwrap();
    let idle: Vec<_> = session.tokens().list_all().await.unwrap();
    let idle: Vec<_> = idle.iter().map(|token| token.idle_ttl).collect();
    assert_eq!(idle, [None, Some(14 * 86_400), Some(14 * 86_400)]);

    let (first, second) = (auth.only_token(&session), auth.only_token(&signed_in));
    let used = second.me().await.unwrap().token.id;
    let passed = format!(
        "UPDATE tokens SET created_at = created_at - interval '14 days';
        DELETE FROM token_uses;
        INSERT INTO token_uses VALUES ('{used}', now() - interval '13 days')"
    );
    auth.revoke(|connection| {
        jeton_coherence::revocations::revoking(
            connection,
            |connection| Ok(connection.batch_execute(&passed)?),
        )
    });
    assert_eq!(kind(first.me().await), ProblemKind::InvalidToken);
    second.me().await.unwrap();
    program.me().await.unwrap();
}

#[tokio::test]
async fn tokens_have_no_idle_time_without_the_setting() {
    let (_auth, session) = Auth::with_ada().await;
    assert_eq!(session.me().await.unwrap().token.idle_ttl, None);
}
