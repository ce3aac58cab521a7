use crate::jeton::{Jeton, Outcome, command, run};
use diesel::connection::SimpleConnection;
use jeton_persistence::PgConnection;
use jeton_persistence::{ConnectionLimits, DatabaseResult, DatabaseUrl, establish, migrations};
use jeton_proof_support::{TestDatabase, TestRole};

/// A role's name, for one test; roles belong to the whole server. The role goes with it.
struct Role {
    name: String,
    jeton: Jeton,
}

impl Role {
    fn new() -> Self {
        Self::on(Jeton::new())
    }

    fn on(jeton: Jeton) -> Self {
        let name = format!("jeton_test_{}", uuid::Uuid::now_v7().simple());
        Self { name, jeton }
    }

    fn create(&self, flags: &str, password: &str) -> Outcome {
        let args = format!("role create {} {flags}", self.name);
        self.jeton.run_with_input(&args, password)
    }

    fn sign_in(&self, password: &str) -> DatabaseResult<PgConnection> {
        let (_, host) = self.jeton.0.url().split_once('@').unwrap();
        let url = format!("postgres://{}:{password}@{host}", self.name);
        establish(&DatabaseUrl::parse(&url).unwrap(), ConnectionLimits::NONE)
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let sql = format!("DROP ROLE IF EXISTS {}", self.name);
        self.jeton.connect().batch_execute(&sql).unwrap();
    }
}

fn may(connection: &mut PgConnection, statement: &str) -> bool {
    connection.batch_execute(statement).is_ok()
}

#[test]
fn create_makes_a_role_that_checks_tokens() {
    let role = Role::new();
    assert_eq!(
        role.create("", "sesame\n").ok(),
        format!(
            "created the role {}, a member of jeton_verifier, with 50 connections at the most\n",
            role.name
        )
    );
    let theirs = &mut role.sign_in("sesame").unwrap();
    assert!(may(theirs, "SELECT digest FROM tokens"));
    assert!(!may(theirs, "SELECT password_hash FROM users"));
}

#[test]
fn create_again_sets_another_password_and_says_so() {
    let role = Role::new();
    role.create("", "sesame").ok();
    assert_eq!(
        role.create("--auth", "plenty of herons\r\n").ok(),
        format!(
            "set a new password for the role {}, a member of jeton_verifier and jeton_auth, with 50 connections at the most\n",
            role.name
        )
    );
    assert!(role.sign_in("sesame").is_err());
    let theirs = &mut role.sign_in("plenty%20of%20herons").unwrap();
    assert!(may(theirs, "SELECT digest FROM tokens"));
    assert!(may(theirs, "SELECT password_hash FROM users"));
}

/// What `scripts/up` and the compose file run the auth service as.
#[test]
fn create_makes_a_role_for_the_auth_service() {
    let role = Role::new();
    assert_eq!(
        role.create("--auth", "sesame").ok(),
        format!(
            "created the role {}, a member of jeton_verifier and jeton_auth, with 50 connections at the most\n",
            role.name
        )
    );
    let theirs = &mut role.sign_in("sesame").unwrap();
    assert!(may(theirs, "SELECT password_hash FROM users"));
    assert!(!may(theirs, "DELETE FROM audit_events"));
    // Said again without it, it is taken back.
    role.create("", "sesame").ok();
    assert!(!may(theirs, "SELECT password_hash FROM users"));

    let events = role.jeton.run("audit --json --action role-created").json();
    let detail = &events["events"][1]["detail"];
    assert_eq!(detail["role"], role.name.as_str());
    assert_eq!(
        detail["member_of"],
        serde_json::json!(["jeton_verifier", "jeton_auth"])
    );
}

#[test]
fn create_says_how_many_connections_the_role_may_have() {
    let role = Role::new();
    let said = role.create("--connection-limit 7", "sesame").ok();
    assert!(said.ends_with(", with 7 connections at the most\n"), "{said}");
    for bad in ["0", "-1", "many"] {
        let flags = format!("--connection-limit={bad}");
        assert_eq!(role.create(&flags, "sesame").status, 2, "{bad}");
    }
}

#[test]
fn create_needs_a_password() {
    let role = Role::new();
    assert_eq!(role.create("", "\n").error(), "the password is empty");
    assert_eq!(
        role.create("", "").error(),
        "no password: standard input is empty, and not a terminal"
    );
    assert!(role.sign_in("").is_err());
}

#[test]
fn create_refuses_the_name_of_somebody_else() {
    let role = Role::new();
    let sql = format!("CREATE ROLE {} LOGIN PASSWORD 'theirs'", role.name);
    role.jeton.connect().batch_execute(&sql).unwrap();
    assert_eq!(
        role.create("", "sesame").error(),
        format!(
            "the role {} is there, and is no service's: choose another name",
            role.name
        )
    );
    role.sign_in("theirs").unwrap();
    for name in ["jeton_verifier", "jeton_auth", "pg_monitor", "Shop"] {
        let refused = role
            .jeton
            .run_with_input(&format!("role create {name}"), "sesame");
        assert_eq!(refused.status, 2, "{refused:?}");
    }
}

#[test]
fn a_role_made_by_hand_that_lacks_one_of_its_groups_is_told_and_made_whole() {
    let role = Role::new();
    let sql = format!(
        "CREATE ROLE {} LOGIN PASSWORD 'theirs' IN ROLE jeton_auth",
        role.name
    );
    role.jeton.connect().batch_execute(&sql).unwrap();
    let theirs = &mut role.sign_in("theirs").unwrap();
    let refused = migrations::pending(theirs).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "the role {} is no member of jeton_verifier, as every service's has to be, and the auth service's of jeton_auth as \
            well: `jeton role create` makes it one",
            role.name
        )
    );
    role.create("--auth", "sesame").ok();
    let theirs = &mut role.sign_in("sesame").unwrap();
    assert!(migrations::pending(theirs).unwrap().is_empty());
}

#[test]
fn create_is_for_those_who_may_create_roles() {
    let role = Role::new();
    let user = TestRole::create(&role.jeton.0, "IN ROLE jeton_verifier");
    let mut create = command(&format!("role create {}", role.name));
    create.env("DATABASE_URL", user.url());
    assert_eq!(
        run(create, "sesame").error(),
        format!("the user {} may not create roles", user.name())
    );
}

/// As after a migration by one who could not.
#[test]
fn migrate_says_what_it_could_not_set_up() {
    let jeton = Jeton(TestDatabase::empty());
    assert_eq!(jeton.run("migrate").stderr, "");
    jeton
        .connect()
        .batch_execute("REVOKE ALL ON verifiers FROM jeton_verifier; REVOKE ALL ON users FROM jeton_auth")
        .unwrap();
    let migrated = jeton.run("migrate --json");
    assert_eq!(
        migrated.stderr,
        "warning: jeton_verifier and jeton_auth, which services sign in by, could not be set up; \
        `jeton role create` does it, as a user who may create roles\n"
    );
    migrated.json();

    let role = Role::on(jeton);
    role.create("", "sesame").ok();
    assert_eq!(role.jeton.run("migrate").stderr, "");
    assert!(may(
        &mut role.sign_in("sesame").unwrap(),
        "SELECT jeton_deregister(NULL)"
    ));
}
