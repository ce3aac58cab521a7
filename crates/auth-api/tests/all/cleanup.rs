use crate::support::{Auth, PROGRAM, environment, start_service};
use jeton_coherence::verifiers;
use jeton_proof_support::{ServiceProcess, count, execute, wait_until};

/// The service begins with it; how it is done is tested where it is done.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_nobody_needs_go_by_themselves() {
    let auth = Auth::start();
    let (expired, kept) = (auth.sign_up("ada").await, auth.sign_in("ada").await);
    let id = expired.me().await.unwrap().token.id;
    let connection = &mut auth.connect();
    execute(
        connection,
        &format!("UPDATE tokens SET expires_at = now() - interval '1 second' WHERE id = '{id}'"),
    );
    let _another = start_service(auth.role.url(), &[]);
    wait_until("it is gone", || {
        !crate::secrets::dump(&auth).contains(&id.to_string())
    });
    auth.only_token(&kept).me().await.unwrap();
    assert_eq!(verifiers::list(connection).unwrap().len(), 2);
}

/// That it could not be purged is said of the one that is locked, and the rest is done.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_somebody_has_locked_keeps_no_other_from_being_purged() {
    let auth = Auth::start();
    let id = auth.sign_up("ada").await.me().await.unwrap().token.id;
    let connection = &mut auth.connect();
    execute(
        connection,
        &format!(
            "UPDATE tokens SET expires_at = now() - interval '1 second' WHERE id = '{id}';
            UPDATE network_attempts SET last_at = now() - interval '2 hours'"
        ),
    );
    let holder = &mut auth.connect();
    execute(holder, "BEGIN; LOCK TABLE token_uses IN SHARE ROW EXCLUSIVE MODE");
    let another = ServiceProcess::start(PROGRAM, &environment(auth.role.url(), &[]));
    for table in ["tokens", "network_attempts"] {
        wait_until(table, || count(connection, table) == 0);
    }
    another.wait_for_log("could not clean up");
}
