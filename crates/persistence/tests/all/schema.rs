//! The database's own rules, which hold for psql as well; and the indexes.

use crate::support::{connect, constraint, create_user, database, execute, issue, text};
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use jeton_persistence::DatabaseError;
use jeton_persistence::PgConnection;
use jeton_proof_support::TestDatabase;

/// The name of the constraint that forbids the change.
fn forbidden_by(connection: &mut PgConnection, change: &str) -> String {
    constraint(connection.batch_execute(change).map_err(DatabaseError::from))
}

#[test]
fn no_bad_user_gets_in() {
    let (_, connection) = &mut database();
    create_user(connection, "bob");
    let ada = create_user(connection, "ada").id;
    for (change, constraint) in [
        ("username = 'ab'", "users_username_check"),
        ("username = repeat('ä', 65)", "users_username_check"),
        ("username_key = 'bob'", "users_username_key_unique"),
        ("username_key = ''", "users_username_key_check"),
        ("username_key = repeat('ä', 513)", "users_username_key_check"),
        ("email = repeat('ä', 1025)", "users_email_check"),
        ("password_hash = repeat('x', 1025)", "users_password_hash_check"),
        ("scopes = ARRAY['notes:read', NULL]", "users_scopes_check"),
        ("scopes = ARRAY[repeat('x', 65536)]", "users_scopes_check"),
        ("created_at = 'infinity'", "users_created_at_check"),
        ("created_at = '1969-12-31 23:59:59Z'", "users_created_at_check"),
        ("disabled_at = 'infinity'", "users_disabled_at_check"),
        ("disabled_at = '10000-01-01 00:00:00Z'", "users_disabled_at_check"),
    ] {
        let change = format!("UPDATE users SET {change} WHERE id = '{ada}'");
        assert_eq!(forbidden_by(connection, &change), constraint, "{change}");
    }
    // Postgres has no name for what it refuses here.
    assert!(
        connection
            .batch_execute("UPDATE users SET scopes = '{{a,b},{c,d}}'")
            .is_err()
    );
    execute(
        connection,
        "UPDATE users SET username = repeat('ä', 64), scopes = '{}' WHERE username = 'ada'",
    );
}

#[test]
fn no_bad_token_gets_in() {
    let (_, connection) = &mut database();
    let ada = create_user(connection, "ada").id;
    let [other, token] = [(); 2].map(|()| issue(connection, ada));
    let taken = format!("digest = (SELECT digest FROM tokens WHERE id = '{other}')");
    for (change, constraint) in [
        ("digest = substr(digest, 1, 31)", "tokens_digest_check"),
        ("digest = digest || '\\x00'", "tokens_digest_check"),
        ("digest = ''", "tokens_digest_check"),
        (&taken, "tokens_digest_unique"),
        ("kind = 'robot'", "tokens_kind_check"),
        ("kind = 'Login'", "tokens_kind_check"),
        ("scopes = ARRAY[NULL]::text[]", "tokens_scopes_check"),
        ("scopes = ARRAY['notes:read', NULL]", "tokens_scopes_check"),
        ("scopes = ARRAY[repeat('x', 65536)]", "tokens_scopes_check"),
        ("name = repeat('ä', 1025)", "tokens_name_check"),
        ("expires_at = 'infinity'", "tokens_expires_at_check"),
        ("expires_at = '-infinity'", "tokens_expires_at_check"),
        ("expires_at = '10000-01-01 00:00:00Z'", "tokens_expires_at_check"),
        ("created_at = 'infinity'", "tokens_created_at_check"),
        ("created_at = '1969-12-31 23:59:59Z'", "tokens_created_at_check"),
        ("idle_ttl_secs = 0", "tokens_idle_ttl_secs_check"),
        ("user_id = gen_random_uuid()", "tokens_user_id_fkey"),
    ] {
        let change = format!("UPDATE tokens SET {change} WHERE id = '{token}'");
        assert_eq!(forbidden_by(connection, &change), constraint, "{change}");
    }
    for time in [
        "infinity",
        "-infinity",
        "10000-01-01 00:00:00Z",
        "1969-12-31 23:59:59Z",
    ] {
        let note = format!("INSERT INTO token_uses VALUES ('{token}', '{time}')");
        assert_eq!(
            forbidden_by(connection, &note),
            "token_uses_last_used_at_check",
            "{time}"
        );
    }
    // An array of arrays is a text[] to Postgres, and would be an unreadable row to us.
    let nested = "UPDATE tokens SET scopes = '{{a,b},{c,d}}'";
    assert!(connection.batch_execute(nested).is_err());
    execute(
        connection,
        "UPDATE tokens SET kind = 'personal', scopes = '{}', expires_at = NULL",
    );
}

