//! How many statements there are for how many checks; how many checks may wait.

use crate::gate::Gate;
use crate::support::{
    Issued, check, database, execute, expire, issue, others, poll_once, setting, start, token_of, unknown,
    user_with_token, verifier_with, verifier_with_threads, wait_until,
};
use jeton_verifier::VerifyError;
use std::pin::pin;
use std::task::Poll;

#[tokio::test(flavor = "multi_thread")]
async fn checks_that_wait_are_asked_for_together() {
    let (database, mut connection) = database();
    let (ada, first) = user_with_token(&mut connection, "ada");
    let mut tokens: Vec<(Issued, Result<_, _>)> = Vec::new();
    for number in 0..100 {
        let token = issue(&mut connection, ada.id);
        let right = match number % 10 {
            0 => {
                expire(&mut connection, &token);
                Err(VerifyError::Invalid)
            }
            1 => {
                execute(
                    &mut connection,
                    &format!("DELETE FROM tokens WHERE id = '{}'", token.id),
                );
                Err(VerifyError::Invalid)
            }
            _ => Ok(token.id),
        };
        tokens.push((token, right));
    }
    let verifier = verifier_with_threads(&database, 2).await;
    let mut gate = Gate::closed(&database);
    let occupied = [
        start(&verifier, &mut gate, &first).await,
        start(&verifier, &mut gate, &first).await,
    ];

    let mut checks = Vec::new();
    for _ in 0..5 {
        for (token, right) in &tokens {
            let mut check = Box::pin(verifier.verify(&token.text));
            assert!(poll_once(check.as_mut()).await.is_pending());
            checks.push((check, *right));
        }
    }
    gate.open();
    for (check, right) in checks {
        assert_eq!(token_of(check.await), right);
    }
    for check in occupied {
        assert_eq!(token_of(check.await.unwrap()), Ok(first.id));
    }
    // The two that were under way, and 500 by 256 at a time.
    assert_eq!(gate.statements(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_asks_for_no_more_than_is_set() {
    let (database, mut connection) = database();
    let (ada, first) = user_with_token(&mut connection, "ada");
    let tokens: Vec<_> = (0..10).map(|_| issue(&mut connection, ada.id)).collect();
    let verifier = verifier_with(&database, |settings| {
        settings.lookup_threads = 1;
        settings.batch = 4;
    })
    .await;
    let mut gate = Gate::closed(&database);
    let occupied = start(&verifier, &mut gate, &first).await;

    let mut checks = Vec::new();
    for token in &tokens {
        let mut check = Box::pin(verifier.verify(&token.text));
        assert!(poll_once(check.as_mut()).await.is_pending());
        checks.push((check, token.id));
    }
    gate.open();
    assert_eq!(token_of(occupied.await.unwrap()), Ok(first.id));
    for (check, id) in checks {
        assert_eq!(token_of(check.await), Ok(id));
    }
    assert_eq!(gate.statements(), 1 + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_so_at_once() {
    let (database, _, _, token) = setting();
    let verifier = verifier_with(&database, |settings| {
        settings.lookup_threads = 1;
        settings.queue = 3;
    })
    .await;
    let mut gate = Gate::closed(&database);
    let occupied = start(&verifier, &mut gate, &token).await;

    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(verifier.verify(&token.text))).collect();
    for check in &mut waiting {
        assert!(poll_once(check.as_mut()).await.is_pending());
    }
    let beyond = poll_once(pin!(verifier.verify(&token.text))).await;
    assert_eq!(beyond.map(token_of), Poll::Ready(Err(VerifyError::Unavailable)));
    // What nobody has to ask for needs no place in it.
    let malformed = poll_once(pin!(verifier.verify("jtn_"))).await;
    assert_eq!(malformed.map(token_of), Poll::Ready(Err(VerifyError::Invalid)));

    gate.open();
    for check in waiting {
        assert_eq!(token_of(check.await), Ok(token.id));
    }
    assert_eq!(token_of(occupied.await.unwrap()), Ok(token.id));
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_asks_for_those_who_have_gone_away() {
    let (database, _, _, token) = setting();
    let verifier = verifier_with(&database, |settings| {
        settings.lookup_threads = 1;
        settings.batch = 1;
    })
    .await;
    let mut gate = Gate::closed(&database);
    let occupied = start(&verifier, &mut gate, &token).await;
    for _ in 0..3 {
        let mut check = Box::pin(verifier.verify(&token.text));
        assert!(poll_once(check.as_mut()).await.is_pending());
    }
    gate.open();
    assert_eq!(token_of(occupied.await.unwrap()), Ok(token.id));
    assert_eq!(check(&verifier, &token.text).await, Ok(token.id));
    assert_eq!(gate.statements(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_row_is_one_tokens_trouble() {
    let (database, mut connection) = database();
    let [(_, good), (_, bad), (_, far), (_, infinite)] =
        ["ada", "bob", "eve", "joe"].map(|name| user_with_token(&mut connection, name));
    let corrupt = [
        "ALTER TABLE tokens DROP CONSTRAINT IF EXISTS tokens_kind_check".to_owned(),
        format!("UPDATE tokens SET kind = 'robot' WHERE id = '{}'", bad.id),
        // Times that Postgres has and Chrono has not; the constraints keep them out.
        "ALTER TABLE tokens DROP CONSTRAINT IF EXISTS tokens_expires_at_check".to_owned(),
        "ALTER TABLE token_uses DROP CONSTRAINT IF EXISTS token_uses_last_used_at_check".to_owned(),
        format!(
            "UPDATE tokens SET expires_at = '290000-01-01' WHERE id = '{}'",
            far.id
        ),
        format!(
            "UPDATE tokens SET expires_at = NULL, idle_ttl_secs = 300 WHERE id = '{}'",
            infinite.id
        ),
        format!("INSERT INTO token_uses VALUES ('{}', 'infinity')", infinite.id),
    ];
    execute(&mut connection, &corrupt.join(";"));
    let verifier = verifier_with_threads(&database, 1).await;
    let mut gate = Gate::closed(&database);
    let occupied = start(&verifier, &mut gate, &good).await;
    let nobody = unknown();
    let mut together = [
        (&good.text, Ok(good.id)),
        // It may be valid: nobody can tell.
        (&bad.text, Err(VerifyError::Unavailable)),
        (&far.text, Ok(far.id)),
        (&infinite.text, Ok(infinite.id)),
        (&nobody, Err(VerifyError::Invalid)),
    ]
    .map(|(text, right)| (Box::pin(verifier.verify(text)), right));
    for (check, _) in &mut together {
        assert!(poll_once(check.as_mut()).await.is_pending());
    }
    gate.open();
    occupied.await.unwrap().unwrap();
    for (check, right) in together {
        assert_eq!(token_of(check.await), right);
    }
    assert_eq!(gate.statements(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_threads_end_with_the_last_handle() {
    let (database, mut connection, _, token) = setting();
    let verifier = verifier_with_threads(&database, 2).await;
    let mut gate = Gate::closed(&database);
    let occupied = [
        start(&verifier, &mut gate, &token).await,
        start(&verifier, &mut gate, &token).await,
    ];
    gate.open();
    for check in occupied {
        check.await.unwrap().unwrap();
    }
    drop(gate);
    // The two that look up, and the one that keeps the lease.
    wait_until("only the threads are connected", || others(&mut connection) == 3);

    let last = verifier.clone();
    drop(verifier);
    assert_eq!(token_of(last.verify(&token.text).await), Ok(token.id));
    assert_eq!(others(&mut connection), 3);
    drop(last);
    wait_until("the threads have hung up", || others(&mut connection) == 0);
}
