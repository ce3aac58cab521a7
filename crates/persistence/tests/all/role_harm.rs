//! What a service that was taken over can do to others with its role: how little of it, and how long it holds them up. Whoever
//! has to wait for it here fails by `lock_timeout`.

use crate::logbook::{Setting, id_of, setting};
use crate::support::{cleanup_step, connect_to, count, execute, hash, issue, outcome, scopes, text};
use crate::verifiers::{LEASE, register, renew};
use diesel::connection::SimpleConnection;
use jeton_coherence::verifiers::{self, MOST_PER_ROLE, Removal};
use jeton_coherence::{Snapshot, Xid, uses};
use jeton_domain::AuditContext;
use jeton_persistence::cleanup::Cleanup;
use jeton_persistence::{DatabaseError, DatabaseResult, Pending, PgConnection, tokens, users};
use jeton_proof_support::{TestDatabase, TestRole};
use std::thread;
use std::time::Duration;
use uuid::Uuid;

/// Two services, and the auth service, which waits for nobody.
struct Services {
    shop: TestRole,
    blog: TestRole,
    auth: TestRole,
    owner: PgConnection,
    setting: Setting,
    _database: TestDatabase,
}

impl Services {
    fn new() -> Self {
        let (database, owner, setting) = setting();
        Self {
            shop: TestRole::create(&database, "IN ROLE jeton_verifier"),
            blog: TestRole::create(&database, "IN ROLE jeton_verifier"),
            auth: TestRole::create(&database, "IN ROLE jeton_verifier, jeton_auth"),
            owner,
            setting,
            _database: database,
        }
    }
}

/// Signs in, to wait for no lock that somebody else holds.
fn impatient(role: &TestRole) -> PgConnection {
    let mut connection = connect_to(role.url());
    execute(&mut connection, "SET lock_timeout = '20ms'");
    connection
}

fn register_as(connection: &mut PgConnection, before: Option<Uuid>) -> DatabaseResult<Uuid> {
    let id = Uuid::now_v7();
    connection
        .wait(|c| verifiers::register(c, id, before, "a row", LEASE))
        .map(|_| id)
}

#[test]
fn a_role_has_so_many_verifiers_and_is_told_so() {
    let services = Services::new();
    let (shop, blog) = (&mut impatient(&services.shop), &mut impatient(&services.blog));
    let mut last = None;
    for _ in 0..MOST_PER_ROLE {
        last = Some(register_as(shop, None).unwrap());
    }
    let refused = register_as(shop, None).unwrap_err();
    assert!(matches!(refused, DatabaseError::TooManyVerifiers), "{refused:?}");
    assert!(refused.to_string().contains("256 verifiers"), "{refused}");
    // Others have places of their own; and one that has lost its connection, its own.
    register_as(blog, None).unwrap();
    last = Some(register_as(shop, last).unwrap());
    shop.wait(|c| verifiers::deregister(c, last.unwrap())).unwrap();
    register_as(shop, None).unwrap();
    register_as(shop, None).unwrap_err();
}

#[test]
fn those_that_register_at_once_are_no_more_either() {
    let mut services = Services::new();
    thread::scope(|scope| {
        for _ in 0..8 {
            let mut connection = connect_to(services.shop.url());
            scope.spawn(move || while register_as(&mut connection, None).is_ok() {});
        }
    });
    let registered = count(&mut services.owner, "verifiers");
    assert_eq!(registered, i64::try_from(MOST_PER_ROLE).unwrap());
}

