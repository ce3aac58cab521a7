//! Tables and roles that are not as the migrations have made them.

use super::*;

#[test]
fn a_database_that_is_not_up_to_date_is_told_and_the_rest_is_not_guessed_at() {
    let jeton = Jeton(TestDatabase::empty());
    let report = report_as(jeton.0.url(), "");
    assert_told(
        &found(&jeton, "migrations"),
        &["error: ", "_accounts has not been applied"],
    );
    let users = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["id"] == "users");
    assert_eq!(users.unwrap()["status"], "unseen");
}

#[test]
fn other_series_of_migrations_are_told() {
    let newer = "INSERT INTO __diesel_schema_migrations VALUES ('20991231000000')";
    let older = "INSERT INTO __diesel_schema_migrations VALUES ('20261123000100')";
    each_is_told(
        "migrations",
        &[
            (newer, &["warning: 1 migrations", "20991231000000"]),
            (older, &["error: ", "before the first release"]),
        ],
    );
}

#[test]
fn triggers_that_are_not_as_they_should_be_are_told() {
    each_is_told(
        "triggers",
        &[
            ("ALTER TABLE users DISABLE TRIGGER users_updated", &["error: ", "users_updated", "turned off"]),
            ("ALTER TABLE users ENABLE TRIGGER users_updated", &["error: ", "users_updated", "not enabled as ALWAYS"]),
            (
                "ALTER TABLE tokens ENABLE ALWAYS TRIGGER tokens_replicated",
                &["error: ", "tokens_replicated", "not enabled as REPLICA"],
            ),
            ("DROP TRIGGER tokens_deleted ON tokens", &["error: ", "tokens_deleted", "is missing"]),
            (
                "CREATE FUNCTION idle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
                DROP TRIGGER tokens_deleted ON tokens;
                CREATE TRIGGER tokens_deleted AFTER DELETE ON tokens FOR EACH STATEMENT EXECUTE FUNCTION idle();
                ALTER TABLE tokens ENABLE ALWAYS TRIGGER tokens_deleted",
                &["error: ", "tokens_deleted on tokens calls idle"],
            ),
        ],
    );
}

#[test]
fn functions_that_are_not_as_they_should_be_are_told() {
    each_is_told(
        "functions",
        &[
            (
                "CREATE OR REPLACE FUNCTION jeton_tokens_deleted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
                    SET search_path = public, pg_temp AS 'BEGIN RETURN NULL; END'",
                &["error: ", "jeton_tokens_deleted does not do"],
            ),
            (
                "ALTER FUNCTION jeton_users_updated() SECURITY INVOKER",
                &["error: ", "jeton_users_updated is not SECURITY DEFINER"],
            ),
            (
                "ALTER FUNCTION jeton_users_updated() RESET search_path",
                &["error: ", "jeton_users_updated", "search_path"],
            ),
            (
                "ALTER FUNCTION jeton_users_updated() SET search_path = pg_temp, public",
                &["error: ", "jeton_users_updated", "search_path"],
            ),
            (
                "ALTER FUNCTION jeton_delete_audit_events(timestamptz, integer) OWNER TO jeton_auth",
                &["error: ", "jeton_delete_audit_events belongs to jeton_auth"],
            ),
            (
                "GRANT EXECUTE ON FUNCTION jeton_delete_audit_events(timestamptz, integer) TO PUBLIC",
                &["error: ", "jeton_delete_audit_events may be executed by everybody"],
            ),
            (
                "DROP FUNCTION jeton_delete_audit_events(timestamptz, integer)",
                &["error: ", "jeton_delete_audit_events is missing"],
            ),
        ],
    );
}

#[test]
fn constraints_and_indexes_that_are_gone_are_told() {
    each_is_told(
        "constraints",
        &[
            (
                "ALTER TABLE users DROP CONSTRAINT users_username_key_unique",
                &["error: ", "constraint users_username_key_unique is missing"],
            ),
            (
                "ALTER TABLE tokens DROP CONSTRAINT tokens_kind_check;
                ALTER TABLE tokens ADD CONSTRAINT tokens_kind_check CHECK (kind IN ('login', 'personal')) NOT VALID",
                &["error: ", "tokens_kind_check is not valid"],
            ),
            ("DROP INDEX tokens_user_id_id", &["error: ", "index tokens_user_id_id is missing"]),
            // As a crash or a failed REINDEX leaves them behind.
            (
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'tokens_user_id_id'::regclass",
                &["error: ", "index tokens_user_id_id is not valid"],
            ),
            (
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'tokens_digest_unique'::regclass",
                &["error: ", "constraint tokens_digest_unique is not valid"],
            ),
            (
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_pkey'::regclass",
                &["error: ", "constraint users_pkey is not valid"],
            ),
            ("ALTER TABLE locks DROP CONSTRAINT locks_pkey", &["error: ", "constraint locks_pkey is missing"]),
        ],
    );
}

#[test]
fn rows_that_are_to_be_locked_and_are_gone_are_told() {
    each_is_told(
        "lock-rows",
        &[(
            "DELETE FROM locks WHERE name = 'cleanup'",
            &["error: ", "no row cleanup"],
        )],
    );
}

