use crate::support::{NoteList, PASSWORD, client, sign_up, start_auth, start_notes};
use jeton_client::{ClientError, Credentials, ProblemKind};
use jeton_local_postgres::LocalPostgres;
use jeton_proof_support::migrate;
use std::fmt::Debug;

fn assert_unavailable<T: Debug>(result: Result<T, ClientError>) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), Some(ProblemKind::Unavailable), "{error}");
    assert!(error.retry_after().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_stops_and_starts_under_both_services() {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let (auth, notes) = (start_auth(&postgres.url()), start_notes(&postgres.url()));
    let at = |path: &str| format!("{}{path}", notes.base_url());
    let session = client(&auth.base_url())
        .sign_up_session(&sign_up("ada"))
        .await
        .unwrap();

    for stop in [LocalPostgres::stop, LocalPostgres::crash] {
        // Nobody has been told of this one yet.
        let new = client(&auth.base_url())
            .sign_in(Credentials::new("ada", PASSWORD))
            .await
            .unwrap();
        session.get(at("/notes")).send().await.unwrap();
        stop(&postgres).unwrap();
        // What is known goes on, for as long as the lease.
        session.get(at("/whoami")).send().await.unwrap();
        assert_unavailable(new.get(at("/whoami")).send().await);
        assert_unavailable(session.get(at("/notes")).send().await);
        assert_unavailable(session.me().await);
        assert_unavailable(session.logout().await);
        assert_eq!(session.get(at("/public")).send().await.unwrap().status(), 200);
        assert_eq!(session.get(at("/livez")).send().await.unwrap().status(), 200);
        assert_unavailable(session.get(at("/readyz")).send().await);

        postgres.start().unwrap();
        session.get(at("/readyz")).send().await.unwrap();
        session.me().await.unwrap();
        let list: NoteList = session.get(at("/notes")).send_json().await.unwrap();
        assert!(list.notes.is_empty());
    }
}
