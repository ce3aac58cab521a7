//! A check that is answered from memory allocates nothing.

use crate::support::{check, issue_delegated, setting, token_of, verifier_with};
use jeton_verifier::{LONGEST_LEASE, Resource};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

#[tokio::test(flavor = "multi_thread")]
async fn a_known_token_is_checked_without_allocating() {
    let (database, mut connection, ada, token) = setting();
    let (for_notes, _) = issue_delegated(&mut connection, ada.id, Some("https://notes.example"));
    let verifier = verifier_with(&database, |settings| {
        settings.cache_tokens = 100;
        settings.lease = LONGEST_LEASE;
    })
    .await;
    let notes = verifier.for_resource(&Resource::parse("https://notes.example").unwrap());
    for (verifier, token) in [(&verifier, token), (&notes, for_notes)] {
        // Looked up, and then found in memory, for what is made when it is first needed.
        for _ in 0..2 {
            assert_eq!(check(verifier, &token.text).await, Ok(token.id));
        }
        let hits = verifier.status().hits;
        let mut outcome = Poll::Pending;
        let allocated = allocation_counter::measure(|| {
            let check = pin!(verifier.verify(&token.text));
            outcome = check.poll(&mut Context::from_waker(Waker::noop()));
        });
        assert_eq!(outcome.map(token_of), Poll::Ready(Ok(token.id)));
        assert_eq!(verifier.status().hits, hits + 1);
        assert_eq!(allocated.count_total, 0, "{allocated:?}");
    }
}