/// Times that RFC 3339 cannot express, or that Postgres calls infinite, are read by nothing: no column of a table takes one.
#[test]
fn no_column_takes_a_time_that_nothing_could_read() {
    let (_, connection) = &mut database();
    execute(connection, "SET TimeZone = 'UTC'");
    let unchecked = text(
        connection,
        "SELECT coalesce(string_agg(relname || '.' || attname, ' ' ORDER BY relname, attname), '')
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND attnum > 0
            AND atttypid IN ('timestamptz'::regtype, 'timestamptz[]'::regtype)
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = attrelid AND contype = 'c' AND attnum = ANY (conkey)
                AND pg_get_constraintdef(pg_constraint.oid) LIKE '%1970-%' AND pg_get_constraintdef(pg_constraint.oid) LIKE '%10000-%')",
    );
    assert_eq!(unchecked, "");
}

/// What counts failed sign-ins is read by every sign-in that it is of: one odd row would refuse them all.
#[test]
fn no_bad_attempt_gets_in() {
    let (_, connection) = &mut database();
    execute(
        connection,
        "INSERT INTO account_attempts (account, network, failures, blocked_until, last_at)
            VALUES (sha256('ada'), '0.0.0.0/0', 1, now(), now());
        INSERT INTO network_attempts (network, failures, last_at) VALUES ('203.0.113.7', 1, now());
        INSERT INTO cleanup_clock (shows, checked_at) VALUES (now(), now())",
    );
    let times = [
        "infinity",
        "-infinity",
        "10000-01-01 00:00:00Z",
        "1969-12-31 23:59:59Z",
    ];
    for (table, columns) in [
        (
            "account_attempts",
            &["blocked_until", "last_at", "audited_at", "in_flight"][..],
        ),
        ("network_attempts", &["last_at", "audited_at", "in_flight"]),
        ("cleanup_clock", &["shows", "checked_at"]),
    ] {
        for (column, time) in columns.iter().flat_map(|column| times.map(|time| (column, time))) {
            let value = match *column {
                "in_flight" => format!("ARRAY[now(), '{time}']"),
                _ => format!("'{time}'"),
            };
            let change = format!("UPDATE {table} SET {column} = {value}");
            assert_eq!(
                forbidden_by(connection, &change),
                format!("{table}_times_check"),
                "{change}"
            );
        }
    }
    for (table, failures) in [
        ("account_attempts", "-1"),
        ("network_attempts", "-1"),
        ("network_attempts", "'NaN'"),
        ("network_attempts", "'infinity'"),
    ] {
        let change = format!("UPDATE {table} SET failures = {failures}");
        assert_eq!(
            forbidden_by(connection, &change),
            format!("{table}_failures_check"),
            "{change}"
        );
    }
}

#[test]
fn nothing_is_null_but_what_may_be() {
    let database = TestDatabase::create();
    let nullable = text(
        &mut connect(&database),
        "SELECT string_agg(table_name || '.' || column_name, ' ' ORDER BY table_name, column_name)
            FROM information_schema.columns WHERE table_schema = 'public' AND is_nullable = 'YES'",
    );
    assert_eq!(
        nullable,
        "account_attempts.audited_at audit_events.actor_id audit_events.actor_label audit_events.address audit_events.request_id \
        audit_events.subject_id audit_events.subject_username audit_events.token_id \
        authorization_codes.audience authorization_codes.used_at authorizations.audience authorizations.code_challenge \
        authorizations.device_code authorizations.grant_id authorizations.handle authorizations.interval_secs \
        authorizations.polled_at authorizations.redirect_uri authorizations.state authorizations.user_code clients.disabled_at \
        clients.secret_digest clients.service_account_id delegable_scopes.resource network_attempts.audited_at \
        refresh_tokens.audience tokens.audience tokens.client_id tokens.expires_at tokens.grant_id tokens.idle_ttl_secs users.disabled_at users.email users.password_hash \
        verifiers.place"
    );
}

pub(crate) fn plan(connection: &mut PgConnection, query: &str) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        line: String,
    }
    let lines: Vec<Row> = sql_query(format!("EXPLAIN {query}"))
        .load(connection)
        .unwrap_or_else(|error| panic!("{query}: {error}"));
    lines.into_iter().map(|row| row.line + "\n").collect()
}

