use crate::delegation;
use crate::schema::plan as explained;
use crate::support::{
    CLI, backend_pid, connect, count, create_user, database, execute, expire, issue, issue_this, new_token,
    outcome, scopes, text,
};
use jeton_coherence::PLAN_ONCE;
use jeton_coherence::lookups::{STATEMENT, ValidToken, find_valid};
use jeton_domain::{NewToken, TokenDigest, TokenKind, User};
use jeton_persistence::{DatabaseError, PgConnection, users};
use std::time::Duration;

fn issued(connection: &mut PgConnection, user: &User) -> NewToken {
    let token = new_token();
    issue_this(connection, user.id, &token);
    token
}

/// The one token with this digest, if it is valid.
fn find_one(connection: &mut PgConnection, digest: TokenDigest) -> Option<ValidToken> {
    let mut found = connection.wait(async |c| find_valid(c, &[digest]).await).unwrap();
    assert!(found.len() <= 1);
    found.pop().map(|(of, token)| {
        assert_eq!(of, digest);
        token.unwrap()
    })
}

#[test]
fn a_valid_token_tells_whose_it_is() {
    let (_, connection) = &mut database();
    create_user(connection, "bob");
    let ada = create_user(connection, "Ada");
    let token = NewToken {
        kind: TokenKind::Personal,
        ttl: None,
        ..new_token()
    };
    issue_this(connection, ada.id, &token);
    issued(connection, &ada);
    let found = find_one(connection, token.digest);
    assert_eq!(
        found,
        Some(ValidToken {
            token_id: token.id,
            kind: TokenKind::Personal,
            user_id: ada.id,
            username: "Ada".to_owned(),
            scopes: token.scopes,
            client_id: None,
            audience: None,
            remaining: None,
        })
    );
}

/// Postgres keeps 16 locks of a backend in a place of its own; another would be refused while the server's shared table is full.
#[test]
fn a_look_up_takes_no_lock_in_the_servers_shared_table() {
    let (database, connection) = &mut database();
    let (.., digest) = delegation::app(connection);
    let pid = backend_pid(connection);
    execute(connection, "BEGIN");
    find_one(connection, digest).unwrap();
    let its_locks = |fastpath| {
        let select = format!(
            "SELECT coalesce(string_agg(relation::regclass::text, ' ' ORDER BY relation::regclass::text), '') FROM pg_locks
                WHERE pid = {pid} AND locktype = 'relation' AND fastpath = {fastpath}",
        );
        text(&mut connect(database), &select)
    };
    assert!(its_locks(true).contains("clients_pkey"), "{}", its_locks(true));
    assert_eq!(its_locks(false), "");
}

#[test]
fn a_token_that_is_not_valid_is_not_found() {
    let (_, connection) = &mut database();
    let (ada, bob) = (create_user(connection, "ada"), create_user(connection, "bob"));
    let (valid, expired, disabled) = (
        issued(connection, &ada),
        issued(connection, &ada),
        issued(connection, &bob),
    );
    assert_eq!(find_one(connection, new_token().digest), None);

    assert!(find_one(connection, expired.digest).is_some());
    expire(connection, expired.id);
    assert_eq!(find_one(connection, expired.digest), None);

    assert!(find_one(connection, disabled.digest).is_some());
    outcome(users::disable(connection, &CLI, bob.id).unwrap());
    assert_eq!(find_one(connection, disabled.digest), None);
    users::enable(connection, &CLI, bob.id).unwrap();
    assert!(find_one(connection, disabled.digest).is_some());

    assert!(find_one(connection, valid.digest).is_some());
    outcome(users::delete(connection, &CLI, ada.id).unwrap());
    assert_eq!(find_one(connection, valid.digest), None);
}

/// To the microsecond: a token whose time is exactly now is over.
#[test]
fn a_token_ends_at_its_expiry_not_after_it() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada");
    let token = issued(connection, &ada);
    execute(connection, "BEGIN; UPDATE tokens SET expires_at = now()");
    assert_eq!(find_one(connection, token.digest), None);
    execute(
        connection,
        "UPDATE tokens SET expires_at = now() + interval '1 microsecond'",
    );
    let remaining = find_one(connection, token.digest).unwrap().remaining;
    assert_eq!(remaining, Some(Duration::from_micros(1)));
    execute(connection, "ROLLBACK");
}

