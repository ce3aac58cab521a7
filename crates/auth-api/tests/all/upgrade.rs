//! Hashes that are cheaper than new ones are made anew when somebody signs in.

use crate::support::{Auth, PASSWORD, kind, login, start_service};
use jeton_client::{AuthClient, Credentials, ProblemKind};
use jeton_domain::{PasswordHash, Username};
use jeton_persistence::users;
use jeton_test_support::ServiceProcess;
use std::time::{Duration, Instant};

const NEW: &str = "a wholly different phrase";

fn stored(auth: &Auth) -> PasswordHash {
    let ada = Username::parse("ada").unwrap();
    let found = users::find_for_sign_in(&mut auth.connect(), ada.key()).unwrap();
    found.unwrap().password_hash.unwrap()
}

fn cost(auth: &Auth) -> u32 {
    stored(auth).cost().get()
}

/// Another instance, with another setting.
fn at_cost(auth: &Auth, cost: &str) -> (ServiceProcess, AuthClient) {
    let settings = [("JETON_BCRYPT_COST", cost), ("JETON_HASHING_QUEUE", "100")];
    let service = start_service(auth.role.url(), &settings);
    let client = AuthClient::builder(&service.base_url()).max_retries(0);
    let client = client.build().unwrap();
    (service, client)
}

/// Signs in until the hash has this cost: where no core is idle just then, it stays as it is.
async fn sign_in_until(auth: &Auth, client: &AuthClient, wanted: u32) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while cost(auth) != wanted {
        assert!(Instant::now() < deadline, "still of cost {}", cost(auth));
        client.login(&login("ada", PASSWORD)).await.unwrap();
    }
}

#[tokio::test]
async fn a_sign_in_makes_a_cheaper_hash_anew_and_changes_nothing_else() {
    let auth = Auth::start();
    let session = auth.sign_up("ada").await;
    assert_eq!(cost(&auth), 4);
    let (_service, client) = at_cost(&auth, "6");
    assert_eq!(
        kind(client.login(&login("ada", "wrong")).await),
        ProblemKind::InvalidCredentials
    );
    assert_eq!(cost(&auth), 4);
    sign_in_until(&auth, &client, 6).await;
    session.me().await.unwrap();
    let upgraded = stored(&auth);
    // Not again, and never back, whatever the instance that is asked has for a setting.
    for client in [client, auth.client()] {
        client.login(&login("ada", PASSWORD)).await.unwrap();
        assert_eq!(
            kind(client.login(&login("ada", "wrong")).await),
            ProblemKind::InvalidCredentials
        );
    }
    assert_eq!(stored(&auth), upgraded);
}

/// Whoever verified the old hash when it was replaced is not told that the password is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_at_the_same_time_all_succeed() {
    let auth = Auth::start();
    auth.sign_up("ada").await;
    for higher in ["5", "6", "7", "8"] {
        let (_service, client) = at_cost(&auth, higher);
        let all: Vec<_> = (0..12)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.login(&login("ada", PASSWORD)).await })
            })
            .collect();
        for one in all {
            one.await.unwrap().unwrap();
        }
        sign_in_until(&auth, &client, higher.parse().unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_changed_meanwhile_stays_changed() {
    let auth = Auth::start();
    auth.sign_up("ada").await;
    let (mut old, mut new) = (PASSWORD, NEW);
    for higher in ["5", "6", "7", "8"] {
        let (_service, client) = at_cost(&auth, higher);
        // Whose setting is the lowest, so that only signing in makes it anew.
        let session = auth.client().sign_in(Credentials::new("ada", old)).await.unwrap();
        let request = login("ada", old);
        let (signed_in, changed) = tokio::join!(client.login(&request), session.change_password(old, new));
        changed.unwrap();
        drop(signed_in);
        auth.client().login(&login("ada", new)).await.unwrap();
        assert_eq!(
            kind(auth.client().login(&login("ada", old)).await),
            ProblemKind::InvalidCredentials
        );
        (old, new) = (new, old);
    }
}