#[test]
fn a_row_is_not_longer_than_the_server_makes_it() {
    let mut services = Services::new();
    let shop = &mut impatient(&services.shop);
    let name = "ä".repeat(1_000_000);
    let registered = shop
        .wait(async |c| verifiers::register(c, Uuid::now_v7(), None, &name, LEASE).await)
        .unwrap();
    let name = text(&mut services.owner, "SELECT name FROM verifiers");
    assert_eq!(name, "ä".repeat(128));
    let id = text(&mut services.owner, "SELECT id FROM verifiers")
        .parse()
        .unwrap();
    let long = Snapshot::new(Xid(3), Xid(1_000_000), (3..1_000_000).map(Xid));
    assert!(renew(shop, id, long).unwrap().is_err());
    renew(shop, id, registered.applied).unwrap().unwrap();
    // Nor by hand.
    for (change, constraint) in [
        ("name = repeat('x', 129)", "verifiers_name_check"),
        (
            "applied = ('1:20000:' || (SELECT string_agg(n::text, ',') FROM generate_series(1, 10000) AS n))::pg_snapshot",
            "verifiers_applied_check",
        ),
    ] {
        let change = services
            .owner
            .batch_execute(&format!("UPDATE verifiers SET {change}"));
        match change.map_err(DatabaseError::from) {
            Err(DatabaseError::Conflict { constraint: found }) => assert_eq!(found, constraint),
            other => panic!("{constraint}: {other:?}"),
        }
    }
}

/// The row that a role holds by a transaction that it leaves open is its own, and nobody waits for it.
#[test]
fn a_dead_verifier_whose_row_is_held_is_passed_by_and_the_others_go_in_one_statement() {
    let mut services = Services::new();
    let (shop, auth) = (&mut impatient(&services.shop), &mut impatient(&services.auth));
    let (held, applied) = register(shop);
    let others: Vec<Uuid> = (0..5).map(|_| register_as(shop, None).unwrap()).collect();
    execute(shop, "BEGIN");
    renew(shop, held, applied).unwrap().unwrap();
    let session = verifiers::session(auth).unwrap();
    let mut dead: Vec<(Uuid, i64)> = others.iter().map(|id| (*id, 0)).collect();
    dead.push((held, 0));
    let Removal::Done(removed) = verifiers::remove_expired(auth, &dead, session).unwrap() else {
        panic!("of this session");
    };
    let mut removed: Vec<Uuid> = removed.into_iter().map(|one| one.id).collect();
    removed.sort_unstable();
    assert_eq!(removed, others);
    execute(shop, "ROLLBACK");
    let Removal::Done(removed) = verifiers::remove_expired(auth, &dead, session).unwrap() else {
        panic!("of this session");
    };
    assert_eq!(removed.len(), 1);
    assert_eq!(count(&mut services.owner, "verifiers"), 0);
}

/// All that anybody waits for by an advisory lock is a migration. Any role may hold those.
#[test]
fn advisory_locks_are_in_nobodys_way() {
    let mut services = Services::new();
    let Setting { ada, bob } = services.setting;
    execute(
        &mut services.owner,
        "UPDATE users SET scopes = '{admin}' WHERE username IN ('ada', 'bob');
        INSERT INTO token_uses VALUES (gen_random_uuid(), now())",
    );
    let a = id_of(&mut services.owner, 'a');
    let (shop, auth) = (&mut impatient(&services.shop), &mut impatient(&services.auth));
    // "jetonadm", "jetonuse", "jetonpur": what was locked once; and what `jeton migrate` locks.
    execute(
        shop,
        "SELECT pg_advisory_lock(key) FROM unnest(ARRAY[x'6a65746f6e61646d'::bigint, x'6a65746f6e757365'::bigint,
            x'6a65746f6e707572'::bigint, x'6a65746f6e'::bigint]) AS key",
    );
    let by = AuditContext::cli();
    outcome(tokens::revoke(auth, &by, ada, a).unwrap());
    outcome(users::disable(auth, &by, ada).unwrap());
    users::disable(auth, &by, bob).unwrap_err();
    auth.wait(async |c| uses::mark(c, &[(a, Duration::ZERO)]).await)
        .unwrap();
    let cleaned = cleanup_step(&mut Cleanup::default(), auth).unwrap().unwrap();
    assert_eq!(cleaned.uses, 1);
}

