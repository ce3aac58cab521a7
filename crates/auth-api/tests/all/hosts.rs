//! Several hosts in `DATABASE_URL`.

use crate::support::{environment, sign_up};
use jeton_client::AuthClient;
use jeton_proof_support::{DarkHost, InProcess, TestDatabase};

#[tokio::test(flavor = "multi_thread")]
async fn a_first_host_that_is_dark_is_asked_once_and_by_nobody_else() {
    let (database, dark) = (TestDatabase::create(), DarkHost::start());
    let url = format!("{}?connect_timeout=5", dark.before(database.url()));
    let service = InProcess::start(jeton_auth_api::start, &environment(&url, &[]));
    let client = AuthClient::new(&service.base_url()).unwrap();
    for name in ["ada", "bob", "eve"] {
        client.sign_up(&sign_up(name)).await.unwrap();
    }
    // Tried once, and then looked whether anybody is there.
    assert_eq!(dark.connections(), 2);
}
