//! A cleanup beside others that work on the same rows: nobody waits for long, and nobody for ever.

use crate::logbook::{id_of, log, setting};
use crate::support::{
    CLI, Cleaned, cleaned, cleanup_step, connect, count, execute, interleave, is_stored, issue, outcome, sql,
};
use diesel::Connection;
use jeton_coherence::uses;
use jeton_domain::TokenId;
use jeton_persistence::cleanup::{Cleanup, Kind};
use jeton_persistence::{DatabaseResult, PgConnection, tokens, users};
use std::time::Duration;
use uuid::Uuid;

fn step(connection: &mut PgConnection) -> DatabaseResult<Option<Cleaned>> {
    cleanup_step(&mut Cleanup::default(), connection)
}

const EXPIRE: &str = "UPDATE tokens SET expires_at = now() - interval '1 second' WHERE name IN ('a', 'b'); DELETE FROM revocations";

#[test]
fn two_cleanups_at_once_do_not_work_both() {
    let (database, connection, _) = &mut setting();
    execute(connection, EXPIRE);
    let (first, second) = interleave(database, step, step);
    assert_eq!(first.unwrap().tokens, 2);
    assert_eq!(second.unwrap(), None);
    // The lock ends with the transaction.
    assert_eq!(step(connection).unwrap().unwrap().tokens, 0);
}

/// Each of these deletes the user's expired tokens, too.
#[test]
fn a_purge_and_a_logout_everywhere_do_not_deadlock() {
    type Act = fn(&mut PgConnection, jeton_domain::UserId) -> DatabaseResult<()>;
    let acts: [Act; 3] = [
        |c, user| tokens::revoke_all(c, &CLI, user).map(drop),
        |c, user| users::disable(c, &CLI, user).map(drop),
        |c, user| users::delete(c, &CLI, user).map(drop),
    ];
    for act in acts {
        let (database, connection, users) = &mut setting();
        execute(connection, EXPIRE);
        let (purged, acted) = interleave(database, step, |c| act(c, users.ada));
        assert_eq!(purged.unwrap().tokens, 2);
        acted.unwrap();
        assert_eq!(log(connection).matches('c').count(), 1);
        assert_eq!(count(connection, "tokens WHERE name IN ('a', 'b')"), 0);

        let (database, connection, users) = &mut setting();
        execute(connection, EXPIRE);
        let holder = &mut connect(database);
        execute(connection, "SET lock_timeout = '10s'");
        // Not even blocked: what is being deleted is somebody else's to delete.
        let purged: DatabaseResult<_> = holder.transaction(|holder| {
            act(holder, users.ada)?;
            step(connection)
        });
        purged.unwrap().unwrap();
        assert_eq!(log(holder).matches('c').count(), 1);
    }
}

/// Two tokens of one user, each deleted by one of two, and then the other's.
#[test]
fn a_purge_in_the_middle_of_two_revocations_waits_for_neither() {
    let (database, connection, users) = &mut setting();
    execute(connection, EXPIRE);
    let (a, b) = (id_of(connection, 'a'), id_of(connection, 'b'));
    let holder = &mut connect(database);
    execute(connection, "SET lock_timeout = '10s'");
    let both: DatabaseResult<_> = holder.transaction(|holder| {
        outcome(tokens::revoke(holder, &CLI, users.ada, b)?);
        let purged = step(connection)?.unwrap();
        // Its transaction is over: nobody holds the other.
        Ok((
            purged.tokens,
            outcome(tokens::revoke(holder, &CLI, users.ada, a)?),
        ))
    });
    assert_eq!(both.unwrap(), (1, false));
    assert!(!is_stored(connection, a) && !is_stored(connection, b));
}

#[test]
fn a_token_that_is_being_issued_is_not_in_the_way() {
    let (database, connection, users) = &mut setting();
    execute(connection, EXPIRE);
    let (issued, purged) = interleave(database, |c| Ok(issue(c, users.ada)), step);
    assert_eq!(purged.unwrap().unwrap().tokens, 2);
    assert!(is_stored(connection, issued));
}