#[test]
fn scopes_of_a_token_are_those_that_its_user_has() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada");
    let token = NewToken {
        scopes: scopes("a b c"),
        ..new_token()
    };
    issue_this(connection, ada.id, &token);
    for (of_user, in_common) in [("b c d", "b c"), ("a b c", "a b c"), ("d", ""), ("", "")] {
        outcome(users::set_scopes(connection, &CLI, ada.id, &scopes(of_user)).unwrap());
        let found = find_one(connection, token.digest).unwrap();
        assert_eq!(found.scopes, scopes(in_common), "{of_user}");
    }
}

#[test]
fn look_ups_of_several_at_once_and_of_the_same_twice() {
    let (_, connection) = &mut database();
    let (ada, bob) = (create_user(connection, "ada"), create_user(connection, "bob"));
    let (of_ada, of_bob) = (issued(connection, &ada), issued(connection, &bob));
    issued(connection, &ada);
    let unknown = new_token().digest;

    let asked = [of_ada.digest, unknown, of_bob.digest, of_ada.digest, unknown];
    let mut found: Vec<_> = connection
        .wait(|c| find_valid(c, &asked))
        .unwrap()
        .into_iter()
        .map(|(digest, token)| (digest, token.unwrap().user_id))
        .collect();
    found.sort_by_key(|(digest, _)| *digest != of_ada.digest);
    assert_eq!(found, [(of_ada.digest, ada.id), (of_bob.digest, bob.id)]);
    assert_eq!(
        connection.wait(async |c| find_valid(c, &[]).await).unwrap().len(),
        0
    );
}

#[test]
fn the_remaining_life_is_counted_by_the_database() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada");
    let token = issued(connection, &ada);
    for interval in ["1.5 seconds", "1 hour", "90 days", "1000 years"] {
        execute(
            connection,
            &format!("BEGIN; UPDATE tokens SET expires_at = now() + interval '{interval}'"),
        );
        let remaining = find_one(connection, token.digest).unwrap().remaining.unwrap();
        let secs = crate::support::text(
            connection,
            "SELECT extract(epoch FROM expires_at - now()) FROM tokens",
        );
        assert_eq!(
            remaining.as_secs_f64(),
            secs.parse::<f64>().unwrap(),
            "{interval}"
        );
        execute(connection, "COMMIT");
    }
}

/// Postgres has times that Chrono has not. The constraints keep them out; should they not, nobody else's token suffers.
#[test]
fn an_end_beyond_the_calendar_is_none() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada");
    let (near, far) = (issued(connection, &ada), issued(connection, &ada));
    execute(
        connection,
        "ALTER TABLE tokens DROP CONSTRAINT IF EXISTS tokens_expires_at_check; \
        ALTER TABLE token_uses DROP CONSTRAINT IF EXISTS token_uses_last_used_at_check; \
        INSERT INTO token_uses SELECT id, 'infinity' FROM tokens",
    );
    for (change, ends) in [
        ("expires_at = '9999-12-31 23:59:59Z'", true),
        ("expires_at = '290000-01-01'", false),
        ("expires_at = 'infinity'", false),
        ("expires_at = NULL, idle_ttl_secs = 300", false),
    ] {
        let change = format!("UPDATE tokens SET {change} WHERE id = '{}'", far.id);
        execute(connection, &change);
        let found = connection
            .wait(async |c| find_valid(c, &[far.digest, near.digest]).await)
            .unwrap();
        let remaining = |digest| {
            let (_, token) = found.iter().find(|(of, _)| *of == digest).unwrap();
            token.as_ref().unwrap().remaining
        };
        assert_eq!(remaining(far.digest).is_some(), ends, "{change}");
        assert!(remaining(near.digest).is_some(), "{change}");
    }
}

