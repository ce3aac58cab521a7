use crate::logbook::{id_of, setting};
use crate::support::{connect, count, execute, interleave, text};
use diesel::Connection;
use jeton_coherence::uses;
use jeton_domain::TokenId;
use jeton_persistence::{DatabaseResult, PgConnection, tokens};
use std::time::Duration;
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Marks at one moment, and says in minutes how long ago each token's use is said to be, counted from the full minute.
fn minutes_after(connection: &mut PgConnection, marks: &[&[(TokenId, Duration)]]) -> String {
    let told: DatabaseResult<String> = connection.transaction(|connection| {
        for used in marks {
            assert!(uses::mark(connection, used)?);
        }
        Ok(text(
            connection,
            "SELECT string_agg(name || ' ' || extract(epoch FROM date_trunc('minute', now()) - last_used_at)::int / 60,
                ', ' ORDER BY name) FROM token_uses JOIN tokens ON id = token_id",
        ))
    });
    told.unwrap()
}

#[test]
fn a_use_is_noted_to_the_minute() {
    let (_, connection, users) = &mut setting();
    let [a, b, c] = ['a', 'b', 'c'].map(|letter| id_of(connection, letter));
    let used = [(a, Duration::ZERO), (b, 90 * MINUTE), (c, 48 * HOUR)];
    assert_eq!(minutes_after(connection, &[&used]), "a 0, b 90, c 2880");
    let odd = "token_uses WHERE last_used_at <> date_trunc('minute', last_used_at)";
    assert_eq!(count(connection, odd), 0);
    let found = tokens::find(connection, users.ada, b).unwrap().unwrap();
    let noted = text(
        connection,
        &format!("SELECT last_used_at FROM token_uses WHERE token_id = '{b}'"),
    );
    assert_eq!(found.last_used_at.unwrap().format("%F %T+00").to_string(), noted);
}

/// What counts is when a token was used, not when that is written.
#[test]
fn a_use_that_is_told_late_does_not_undo_a_later_one() {
    let (_, connection, _) = &mut setting();
    let a = id_of(connection, 'a');
    for ages in [[90, 30], [30, 90]] {
        execute(connection, "TRUNCATE token_uses");
        let [first, second] = ages.map(|age| [(a, age * MINUTE)]);
        assert_eq!(minutes_after(connection, &[&first, &second]), "a 30", "{ages:?}");
    }
    // In the same minute there is nothing to write.
    let row = "SELECT (ctid, xmin) FROM token_uses";
    let before = text(connection, row);
    assert!(uses::mark(connection, &[(a, HOUR)]).unwrap());
    assert_eq!(text(connection, row), before);
}

#[test]
fn the_latest_of_several_uses_counts() {
    let (_, connection, _) = &mut setting();
    let (a, b) = (id_of(connection, 'a'), id_of(connection, 'b'));
    let used = [(a, 5 * MINUTE), (b, 9 * MINUTE), (a, 2 * MINUTE), (a, 7 * MINUTE)];
    assert_eq!(minutes_after(connection, &[&used]), "a 2, b 9");
}

#[test]
fn a_use_of_what_is_no_token_is_not_noted() {
    let (_, connection, _) = &mut setting();
    let a = id_of(connection, 'a');
    let nobody = TokenId(Uuid::now_v7());
    let used = [(nobody, Duration::ZERO), (a, Duration::ZERO)];
    assert!(uses::mark(connection, &used).unwrap());
    assert!(uses::mark(connection, &[(nobody, Duration::ZERO)]).unwrap());
    assert!(uses::mark(connection, &[]).unwrap());
    assert_eq!(count(connection, "token_uses"), 1);
}

#[test]
fn a_mark_is_left_out_while_somebody_else_writes() {
    let (database, connection, _) = &mut setting();
    let (a, b) = (id_of(connection, 'a'), id_of(connection, 'b'));
    let (first, second) = interleave(
        database,
        |c| uses::mark(c, &[(a, Duration::ZERO)]),
        |c| uses::mark(c, &[(b, Duration::ZERO)]),
    );
    assert!(first && !second.unwrap());
    assert_eq!(
        count(connection, &format!("token_uses WHERE token_id = '{a}'")),
        1
    );
    assert_eq!(count(connection, "token_uses"), 1);
    assert!(uses::mark(connection, &[(b, Duration::ZERO)]).unwrap());
}

/// A crash may take a mark away; nobody waits for the disk.
#[test]
fn a_mark_does_not_wait_for_the_disk() {
    let (_, connection, _) = &mut setting();
    let a = id_of(connection, 'a');
    let setting = "SELECT current_setting('synchronous_commit')";
    let marked: DatabaseResult<()> = connection.transaction(|connection| {
        assert!(uses::mark(connection, &[(a, Duration::ZERO)])?);
        assert_eq!(text(connection, setting), "off");
        Ok(())
    });
    marked.unwrap();
    assert_eq!(text(connection, setting), "on");
}

/// With locks on the tokens, this would end in a deadlock.
#[test]
fn marks_and_deletions_do_not_wait_for_each_other() {
    for (first, second) in [('a', 'b'), ('b', 'a')] {
        let (database, connection, _) = &mut setting();
        let (a, b) = (id_of(connection, 'a'), id_of(connection, 'b'));
        let (deleting, marking) = (&mut connect(database), &mut connect(database));
        for one in [&mut *deleting, &mut *marking] {
            execute(one, "SET lock_timeout = '10s'");
        }
        execute(
            deleting,
            &format!("BEGIN; DELETE FROM tokens WHERE name = '{first}'"),
        );
        // Open until the deletions are done.
        let marked: DatabaseResult<bool> = marking.transaction(|marking| {
            let marked = uses::mark(marking, &[(a, Duration::ZERO), (b, Duration::ZERO)])?;
            execute(
                deleting,
                &format!("DELETE FROM tokens WHERE name = '{second}'; COMMIT"),
            );
            Ok(marked)
        });
        assert!(marked.unwrap());
        assert_eq!(count(connection, "tokens WHERE name < 'c'"), 0);
        assert_eq!(count(connection, "token_uses"), 2, "until the next cleanup");
    }
}
