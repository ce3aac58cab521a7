//! A former primary is not believed any more once this process has seen its successor: neither in what it has granted, nor in what
//! it answers afterwards.

use crate::gate::Gate;
use crate::support::{
    Issued, check, connect_to, execute, remembering_at, server, settings, start, token_of, until,
};
use jeton_local_postgres::LocalPostgres;
use jeton_verifier::{Verifier, VerifierSettings, VerifyError};
use std::time::Duration;

/// A server with a token, and a standby that has it as well.
fn pair() -> (LocalPostgres, LocalPostgres, Issued) {
    let (primary, token) = server();
    let standby = primary.standby().unwrap();
    (primary, standby, token)
}

/// Promotes the standby; and the token is revoked there, by this process.
fn revoke_on_the_newer(standby: &LocalPostgres, token: &Issued) {
    standby.promote().unwrap();
    let revoke = format!("DELETE FROM tokens WHERE id = '{}'", token.id);
    execute(&mut connect_to(&standby.url()), &revoke);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_of_a_former_primary_ends_when_its_successor_is_seen() {
    let (former, newer, token) = pair();
    let verifier = remembering_at(&former.url()).await;
    until(&verifier, &token, Ok(())).await;
    let hits = verifier.status().hits;
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    assert!(verifier.status().hits > hits, "from memory");

    revoke_on_the_newer(&newer, &token);
    // It knows of no other server.
    assert_eq!(check(&verifier, &token.text).await, Err(VerifyError::Unavailable));
    assert_eq!(verifier.status().lease_left, Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_former_primary_answers_after_its_successor_is_seen_is_asked_anew() {
    for warm in [false, true] {
        let (former, newer, token) = pair();
        let addresses = [&former, &newer].map(|server| format!("127.0.0.1:{}", server.port()));
        let url = former.url().replace(&addresses[0], &addresses.join(","));
        let verifier = Verifier::connect(VerifierSettings {
            lookup_threads: 1,
            ..settings(&url)
        });
        let verifier = verifier.await.unwrap();
        let mut gate = Gate::install_at(&former.url());
        if warm {
            assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
            assert_eq!(gate.statements(), 1);
        }
        gate.close();
        let under_way = start(&verifier, &mut gate, &token).await;
        revoke_on_the_newer(&newer, &token);
        gate.open();
        assert_eq!(
            token_of(under_way.await.unwrap()),
            Err(VerifyError::Invalid),
            "warm: {warm}"
        );
    }
}
