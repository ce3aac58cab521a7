//! Reading the audit log page by page, and its cleanup.

use crate::support::{CLI, cleaned, count, create_user, database, execute, outcome, text};
use chrono::{DateTime, Duration as Days, Utc};
use jeton_domain::{Actor, AuditAction, AuditContext, UserId};
use jeton_persistence::audit::{self, AuditCursor, AuditEvent, AuditFilter, NewAuditEvent, list};
use jeton_persistence::cleanup::Cleanup;
use jeton_persistence::{DatabaseError, PgConnection, users};
use proptest::prelude::*;
use std::time::Duration;
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(86_400);

/// So many events, by threes at the same time, a day apart, the last of them now.
fn fill(connection: &mut PgConnection, events: u32) {
    execute(
        connection,
        &format!(
            "INSERT INTO audit_events (id, at, action, actor_label)
                SELECT gen_random_uuid(), date_trunc('second', now()) - make_interval(hours => 24 * (n / 3)), 'logout', 'cli'
                FROM generate_series(0, {events} - 1) AS n"
        ),
    );
}

fn order(events: &[AuditEvent]) -> Vec<(DateTime<Utc>, Uuid)> {
    events.iter().map(|event| (event.at, event.id)).collect()
}

#[test]
fn pages_follow_each_other_whatever_comes_meanwhile() {
    let (_, connection) = &mut database();
    fill(connection, 20);
    let filter = AuditFilter::default();
    let whole = order(&list(connection, &filter, None, 100).unwrap());
    assert_eq!(whole.len(), 20);
    assert!(
        whole.is_sorted_by(|a, b| a > b),
        "newest first, and no two are equal"
    );

    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let page = list(connection, &filter, after, 4).unwrap();
        let Some(last) = page.last() else { break };
        // As it travels.
        after = Some(last.cursor().to_string().parse::<AuditCursor>().unwrap());
        paged.extend(order(&page));
        audit::record(connection, &CLI, &NewAuditEvent::new(AuditAction::Logout)).unwrap();
    }
    assert_eq!(paged, whole);
}

#[test]
fn filters_leave_what_they_say() {
    let (_, connection) = &mut database();
    let [ada, bob] = ["ada", "bob"].map(|name| create_user(connection, name).id);
    let by_bob = AuditContext::cli().as_user(bob);
    assert_eq!(by_bob.actor, Actor::User(bob));
    outcome(users::disable(connection, &by_bob, ada).unwrap());
    users::enable(connection, &CLI, ada).unwrap();
    let mut actions = |filter: AuditFilter| -> Vec<String> {
        let events = list(connection, &filter, None, 100).unwrap();
        events.into_iter().map(|event| event.action).collect()
    };
    let all = AuditFilter::default();
    let subject = |id| AuditFilter {
        subject: Some(id),
        ..all
    };
    assert_eq!(
        actions(subject(ada)),
        ["user-enabled", "user-disabled", "user-created"]
    );
    assert_eq!(actions(subject(bob)), ["user-created"]);
    let by_bob = AuditFilter {
        actor: Some(bob),
        ..all
    };
    assert_eq!(actions(by_bob), ["user-disabled"]);
    let created = AuditFilter {
        action: Some(AuditAction::UserCreated),
        ..all
    };
    assert_eq!(actions(created).len(), 2);
    assert_eq!(
        actions(AuditFilter {
            subject: Some(ada),
            ..created
        })
        .len(),
        1
    );

    let enabled = list(connection, &subject(ada), None, 1).unwrap().remove(0);
    let mut count = |filter: AuditFilter| list(connection, &filter, None, 100).unwrap().len();
    assert_eq!(
        count(AuditFilter {
            since: Some(enabled.at),
            ..all
        }),
        1
    );
    assert_eq!(
        count(AuditFilter {
            until: Some(enabled.at),
            ..all
        }),
        3
    );
    let later = Some(enabled.at + Days::days(1));
    assert_eq!(count(AuditFilter { since: later, ..all }), 0);
    assert_eq!(count(AuditFilter { until: later, ..all }), 4);
}