fn uses_of_nobody(connection: &mut PgConnection, how_many: i32) {
    let insert =
        format!("INSERT INTO token_uses SELECT gen_random_uuid(), now() FROM generate_series(1, {how_many})");
    execute(connection, &insert);
}

#[test]
fn uses_of_tokens_that_are_gone_go() {
    let (_, connection, _) = &mut setting();
    execute(connection, "INSERT INTO token_uses SELECT id, now() FROM tokens");
    uses_of_nobody(connection, 10);
    let purged = step(connection).unwrap().unwrap();
    assert_eq!((purged.uses, purged.more), (10, false));
    assert_eq!(count(connection, "token_uses JOIN tokens ON token_id = id"), 4);
    execute(connection, "DELETE FROM tokens WHERE name = 'a'");
    assert_eq!(step(connection).unwrap().unwrap().uses, 1);
    assert_eq!(count(connection, "token_uses"), 3);
}

#[test]
fn many_uses_are_swept_step_by_step_and_then_from_the_start() {
    let (_, connection, _) = &mut setting();
    execute(connection, "INSERT INTO token_uses SELECT id, now() FROM tokens");
    // With the smallest and the greatest that there can be.
    for id in [Uuid::from_u128(1), Uuid::max()] {
        execute(
            connection,
            &format!("INSERT INTO token_uses VALUES ('{id}', now())"),
        );
    }
    uses_of_nobody(connection, 20_500);
    let mut cleanup = Cleanup::default();
    let steps: Vec<Cleaned> = (0..3).map(|_| cleaned(&mut cleanup, connection)).collect();
    assert!(steps.iter().all(|step| step.uses > 0), "{steps:?}");
    assert_eq!(steps.iter().map(|step| step.uses).sum::<usize>(), 20_502);
    assert_eq!(
        steps.iter().map(|step| step.more).collect::<Vec<_>>(),
        [true, true, false]
    );
    assert_eq!(count(connection, "token_uses"), 4);

    execute(connection, "DELETE FROM tokens WHERE name < 'd'");
    assert_eq!(cleaned(&mut cleanup, connection).uses, 3);
}

/// Where nearly all tokens are there, a sweep of all of them would take minutes: it is one step a round.
#[test]
fn a_sweep_that_finds_nothing_goes_on_in_the_next_round() {
    let (_, connection, users) = &mut setting();
    let many = format!(
        "INSERT INTO tokens (id, user_id, digest, kind, name, scopes, idle_ttl_secs)
            SELECT n::text::uuid, '{}', sha256(n::text::bytea), 'login', 'many', '{{}}', 600
            FROM generate_series('10000000000000000000000000000001'::numeric, 10000000000000000000000000010100) AS n;
        INSERT INTO token_uses SELECT id, now() FROM tokens;
        INSERT INTO token_uses VALUES ('{}', now());
        UPDATE tokens SET created_at = now() - interval '1 day', idle_ttl_secs = 60
            WHERE digest = sha256('10000000000000000000000000010100');
        DELETE FROM token_uses USING tokens WHERE token_id = id AND idle_ttl_secs = 60",
        users.ada,
        Uuid::max()
    );
    execute(connection, &many);
    let mut cleanup = Cleanup::default();
    let steps = [(); 2].map(|()| cleaned(&mut cleanup, connection));
    let told = steps.map(|step| (step.tokens, step.uses, step.more));
    assert_eq!(told, [(0, 0, false), (1, 1, false)]);
}

/// What is being written is for the next sweep, and nobody waits.
#[test]
fn a_use_that_is_being_noted_is_not_swept_and_holds_nothing_up() {
    let (database, connection, _) = &mut setting();
    execute(connection, EXPIRE);
    uses_of_nobody(connection, 3);
    let c = id_of(connection, 'c');
    mark(connection, c).unwrap();
    execute(connection, "DELETE FROM tokens WHERE name = 'c'");
    let held = "SELECT FROM token_uses WHERE token_id = (SELECT max(token_id::text)::uuid FROM token_uses) FOR UPDATE";
    let ((), purged) = interleave(database, sql(held), step);
    let purged = purged.unwrap().unwrap();
    assert_eq!((purged.tokens, purged.uses, purged.more), (2, 3, false));
    assert_eq!(step(connection).unwrap().unwrap().uses, 1);
    assert_eq!(count(connection, "token_uses"), 0);
}

