#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use super::*;
use jeton_coherence::DatabaseUrl;
use jeton_coherence::revocations::Revoked;
use jeton_proof_support::TestDatabase;
use std::sync::mpsc::channel;

#[tokio::test]
async fn a_panic_of_the_lease_thread_forgets_everything_and_starts_it_anew() {
    let database = TestDatabase::create();
    let settings = VerifierSettings::new(DatabaseUrl::parse(database.url()).unwrap());
    let memory = Arc::new(Memory::new(10));
    memory.renew(&Revoked::Everything, BootTime::NEVER);
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