#[test]
fn a_corrupt_row_is_nobody_elses_error() {
    let (_, connection) = &mut database();
    let (ada, bob) = (create_user(connection, "ada"), create_user(connection, "bob"));
    let (good, bad) = (issued(connection, &ada), issued(connection, &bob));
    issue(connection, bob.id);
    execute(connection, "ALTER TABLE tokens DROP CONSTRAINT tokens_kind_check");
    // What is no scope gives nothing; what is of an unknown kind is neither valid nor invalid.
    for (table, change, right) in [
        (
            "tokens",
            "scopes = ARRAY['a b', 'notes:read']",
            Some("notes:read"),
        ),
        ("tokens", "kind = 'robot'", None),
        ("users", "scopes = ARRAY['a b', 'notes:read']", Some("notes:read")),
    ] {
        let owner = if table == "tokens" { "user_id" } else { "id" };
        execute(connection, "BEGIN");
        execute(
            connection,
            &format!("UPDATE {table} SET {change} WHERE {owner} = '{}'", bob.id),
        );
        let mut found = connection
            .wait(async |c| find_valid(c, &[bad.digest, good.digest]).await)
            .unwrap();
        found.sort_by_key(|(digest, _)| *digest != good.digest);
        let [(_, first), (_, second)] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(first.as_ref().unwrap().token_id, good.id);
        match (second, right) {
            (Ok(token), Some(read)) => assert_eq!(token.scopes, scopes(read), "{change}"),
            (Err(DatabaseError::Corrupt { column, id }), None) => {
                assert_eq!((*column, *id), ("tokens.kind", bad.id.0));
            }
            _ => panic!("{change}: {second:?}"),
        }
        execute(connection, "ROLLBACK");
    }
}

/// Each statement that is not prepared once for a connection costs a round trip more.
#[test]
fn a_look_up_is_prepared_once() {
    let (_, connection) = &mut database();
    for _ in 0..3 {
        connection
            .wait(async |c| find_valid(c, &[TokenDigest::from([7; 32])]).await)
            .unwrap();
        assert_eq!(
            count(
                connection,
                "pg_prepared_statements WHERE statement LIKE '%= AN' || 'Y%'"
            ),
            1
        );
    }
}

/// It is made once a connection, and kept: so it must be the same for a table that was empty then.
#[test]
fn the_plan_of_a_look_up_goes_by_the_indexes_whatever_the_sizes() {
    let (_, connection) = &mut database();
    execute(connection, PLAN_ONCE);
    execute(
        connection,
        &format!("PREPARE look_up (bytea[]) AS {}", *STATEMENT),
    );
    let plan = |connection: &mut PgConnection| {
        execute(connection, "DISCARD PLANS");
        let plan = explained(connection, "EXECUTE look_up (ARRAY['\\x01', '\\x02']::bytea[])");
        let scans: Vec<String> = plan
            .lines()
            .filter_map(|line| line.split_once(" Scan"))
            .map(|(before, after)| {
                let how = before.trim_start_matches([' ', '-', '>']).to_owned();
                how + after.split("  (").next().unwrap_or_default()
            })
            .collect();
        scans.join(", ")
    };
    let by_indexes = plan(connection);
    assert!(
        by_indexes.starts_with("Index using tokens_digest_unique on tokens, "),
        "{by_indexes}"
    );
    assert!(
        by_indexes.contains(", Index using users_pkey on users"),
        "{by_indexes}"
    );
    assert!(!by_indexes.contains("Seq"), "{by_indexes}");
    create_user(connection, "ada");
    execute(connection, "ANALYZE users");
    assert_eq!(plan(connection), by_indexes, "one user");
    let many = "INSERT INTO tokens (id, user_id, digest, kind, name, scopes)
        SELECT gen_random_uuid(), (SELECT id FROM users), sha256(n::text::bytea), 'personal', '', '{}'
            FROM generate_series(1, 20000) AS n; ANALYZE tokens";
    execute(connection, many);
    assert_eq!(plan(connection), by_indexes, "one user, many tokens");
    let more = "INSERT INTO users (id, username, username_key, scopes)
        SELECT gen_random_uuid(), 'user' || n, 'user' || n, '{}' FROM generate_series(1, 20000) AS n; ANALYZE users";
    execute(connection, more);
    assert_eq!(plan(connection), by_indexes, "many of both");
}
