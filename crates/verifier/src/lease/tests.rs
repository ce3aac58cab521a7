#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use super::*;
use jeton_coherence::revocations::Revoked;
use jeton_coherence::{DatabaseUrl, refused_servers};
use jeton_local_postgres::LocalPostgres;
use jeton_proof_support::{TestDatabase, connect as connect_to, execute, migrate, wait_until};
use std::sync::mpsc::channel;

#[tokio::test]
async fn a_panic_of_the_lease_thread_forgets_everything_and_starts_it_anew() {
    let database = TestDatabase::create();
    let settings = VerifierSettings::new(DatabaseUrl::parse(database.url()).unwrap());
    let memory = Arc::new(Memory::new(10));
    memory.renew(&Revoked::Everything, BootTime::NEVER).publish();
    let ((begins, deadlines), lives) = (channel(), AtomicU64::new(0));
    let lease = Lease::start_with(&settings, memory.clone(), async move |keeper| {
        begins.send(keeper.memory.deadline()).unwrap();
        assert!(lives.fetch_add(1, Ordering::Relaxed) > 0, "on purpose");
        keeper.live().await
    })
    .unwrap();
    assert_eq!(deadlines.recv().unwrap(), BootTime::NEVER);
    assert_eq!(deadlines.recv().unwrap(), BootTime::ZERO);
    let begun = BootTime::now();
    while memory.deadline() == BootTime::ZERO {
        assert!(BootTime::now().since(begun) < Duration::from_secs(60), "no lease");
        std::thread::sleep(Duration::from_millis(1));
    }
    lease.stop();
    lease.stopped().await;
}

/// The renewal was answered by what was the primary then.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_whose_server_is_superseded_before_the_deadline_is_published_grants_nothing() {
    let former = LocalPostgres::temporary().unwrap();
    migrate(&former.url());
    let newer = former.standby().unwrap();
    let settings = VerifierSettings::new(DatabaseUrl::parse(&former.url()).unwrap());
    let memory = Arc::new(Memory::new(10));
    let lease = Lease::start(&settings, memory.clone()).unwrap();
    wait_until("there is a lease", || memory.deadline() != BootTime::ZERO);

    {
        let _held = memory.hold();
        execute(
            &mut connect_to(&former.url()),
            "INSERT INTO revocations (digest) VALUES (decode(repeat('ab', 32), 'hex'))",
        );
        wait_until("a renewal has been answered", || memory.is_forgetting());
        newer.promote().unwrap();
        let _ = connect_to(&newer.url());
        assert_eq!(memory.deadline(), BootTime::ZERO);
    }
    let refused = refused_servers();
    wait_until("it has looked for another server", || refused_servers() > refused);
    assert_eq!(memory.deadline(), BootTime::ZERO);
    lease.stop();
    lease.stopped().await;
}
