use crate::logbook::{id_of, setting};
use crate::support::{connect, count, execute, text};
use diesel::Connection;
use jeton_coherence::uses;
use jeton_domain::TokenId;
use jeton_persistence::{DatabaseResult, PgConnection, tokens};
use std::thread;
use std::time::Duration;
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Marks at one moment, and says in minutes how long ago each token's use is said to be, counted from the full minute.
fn minutes_after(connection: &mut PgConnection, marks: &[&[(TokenId, Duration)]]) -> String {
    let told: DatabaseResult<String> = connection.transaction(|connection| {
        for used in marks {
            connection.wait(|c| uses::mark(c, used))?;
        }
        Ok(text(
            connection,
            "SELECT string_agg(name || ' ' || extract(epoch FROM date_trunc('minute', now()) - last_used_at)::int / 60,
                ', ' ORDER BY name) FROM token_uses JOIN tokens ON id = token_id",
        ))
    });
    told.unwrap()
}

/// Tokens that were issued long ago.
fn age(connection: &mut PgConnection) {
    let long_ago = "UPDATE tokens SET created_at = now() - interval '30 days'";
    execute(connection, long_ago);
}

#[test]
fn a_use_is_noted_to_the_minute() {
    let (_, connection, users) = &mut setting();
    age(connection);
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
    age(connection);
    let a = id_of(connection, 'a');
    for ages in [[90, 30], [30, 90]] {
        execute(connection, "TRUNCATE token_uses");
        let [first, second] = ages.map(|age| [(a, age * MINUTE)]);
        assert_eq!(minutes_after(connection, &[&first, &second]), "a 30", "{ages:?}");
    }
    // In the same minute there is nothing to write.
    let row = "SELECT (ctid, xmin) FROM token_uses";
    let before = text(connection, row);
    connection
        .wait(async |c| uses::mark(c, &[(a, HOUR)]).await)
        .unwrap();
    assert_eq!(text(connection, row), before);
}

#[test]
fn the_latest_of_several_uses_counts() {
    let (_, connection, _) = &mut setting();
    age(connection);
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
    connection.wait(|c| uses::mark(c, &used)).unwrap();
    connection
        .wait(async |c| uses::mark(c, &[(nobody, Duration::ZERO)]).await)
        .unwrap();
    connection.wait(async |c| uses::mark(c, &[]).await).unwrap();
    assert_eq!(count(connection, "token_uses"), 1);
}

/// Nor does one that comes from a clock that was ahead, and was put back since.
#[test]
fn a_use_is_never_noted_beyond_now_nor_before_the_token_was_issued() {
    let (_, connection, _) = &mut setting();
    let a = id_of(connection, 'a');
    let noted = |connection: &mut PgConnection, age: &str| {
        let note = format!("SELECT jeton_note_uses(ARRAY['{a}'::uuid], ARRAY[{age}]::float8[])");
        execute(connection, &note);
        let is_right = "SELECT last_used_at >= date_trunc('minute', created_at) AND last_used_at <= now()
            FROM token_uses JOIN tokens ON id = token_id";
        assert_eq!(text(connection, is_right), "true", "{age}");
        text(connection, "SELECT last_used_at FROM token_uses")
    };
    noted(connection, "1000000000");
    noted(connection, "-1000000000");
    noted(connection, "NULL");
    execute(connection, "UPDATE token_uses SET last_used_at = '9999-12-31'");
    noted(connection, "0");
    age(connection);
    execute(connection, "TRUNCATE token_uses");
    let latest = noted(connection, "3600");
    assert_eq!(noted(connection, "1000000000"), latest);
}

/// Two instances of a service, each with tokens that the other has as well.
#[test]
fn those_of_one_role_wait_for_each_other_and_never_in_a_circle() {
    let (database, connection, _) = &mut setting();
    let tokens = ['a', 'b', 'c', 'd'].map(|letter| id_of(connection, letter));
    let forth = tokens.map(|token| (token, Duration::ZERO));
    let mut back = forth;
    back.reverse();
    for _ in 0..10 {
        execute(connection, "TRUNCATE token_uses");
        thread::scope(|scope| {
            for used in [forth, back, forth, back] {
                let mut connection = connect(database);
                scope.spawn(move || connection.wait(|c| uses::mark(c, &used)).unwrap());
            }
        });
        assert_eq!(count(connection, "token_uses"), 4);
    }
}

/// A crash may take a mark away; nobody waits for the disk.
#[test]
fn a_mark_does_not_wait_for_the_disk() {
    let (_, connection, _) = &mut setting();
    let a = id_of(connection, 'a');
    let setting = "SELECT current_setting('synchronous_commit')";
    let marked: DatabaseResult<()> = connection.transaction(|connection| {
        connection.wait(async |c| uses::mark(c, &[(a, Duration::ZERO)]).await)?;
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
        let marked: DatabaseResult<()> = marking.transaction(|marking| {
            marking.wait(async |c| uses::mark(c, &[(a, Duration::ZERO), (b, Duration::ZERO)]).await)?;
            execute(
                deleting,
                &format!("DELETE FROM tokens WHERE name = '{second}'; COMMIT"),
            );
            Ok(())
        });
        marked.unwrap();
        assert_eq!(count(connection, "tokens WHERE name < 'c'"), 0);
        assert_eq!(count(connection, "token_uses"), 2, "until the next cleanup");
    }
}