/// With a few rows Postgres would read a table from end to end, and sort; told not to, it shows what index it has.
#[test]
fn every_query_has_an_index() {
    const ID: &str = "'0198c5a5-0000-7000-8000-000000000000'";
    let (_, connection) = &mut database();
    execute(connection, "SET enable_seqscan = off; SET enable_sort = off");
    for (query, indexes) in [
        (
            "SELECT * FROM users JOIN tokens ON users.id = tokens.user_id
                WHERE digest = ANY (ARRAY['\\x01', '\\x02']::bytea[])",
            &["tokens_digest_unique", "users_pkey"][..],
        ),
        (
            "SELECT * FROM tokens WHERE user_id = ID AND id < ID ORDER BY id DESC LIMIT 20",
            &["tokens_user_id_id"],
        ),
        (
            "SELECT * FROM tokens WHERE user_id = ID ORDER BY id DESC LIMIT 20",
            &["tokens_user_id_id"],
        ),
        ("DELETE FROM tokens WHERE user_id = ID", &["tokens_user_id_id"]),
        ("DELETE FROM tokens WHERE grant_id = ID", &["tokens_grant_id"]),
        (
            "SELECT id FROM tokens WHERE kind = ANY ('{login,personal}') AND expires_at <= now()
                ORDER BY kind, expires_at LIMIT 1000",
            &["tokens_kind_expires_at"],
        ),
        (
            "SELECT id FROM tokens WHERE kind = ANY ('{delegated}') AND expires_at <= now()
                ORDER BY kind, expires_at LIMIT 1000",
            &["tokens_kind_expires_at"],
        ),
        (
            "SELECT ctid FROM refresh_tokens WHERE expires_at <= now() ORDER BY expires_at LIMIT 1000",
            &["refresh_tokens_expires_at"],
        ),
        ("SELECT * FROM grants WHERE user_id = ID AND client_id = ID", &["grants_user_id_client_id_unique"]),
        (
            "SELECT t.id FROM grants JOIN tokens AS t ON t.grant_id = grants.id WHERE grants.client_id = ID",
            &["grants_client_id", "tokens_grant_id"],
        ),
        (
            "SELECT * FROM users WHERE username_key = 'ada'",
            &["users_username_key"],
        ),
        (
            "SELECT * FROM users WHERE username_key LIKE 'ad%'",
            &["users_username_key"],
        ),
        (
            r"SELECT max(substring(password_hash FROM '^bcrypt_sha256\$\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$')) FROM users
                WHERE substring(password_hash FROM '^bcrypt_sha256\$\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$') <= '18'",
            &["users_bcrypt_cost"],
        ),
        (
            "SELECT * FROM users WHERE id < ID ORDER BY id DESC LIMIT 20",
            &["users_pkey"],
        ),
        (
            "SELECT EXISTS (SELECT FROM users WHERE id <> ID AND ('admin' = ANY (scopes) AND disabled_at IS NULL
                AND password_hash IS NOT NULL))",
            &["users_admins"],
        ),
        (
            "SELECT * FROM audit_events WHERE at <= now() AND (at < now() OR id < ID) ORDER BY at DESC, id DESC LIMIT 20",
            &["audit_events_pkey"],
        ),
        (
            "SELECT * FROM audit_events WHERE subject_id = ID AND at <= now() ORDER BY at DESC, id DESC LIMIT 20",
            &["audit_events_subject_id"],
        ),
        (
            "SELECT * FROM audit_events WHERE actor_id = ID AND at <= now() ORDER BY at DESC, id DESC LIMIT 20",
            &["audit_events_actor_id"],
        ),
        (
            "SELECT * FROM audit_events WHERE action = 'logout' ORDER BY at DESC, id DESC LIMIT 20",
            &["audit_events_action"],
        ),
        (
            "SELECT at, id FROM audit_events WHERE at < now() - interval '7 days' ORDER BY at, id LIMIT 20",
            &["audit_events_pkey"],
        ),
        (
            "SELECT * FROM account_attempts WHERE account = sha256('x') AND network = '0.0.0.0/0'",
            &["account_attempts_pkey"],
        ),
        (
            "SELECT * FROM account_attempts WHERE network = '0.0.0.0/0' AND last_at < now() ORDER BY last_at LIMIT 20",
            &["account_attempts_any_last_at"],
        ),
        (
            "SELECT * FROM account_attempts WHERE network <> '0.0.0.0/0' AND last_at < now() ORDER BY last_at LIMIT 20",
            &["account_attempts_known_last_at"],
        ),
        (
            "SELECT * FROM network_attempts WHERE last_at < now() ORDER BY last_at LIMIT 20",
            &["network_attempts_last_at"],
        ),
    ] {
        let plan = plan(connection, &query.replace("ID", ID));
        for index in indexes {
            assert!(plan.contains(index), "{query}\nwithout {index}:\n{plan}");
        }
        assert!(!plan.contains("Seq Scan"), "{query}\n{plan}");
        // A page is read in the index's order, not sorted out of all that the user has.
        assert!(!plan.contains("Sort"), "{query}\n{plan}");
    }
}
