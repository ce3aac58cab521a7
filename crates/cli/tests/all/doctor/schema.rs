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
        ],
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
