//! What counts for a network.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn many_behind_one_address_get_in_at_nine() {
    let mut settings = FEW.to_vec();
    settings.push(("JETON_NETWORK_FAILURES", "40"));
    let auth = Auth::start_with(&settings);
    let names: Vec<String> = (0..12).map(|i| format!("user{i}")).collect();
    for name in &names {
        auth.sign_up(name).await;
    }
    let clients = auth.client();
    // More than the address may fail, twelve at once.
    for _ in 0..8 {
        let all = names.iter().map(|name| {
            let client = clients.clone();
            let request = login(name, PASSWORD);
            tokio::spawn(async move { client.login(&request).await })
        });
        for one in all.collect::<Vec<_>>() {
            one.await.unwrap().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_names_from_one_address_are_rate_limited_as_well() {
    let settings = [("JETON_NETWORK_FAILURES", "20"), ("JETON_HASHING_QUEUE", "100")];
    let auth = Auth::start_with(&settings);
    let other = start_service(auth.role.url(), &settings);
    let guess = |i| attempt(&format!("user{i}"), "guess", STRANGER);
    let answers = all_at_once(&[&auth.service, &other], 60, guess);
    let tried = answers.iter().filter(|answer| answer.status == 401).count();
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!(tried + refused, 60);
    // One more comes back every three minutes.
    assert!((20..=21).contains(&tried), "{tried}");
    for _ in 0..30 {
        let refused = auth.client().login(&login("another", "guess")).await.unwrap_err();
        if refused.is_rate_limited() {
            return;
        }
    }
    panic!("{tried} were tried, and the address is not rate limited");
}

/// With whatever name, by whichever instance, and nothing is hashed for those beyond.
#[tokio::test(flavor = "multi_thread")]
async fn many_who_sign_up_from_one_address_are_rate_limited() {
    let mut settings = FEW.to_vec();
    settings.extend([("JETON_NETWORK_FAILURES", "20")]);
    let auth = Auth::start_with(&settings);
    let other = start_service(auth.role.url(), &settings);
    let sign_up = |i| sign_up_from(&format!("user{}", i / 2), STRANGER);
    let answers = all_at_once(&[&auth.service, &other], 60, sign_up);
    let all: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    // Two each want a name: who is told that it is taken has counted as well. One more comes back every three minutes.
    let let_through = all.iter().filter(|&&status| [201, 409].contains(&status)).count();
    assert!((20..=21).contains(&let_through), "{all:?}");
    assert!(
        all.iter().all(|status| [201, 409, 429].contains(status)),
        "{all:?}"
    );
    let refused_one = auth.send(&sign_up_from("late", STRANGER));
    assert_eq!(refused_one.status, 429);
    let wait: u64 = refused_one.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=180).contains(&wait), "{wait}");
    // What is refused at sight costs nothing; from elsewhere one signs up, and in.
    assert_eq!(auth.send(&sign_up_from("no name", STRANGER)).status, 422);
    assert_eq!(auth.send(&sign_up_from("late", HOME)).status, 201);
    assert_eq!(auth.send(&attempt("late", PASSWORD, HOME)).status, 200);
    let closed = start_service(
        auth.role.url(),
        &[&settings[..], &[("JETON_SIGNUP", "closed")]].concat(),
    );
    assert_eq!(sign_up_from("later", STRANGER).send(closed.address()).status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_go_on_while_passwords_are_guessed() {
    // At this cost, the guesses that are let through take longer than it takes to ask.
    let auth = Auth::start_with(&[&FEW[..], &[("JETON_BCRYPT_COST", "10")]].concat());
    let session = auth.sign_up("ada").await;
    auth.sign_up("bob").await;
    let client = auth.client();
    let storm: Vec<_> = (0..60)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.login(&login("ada", "wrong")).await })
        })
        .collect();
    let mut meanwhile = 0;
    for guess in storm {
        while !guess.is_finished() {
            session.me().await.unwrap();
            auth.client().login(&login("bob", PASSWORD)).await.unwrap();
            meanwhile += 1;
        }
        let refused: ClientError = guess.await.unwrap().unwrap_err();
        assert!(
            refused.is_rate_limited() || refused.is_unauthorized(),
            "{refused}"
        );
    }
    assert!(
        meanwhile > 0,
        "the guesses were answered before anybody else asked"
    );
}

#[tokio::test]
async fn a_network_is_listed_and_unblocked_by_an_admin() {
    let mut settings = FEW.to_vec();
    settings.push(("JETON_NETWORK_FAILURES", "4"));
    let auth = Auth::start_with(&settings);
    let root = auth.sign_up_with("root", "admin").await;
    let other = start_service(auth.role.url(), &settings);
    let guess = |i: usize| attempt(&format!("user{i}"), "wrong", "2001:db8:0:7::1");
    for round in 0..2 {
        let statuses: Vec<_> = (0..6).map(|i| auth.send(&guess(10 * round + i)).status).collect();
        assert_eq!(statuses, [401, 401, 401, 401, 429, 429]);
        assert_eq!(guess(9).send(other.address()).status, 429);
        let networks = root.admin().networks(None).await.unwrap().networks;
        assert_eq!(networks[0].network, "2001:db8:0:7::/64");
        assert_eq!(networks[0].failures, 4);
        assert!((1..=900).contains(&networks[0].blocked_for.unwrap()));
        root.admin().unblock_network("2001:db8:0:7:8::9").await.unwrap();
        // What is left is the sign-up of the administrator.
        let left = root.admin().networks(Some(1)).await.unwrap().networks;
        assert_eq!(left[0].network, "127.0.0.1");
        assert_eq!(auth.send(&guess(10 * round + 7)).status, 401);
        // The others know of it in a moment.
        wait_until("it is let through there", || {
            guess(10 * round + 8).send(other.address()).status == 401
        });
        root.admin().unblock_network("2001:db8:0:7::").await.unwrap();
    }
    // Where nothing has failed, nothing is to be done.
    root.admin().unblock_network("192.0.2.1").await.unwrap();
    let events = audit_events(&root, "network-unblocked").await;
    assert_eq!(events.len(), 4);
    for event in events {
        assert_eq!(event.actor_username.as_deref(), Some("root"));
        assert_eq!(event.detail["network"], "2001:db8:0:7::/64");
    }
}

/// Somebody else may have written the row.
#[tokio::test]
async fn whatever_network_is_listed_can_be_unblocked() {
    let auth = Auth::start();
    let root = auth.sign_up_with("root", "admin").await;
    let insert = |network: &str| {
        auth.execute(&format!(
            "INSERT INTO network_attempts (network, failures, last_at) VALUES ('{network}', 100000, now())"
        ));
    };
    for network in [
        "203.0.113.0/24",
        "2001:db8::/48",
        "2001:db8::9/128",
        "::ffff:203.0.113.9",
        "0.0.0.0/0",
    ] {
        insert(network);
        let listed = root.admin().networks(None).await.unwrap().networks;
        let worst = &listed[0].network;
        assert!(listed[0].blocked_for.is_some(), "{network}: {listed:?}");
        root.admin().unblock_network(worst).await.unwrap();
        let left = root.admin().networks(None).await.unwrap().networks;
        assert!(
            left.iter().all(|one| one.network != *worst),
            "{network}: {left:?}"
        );
    }
    let nonsense = root.admin().unblock_network("203.0.113.0/33").await;
    assert_eq!(pointers(nonsense), ["/address"]);
}
