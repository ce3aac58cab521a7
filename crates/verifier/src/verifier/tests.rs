#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use super::*;
use crate::caller::any_valid_token;
use crate::permissions::Permissions;
use jeton_coherence::DatabaseUrl;
use jeton_domain::ExposeSecret;
use jeton_proof_support::TestDatabase;

fn remember(verifier: &Verifier, text: &str) {
    let digest = PlainToken::digest_of(text).unwrap();
    let permissions = Permissions {
        found_by: verifier.inner.id,
        ..Permissions::default()
    };
    let caller = Caller::new(&digest, any_valid_token(), permissions.into(), BootTime::now());
    let beginning = verifier.inner.memory.begin();
    verifier
        .inner
        .memory
        .fill(beginning, [(digest, caller)].into_iter());
}

/// What a forked process has of it: the memory, and its deadline, and no threads.
#[tokio::test]
async fn an_inherited_verifier_checks_nothing_and_says_so() {
    let database = TestDatabase::create();
    let settings = VerifierSettings::new(DatabaseUrl::parse(database.url()).unwrap());
    let mut verifier = Verifier::connect(settings).await.unwrap();
    let known = PlainToken::generate(&mut rand::rng());
    let (known, unknown) = (known.expose_secret(), PlainToken::generate(&mut rand::rng()));
    remember(&verifier, known);
    assert!(verifier.verify(known).await.is_ok() && !verifier.status().inherited);

    let here = std::mem::replace(
        &mut Arc::get_mut(&mut verifier.inner).unwrap().home,
        Home::of_another(),
    );
    for text in [known, unknown.expose_secret()] {
        assert_eq!(
            verifier.verify(text).await.map(|_| ()),
            Err(VerifyError::Unavailable)
        );
    }
    assert_eq!(verifier.ready().await, Err(VerifyError::Unavailable));
    let status = verifier.status();
    assert!(status.inherited && status.lease_left.is_zero(), "{status:?}");
    // Nothing that is the other process' ends with this one's.
    verifier.close().await;
    Arc::get_mut(&mut verifier.inner).unwrap().home = here;
    assert!(verifier.verify(known).await.is_ok() && !verifier.status().lease_left.is_zero());
}

/// A thread that a fork has not taken along may have held a lock: whoever waits for that, or wakes somebody under it, hangs.
#[tokio::test]
async fn an_inherited_verifier_leaves_its_threads_alone_when_it_is_dropped() {
    let database = TestDatabase::create();
    let settings = VerifierSettings::new(DatabaseUrl::parse(database.url()).unwrap());
    let mut verifier = Verifier::connect(settings).await.unwrap();
    let threads = Arc::downgrade(&verifier.inner.threads);
    Arc::get_mut(&mut verifier.inner).unwrap().home = Home::of_another();
    drop(verifier);
    let Threads { lookups, lease } = &*threads.upgrade().unwrap();
    let nobody = lookups.find(TokenDigest::from([0; 32])).await;
    assert_eq!(nobody.map(|_| ()), Err(VerifyError::Invalid));
    lookups.stop();
    lease.stop();
    lease.stopped().await;
}