fn mark(connection: &mut PgConnection, token: TokenId) -> DatabaseResult<()> {
    connection.wait(async |c| uses::mark(c, &[(token, Duration::ZERO)]).await)
}

/// Something to cleanup of every kind but expired tokens.
const OLD: &str = "UPDATE tokens SET created_at = now() - interval '1 day', idle_ttl_secs = 600 WHERE name = 'd';
    INSERT INTO clients (id, name, redirect_uris, scopes, grant_types) VALUES ('00000000-0000-7000-8000-000000000001', 'app', '{}', '{}', '{}');
    INSERT INTO grants (id, user_id, client_id, scopes)
        SELECT '00000000-0000-7000-8000-000000000002', id, '00000000-0000-7000-8000-000000000001', '{}' FROM users LIMIT 1;
    INSERT INTO tokens (id, user_id, digest, kind, name, scopes, client_id, grant_id, created_at, expires_at)
        SELECT gen_random_uuid(), user_id, sha256('app'), 'delegated', 'app', '{}', client_id, id, now() - interval '2 hours',
            now() - interval '1 hour' FROM grants;
    INSERT INTO authorizations (id, client_id, handle, scopes, redirect_uri, code_challenge, expires_at)
        SELECT gen_random_uuid(), client_id, sha256('handle'), '{}', 'https://app.example/', repeat('x', 43), now() - interval '1 hour' FROM grants;
    INSERT INTO authorization_codes (digest, grant_id, scopes, redirect_uri, code_challenge, expires_at)
        SELECT sha256('code'), id, '{}', 'https://app.example/', repeat('x', 43), now() - interval '1 hour' FROM grants;
    INSERT INTO refresh_tokens (family, grant_id, digest, salt, scopes, expires_at)
        SELECT sha256('family'), id, sha256('refresh'), sha256('salt'), '{}', now() FROM grants;
    DELETE FROM revocations;
    INSERT INTO revocations (xid, digest) VALUES ('9000000000000000', sha256('gone'));
    INSERT INTO token_uses VALUES (gen_random_uuid(), now());
    INSERT INTO audit_events (id, action, actor_label, at)
        VALUES (gen_random_uuid(), 'logout', 'cli', now() - interval '10 days');
    INSERT INTO account_attempts (account, network, failures, blocked_until, last_at)
        VALUES (sha256('ada'), '0.0.0.0/0', 1, 'epoch', now() - interval '2 days');
    INSERT INTO network_attempts (network, failures, last_at) VALUES ('192.0.2.1', 1, now() - interval '2 hours')";

#[test]
fn a_table_that_is_locked_keeps_no_other_from_being_purged() {
    for (table, blocked) in [
        ("token_uses", Kind::Uses),
        ("audit_events", Kind::AuditEvents),
        ("account_attempts", Kind::AccountAttempts),
        ("network_attempts", Kind::NetworkAttempts),
        ("authorizations", Kind::Authorizations),
        ("authorization_codes", Kind::AuthorizationCodes),
        ("refresh_tokens", Kind::RefreshTokens),
    ] {
        let (database, connection, _) = &mut setting();
        execute(
            connection,
            &format!("{EXPIRE}; {OLD}; SET lock_timeout = '200ms'"),
        );
        let holder = &mut connect(database);
        execute(
            holder,
            &format!("BEGIN; LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"),
        );
        let mut cleanup = Cleanup::new(Some(Duration::from_secs(8 * 86_400)));
        for kind in Kind::ALL {
            let purged = cleanup.step(connection, kind);
            let rows = purged.map(|purged| purged.unwrap().rows).ok();
            let expected = (kind != blocked).then_some(if kind == Kind::ExpiredTokens { 2 } else { 1 });
            assert_eq!(rows, expected, "{kind:?}, and {table} is locked");
        }
    }
}