/// Times that Chrono's calendar has, and that of Postgres has not or has only just.
#[test]
fn any_time_can_be_asked_about() {
    let (_, connection) = &mut database();
    fill(connection, 3);
    let all = AuditFilter::default();
    for (time, since, until) in [(DateTime::<Utc>::MIN_UTC, 3, 0), (DateTime::<Utc>::MAX_UTC, 0, 3)] {
        let time = Some(time);
        let mut count = |filter: AuditFilter| list(connection, &filter, None, 100).unwrap().len();
        assert_eq!(count(AuditFilter { since: time, ..all }), since, "{time:?}");
        assert_eq!(count(AuditFilter { until: time, ..all }), until, "{time:?}");
        let after = time.map(|at| AuditCursor { at, id: Uuid::max() });
        assert_eq!(
            list(connection, &all, after, 100).unwrap().len(),
            until,
            "{time:?}"
        );
    }
}

#[test]
fn a_deleted_user_is_found_by_name_the_last_of_that_name() {
    let (_, connection) = &mut database();
    assert_eq!(audit::find_deleted(connection, "Ada").unwrap(), None);
    let mut ids: Vec<UserId> = Vec::new();
    for _ in 0..2 {
        let ada = create_user(connection, "Ada").id;
        assert_ne!(audit::find_deleted(connection, "Ada").unwrap(), Some(ada));
        outcome(users::delete(connection, &CLI, ada).unwrap());
        assert_eq!(audit::find_deleted(connection, "Ada").unwrap(), Some(ada));
        ids.push(ada);
    }
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn the_purge_takes_the_oldest_batch_by_batch_and_nothing_younger() {
    let (_, connection) = &mut database();
    fill(connection, 60);
    assert_eq!(audit::cleanup(connection, 10 * DAY, 5).unwrap(), 5);
    let oldest = "SELECT extract(day FROM now() - min(at)) FROM audit_events";
    assert_eq!(text(connection, oldest), "18");
    // Ten days, at the end of which the three from ten days ago are older by a moment.
    assert_eq!(audit::cleanup(connection, 10 * DAY, 1000).unwrap(), 25);
    assert_eq!(count(connection, "audit_events"), 30);
    assert_eq!(audit::cleanup(connection, 10 * DAY, 1000).unwrap(), 0);
    for soon in [Duration::ZERO, 6 * DAY, 7 * DAY - Duration::from_secs(1)] {
        let refused = audit::cleanup(connection, soon, 1000);
        assert!(matches!(refused, Err(DatabaseError::Query(_))), "{refused:?}");
    }
    assert_eq!(count(connection, "audit_events"), 30);
}

#[test]
fn cleanup_deletes_as_it_is_told() {
    let (_, connection) = &mut database();
    fill(connection, 30);
    let step = |connection: &mut _, retention| cleaned(&mut Cleanup::new(retention), connection);
    assert_eq!(step(connection, None).audit_events, 0);
    let purged = step(connection, Some(8 * DAY));
    assert_eq!((purged.audit_events, purged.more), (6, false));
    fill(connection, 3300);
    let first = step(connection, Some(8 * DAY));
    assert_eq!((first.audit_events, first.more), (1000, true));
}

/// Whatever else has its names.
#[test]
fn the_purge_means_the_table_of_its_schema() {
    let (_, connection) = &mut database();
    fill(connection, 60);
    execute(
        connection,
        "CREATE TEMPORARY TABLE audit_events (LIKE public.audit_events INCLUDING ALL);
        CREATE SCHEMA other; CREATE TABLE other.audit_events (LIKE public.audit_events INCLUDING ALL);
        SET search_path = pg_temp, other, public",
    );
    assert_eq!(audit::cleanup(connection, 10 * DAY, 1000).unwrap(), 30);
    assert_eq!(count(connection, "public.audit_events"), 30);
}

proptest! {
    #[test]
    fn a_cursor_is_one_word_and_comes_back(micros in 0_i64..4_102_444_800_000_000, id in any::<u128>()) {
        let cursor = AuditCursor {
            at: chrono::DateTime::from_timestamp_micros(micros).unwrap(),
            id: Uuid::from_u128(id),
        };
        let text = cursor.to_string();
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)));
        prop_assert_eq!(text.parse(), Ok(cursor));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = text.parse::<AuditCursor>();
    }
}
