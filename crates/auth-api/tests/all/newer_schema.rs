//! A service of one version on the tables of the next one, which only adds to them: as while the instances of a service
//! are replaced one after the other.

use crate::support::{Auth, kind, login, start_service};
use jeton_client::{AuthClient, ProblemKind};
use jeton_proof_support::{RawRequest, execute};

#[tokio::test]
async fn a_service_works_on_the_schema_of_the_next_version() {
    let auth = Auth::start();
    let from_before = auth.sign_up("ada").await;
    execute(
        &mut auth.connect(),
        "ALTER TABLE users ADD COLUMN later text; \
        ALTER TABLE tokens ADD COLUMN later text NOT NULL DEFAULT 'later'; \
        CREATE TABLE later (token_id uuid NOT NULL); \
        INSERT INTO __diesel_schema_migrations VALUES ('20991231000000')",
    );
    let started_since = start_service(auth.role.url(), &[]);
    for address in [auth.service.address(), started_since.address()] {
        let ready = RawRequest::new("GET", "/readyz").send(address);
        assert_eq!(ready.status, 200);
        let client = AuthClient::builder(&format!("http://{address}")).max_retries(0);
        let client = client.build().unwrap();
        let earlier = client.session(from_before.token()).unwrap();
        assert_eq!(earlier.me().await.unwrap().user.username, "ada");

        let issued = client
            .login(&login("ada", crate::support::PASSWORD))
            .await
            .unwrap();
        let session = client.session(issued.token).unwrap();
        let after = auth.only_token(&session);
        session.me().await.unwrap();
        session.logout().await.unwrap();
        assert_eq!(kind(after.me().await), ProblemKind::InvalidToken);
    }
}