/// As whoever has one note in a transaction that is left open: the note's user is held FOR KEY SHARE.
#[test]
fn rows_that_refer_to_a_user_hold_up_its_deletion_and_nothing_else() {
    type Act = fn(&mut PgConnection, &Setting) -> DatabaseResult<()>;
    fn done<T>(act: DatabaseResult<Pending<T>>) -> DatabaseResult<()> {
        act.map(|pending| drop(outcome(pending)))
    }
    let acts: [(&str, Act); 7] = [
        ("scopes", |c, on| {
            done(users::set_scopes(
                c,
                &AuditContext::cli(),
                on.ada,
                &scopes("notes:read"),
            ))
        }),
        ("sign-in", |c, on| {
            issue(c, on.ada);
            Ok(())
        }),
        ("logout", |c, on| {
            let token = issue(c, on.ada);
            done(tokens::log_out(c, &AuditContext::cli(), on.ada, token, true))
        }),
        ("logout everywhere", |c, on| {
            done(tokens::revoke_all(c, &AuditContext::cli(), on.ada))
        }),
        ("password", |c, on| {
            done(users::set_password(c, &AuditContext::cli(), on.ada, &hash(5)))
        }),
        ("disable", |c, on| {
            done(users::disable(c, &AuditContext::cli(), on.ada))
        }),
        ("enable", |c, on| {
            users::enable(c, &AuditContext::cli(), on.ada).map(drop)
        }),
    ];
    let mut services = Services::new();
    execute(
        &mut services.owner,
        &format!(
            "CREATE TABLE notes (user_id uuid REFERENCES users ON DELETE CASCADE);
            GRANT INSERT ON notes TO {};
            UPDATE users SET scopes = '{{admin}}'",
            services.shop.name()
        ),
    );
    let (shop, auth) = (
        &mut connect_to(services.shop.url()),
        &mut impatient(&services.auth),
    );
    execute(shop, "BEGIN; INSERT INTO notes SELECT id FROM users");
    for (what, act) in acts {
        act(auth, &services.setting).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    let Setting { ada, .. } = services.setting;
    let delete = |auth: &mut PgConnection| users::delete(auth, &AuditContext::cli(), ada);
    let held_up = delete(auth).unwrap_err().to_string();
    assert!(held_up.contains("lock timeout"), "{held_up}");
    execute(shop, "ROLLBACK");
    assert!(outcome(delete(auth).unwrap()));
}

/// With one row for a token, whoever has written it first could keep it for ever, and the token would seem idle.
#[test]
fn a_use_that_a_role_does_not_commit_keeps_no_other_from_noting_its_own() {
    let mut services = Services::new();
    let (a, owner) = (id_of(&mut services.owner, 'a'), &mut services.owner);
    execute(
        owner,
        "UPDATE tokens SET created_at = now() - interval '1 day', idle_ttl_secs = 3600",
    );
    let (shop, blog) = (&mut impatient(&services.shop), &mut impatient(&services.blog));
    let hour_ago = Duration::from_secs(3500);
    blog.wait(async |c| uses::mark(c, &[(a, hour_ago)]).await)
        .unwrap();
    execute(shop, "BEGIN");
    shop.wait(async |c| uses::mark(c, &[(a, 10 * hour_ago)]).await)
        .unwrap();
    blog.wait(async |c| uses::mark(c, &[(a, Duration::ZERO)]).await)
        .unwrap();
    let mut last_used_at = || {
        let found = tokens::find(owner, services.setting.ada, a).unwrap().unwrap();
        found.last_used_at.unwrap()
    };
    let noted = last_used_at();
    execute(shop, "COMMIT");
    // The latest counts, whoever has noted it.
    assert_eq!(last_used_at(), noted);
    assert_eq!(count(owner, &format!("token_uses WHERE token_id = '{a}'")), 2);
}
