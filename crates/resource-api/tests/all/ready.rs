use crate::support::{Stack, kind};
use diesel::connection::SimpleConnection;
use jeton_client::ProblemKind;

/// The database answers and has all migrations, and yet nobody can be let in.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_cannot_check_tokens_is_not_ready() {
    let stack = Stack::start();
    let session = stack.sign_up("ada").await;
    session.get(stack.at("/readyz")).send().await.unwrap();
    let mut connection = stack.database.connect();
    connection
        .batch_execute("ALTER TABLE tokens RENAME COLUMN digest TO hidden")
        .unwrap();
    assert_eq!(
        kind(session.get(stack.at("/readyz")).send().await),
        ProblemKind::Unavailable
    );
    connection
        .batch_execute("ALTER TABLE tokens RENAME COLUMN hidden TO digest")
        .unwrap();
    session.get(stack.at("/readyz")).send().await.unwrap();
}

/// Nobody has to wait for a service that was ended in order.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_ends_gives_its_lease_back() {
    // Dropped from the last to the first.
    let Stack {
        database,
        role: _role,
        notes,
        auth,
    } = Stack::start();
    let mut connection = database.connect();
    let mut registered = || jeton_coherence::verifiers::list(&mut connection).unwrap().len();
    assert_eq!(registered(), 2);
    notes.terminate();
    assert_eq!(registered(), 1);
    auth.terminate();
    assert_eq!(registered(), 0);
}