#[test]
fn rights_that_are_missing_or_too_many_are_told() {
    each_is_told(
        "roles",
        &[
            (
                "REVOKE SELECT (digest) ON tokens FROM jeton_verifier",
                &["error: jeton_verifier lacks SELECT on tokens.digest"],
            ),
            (
                "REVOKE INSERT ON users FROM jeton_auth",
                &["error: jeton_auth lacks INSERT on users"],
            ),
            (
                "REVOKE EXECUTE ON FUNCTION jeton_note_uses FROM jeton_verifier",
                &["error: jeton_verifier lacks EXECUTE on jeton_note_uses"],
            ),
            (
                "REVOKE USAGE ON SCHEMA public FROM jeton_verifier, PUBLIC",
                &["error: jeton_verifier lacks USAGE on the schema"],
            ),
            // As roles had it once.
            (
                "GRANT SELECT, INSERT, DELETE ON verifiers TO jeton_verifier",
                &["error: jeton_verifier has DELETE on verifiers"],
            ),
            (
                "GRANT REFERENCES (id) ON tokens TO jeton_verifier",
                &["error: jeton_verifier has REFERENCES on tokens.id"],
            ),
            (
                "GRANT SELECT (password_hash) ON users TO jeton_verifier",
                &["error: jeton_verifier has SELECT on users.password_hash"],
            ),
            (
                "GRANT TRUNCATE ON audit_events TO PUBLIC",
                &["error: jeton_auth has TRUNCATE on audit_events"],
            ),
            (
                "GRANT EXECUTE ON FUNCTION jeton_log_revocations(bytea[]) TO jeton_auth",
                &["error: jeton_auth has EXECUTE on jeton_log_revocations"],
            ),
            (
                "GRANT CREATE ON SCHEMA public TO PUBLIC",
                &["warning: every role may create objects"],
            ),
        ],
    );
    // Of one service's role, by itself and by way of another's.
    let jeton = Jeton::new();
    let shop = TestRole::create(&jeton.0, "IN ROLE jeton_verifier");
    let writers = TestRole::create(&jeton.0, "");
    let blog = TestRole::create(&jeton.0, &format!("IN ROLE jeton_verifier, {}", writers.name()));
    execute(
        &mut jeton.connect(),
        &format!(
            "GRANT UPDATE ON verifiers TO {}; GRANT DELETE ON tokens TO {}",
            shop.name(),
            writers.name()
        ),
    );
    let told = found(&jeton, "roles");
    assert_told(
        &told,
        &[&format!("error: {} has UPDATE on verifiers", shop.name())],
    );
    assert_told(&told, &[&format!("error: {} has DELETE on tokens", blog.name())]);
    drop(blog);
}

/// What is told to do about it, does it.
#[test]
fn rights_that_were_taken_away_are_given_back_by_the_next_role() {
    let jeton = Jeton::new();
    execute(
        &mut jeton.connect(),
        "REVOKE SELECT (digest) ON tokens FROM jeton_verifier; REVOKE INSERT ON users FROM jeton_auth",
    );
    assert_eq!(found(&jeton, "roles").len(), 2);
    let shop = TestRole::create(&jeton.0, "IN ROLE jeton_verifier");
    jeton
        .run_with_input(&format!("role create {}", shop.name()), "sesame")
        .ok();
    assert_eq!(found(&jeton, "roles"), [""; 0]);
}

/// As a role is that an older `jeton role create` has made, or somebody by hand.
#[test]
fn a_services_role_that_may_more_than_one_made_today_is_told() {
    let jeton = Jeton::new();
    execute(&mut jeton.connect(), "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    let shop = TestRole::create(&jeton.0, "IN ROLE jeton_verifier");
    execute(
        &mut jeton.connect(),
        &format!("GRANT CREATE ON SCHEMA public TO {}", shop.name()),
    );
    let told = found(&jeton, "service-roles");
    assert_told(
        &told,
        &[
            "error: the role ",
            shop.name(),
            "may create objects in the schema",
        ],
    );
    assert_told(
        &told,
        &[
            "warning: the role ",
            shop.name(),
            "all of the server's connections",
        ],
    );
    execute(
        &mut jeton.connect(),
        &format!("REVOKE CREATE ON SCHEMA public FROM {}", shop.name()),
    );
    jeton
        .run_with_input(&format!("role create {}", shop.name()), "sesame")
        .ok();
    let told = found(&jeton, "service-roles");
    assert!(!told.iter().any(|one| one.contains(shop.name())), "{told:?}");
}

#[test]
fn services_that_sign_in_as_somebody_powerful_are_told() {
    let jeton = Jeton::new();
    for (options, told) in [
        ("BYPASSRLS", "passes by row security"),
        ("SUPERUSER", "is a superuser"),
        ("CREATEROLE", "may create roles"),
        ("REPLICATION", "may replicate"),
    ] {
        let role = TestRole::create(&jeton.0, &format!("{options} IN ROLE jeton_verifier"));
        assert_told(&found(&jeton, "service-roles"), &["error: ", role.name(), told]);
    }
    let role = TestRole::create(&jeton.0, "IN ROLE jeton_verifier, pg_write_server_files");
    assert_told(
        &found(&jeton, "service-roles"),
        &["error: ", role.name(), "is a member of pg_write_server_files"],
    );
    execute(
        &mut jeton.connect(),
        "INSERT INTO verifiers (id, name, lease_ms) VALUES (gen_random_uuid(), 'shop', 100)",
    );
    assert_told(
        &found(&jeton, "service-roles"),
        &["warning: services check tokens as ", ", a superuser"],
    );
}
