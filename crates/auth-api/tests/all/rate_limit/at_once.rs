//! Many at the same time: those in flight are no failures, and no more are made than may fail.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn right_passwords_at_once_are_all_let_in() {
    let auth = Auth::start_with(&FEW);
    auth.sign_up("ada").await;
    let other = start_service(auth.role.url(), &FEW);
    // From where she has never been, and from where she has.
    for address in [STRANGER, STRANGER, HOME] {
        let right = attempt("ada", PASSWORD, address);
        let answers = race(&[&auth.service, &other], &right, 30);
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [200; 30], "{address}");
        assert_eq!(counted(&auth), NOTHING);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn right_passwords_of_many_from_one_network_are_all_let_in() {
    let mut settings = FEW.to_vec();
    settings.push(("JETON_NETWORK_FAILURES", "4"));
    let auth = Auth::start_with(&settings);
    let other = start_service(auth.role.url(), &settings);
    for i in 0..30 {
        let from_elsewhere = sign_up_from(&format!("user{i}"), &format!("192.0.2.{i}"));
        assert_eq!(auth.send(&from_elsewhere).status, 201);
    }
    let sign_in = |i| attempt(&format!("user{i}"), PASSWORD, STRANGER);
    let answers = all_at_once(&[&auth.service, &other], 30, sign_in);
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200; 30]);
    let left = "SELECT count(*) FROM network_attempts WHERE network = '203.0.113.9' \
        AND (failures > 0 OR cardinality(in_flight) > 0)";
    assert_eq!(text(&mut auth.connect(), left), "0");
}

/// An instance has died with as many in flight as may be. Nobody is refused for that until it is known that they count.
#[tokio::test(flavor = "multi_thread")]
async fn attempts_of_an_instance_that_died_count_in_the_end() {
    let auth = Auth::start_with(&FEW);
    auth.sign_up("ada").await;
    assert_eq!(auth.send(&attempt("ada", "wrong", STRANGER)).status, 401);
    let lost = "UPDATE account_attempts SET failures = 0, in_flight = ARRAY[now() - interval '61 seconds', now() - interval '60 seconds'] \
        WHERE network = '0.0.0.0/0'";
    auth.connect().batch_execute(lost).unwrap();
    let refused = auth.send(&attempt("ada", PASSWORD, STRANGER));
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
}
