//! One who can sign in has to stay.

use super::*;
use jeton_client::ProblemKind;

#[tokio::test]
async fn the_last_admin_stays() {
    let (auth, root) = with_admin().await;
    let id = root.me().await.unwrap().user.id;
    root.admin()
        .create_user(&service("deployer", &["admin"]))
        .await
        .unwrap();
    assert_eq!(kind(root.admin().disable(id).await), ProblemKind::LastAdmin);
    assert_eq!(kind(root.admin().delete_user(id).await), ProblemKind::LastAdmin);
    assert_eq!(
        kind(root.admin().set_scopes(id, &["notes:read"]).await),
        ProblemKind::LastAdmin
    );
    assert_eq!(kind(root.delete_account(PASSWORD).await), ProblemKind::LastAdmin);

    let ada = auth.sign_up("ada").await.me().await.unwrap().user.id;
    root.admin().set_scopes(ada, &["admin"]).await.unwrap();
    // One may go, and give it up by that.
    root.admin().set_scopes(id, &["notes:read"]).await.unwrap();
    assert_eq!(kind(root.admin().user(ada).await), ProblemKind::InsufficientScope);
    let ada_session = auth.sign_in("ada").await;
    assert_eq!(
        kind(ada_session.admin().delete_user(ada).await),
        ProblemKind::LastAdmin
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_admins_who_remove_each_other_leave_one() {
    let auth = Auth::start();
    let mut staying = 0;
    for round in 0..5 {
        let one = auth.sign_up_with(&format!("one-{round}"), "admin").await;
        let other = auth.sign_up_with(&format!("other-{round}"), "admin").await;
        let (a, b) = (one.me().await.unwrap().user.id, other.me().await.unwrap().user.id);
        // The one who has stayed until now is not to be counted on.
        if round > 0 {
            auth.execute(&format!("DELETE FROM users WHERE id NOT IN ('{a}', '{b}')"));
        }
        let (first, second) = (one.admin(), other.admin());
        let (first, second) = tokio::join!(first.delete_user(b), second.disable(a));
        staying += i32::from(first.is_err()) + i32::from(second.is_err());
        let error = first.err().or(second.err()).unwrap();
        // Too late, and refused as an admin who is no more, and cannot sign in again.
        assert!(
            matches!(
                error.kind(),
                Some(ProblemKind::LastAdmin | ProblemKind::InvalidToken | ProblemKind::InvalidCredentials)
            ),
            "{error}"
        );
    }
    assert_eq!(staying, 5);
}
