//! Roles belong to the whole server: what becomes of migrations where they are not there, or there already, or being
//! created. On servers of their own, since the others have them.

use crate::support::{CLI, PATIENCE, connect_to, count, execute, text, wait_for_blocked};
use jeton_domain::Password;
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::migrations::{apply, pending};
use jeton_persistence::roles::RoleOptions;
use jeton_persistence::{PgConnection, roles};
use jeton_proof_support::revert_all;
use std::sync::Barrier;
use std::thread;

struct Server {
    postgres: LocalPostgres,
    admin: PgConnection,
}

impl Server {
    fn start() -> Self {
        let postgres = LocalPostgres::temporary().unwrap();
        let admin = connect_to(&postgres.url());
        Self { postgres, admin }
    }

    /// A new database's address, for this user; its owner, and with that name for a password.
    fn database(&mut self, name: &str, owner: &str) -> String {
        execute(&mut self.admin, &format!("CREATE DATABASE {name} OWNER {owner}"));
        self.url(name, owner)
    }

    fn url(&self, name: &str, user: &str) -> String {
        let url = self.postgres.url();
        let (server, _) = url.rsplit_once('/').unwrap();
        let (_, host) = server.split_once('@').unwrap();
        match user {
            "jeton" => format!("{server}/{name}"),
            _ => format!("postgres://{user}:{user}@{host}/{name}"),
        }
    }

    fn create_roles(&mut self, sql: &str) {
        execute(&mut self.admin, sql);
    }
}

fn roles_of(connection: &mut PgConnection) -> i64 {
    count(
        connection,
        "pg_roles WHERE rolname IN ('jeton_verifier', 'jeton_auth')",
    )
}

#[test]
fn an_owner_who_may_not_create_roles_migrates_all_the_same() {
    let mut server = Server::start();
    server.create_roles("CREATE ROLE owner LOGIN PASSWORD 'owner' NOCREATEROLE");
    let url = server.database("plain", "owner");
    let owner = &mut connect_to(&url);
    apply(owner).unwrap();
    assert_eq!(pending(owner).unwrap(), Vec::<&str>::new());
    assert_eq!(roles_of(owner), 0);
    assert_eq!(roles::lacking(owner).unwrap(), [roles::VERIFIER, roles::AUTH]);
    revert_all(owner, "migrations").unwrap();
    apply(owner).unwrap();

    // Whoever may makes up for it, in one go.
    let admin = &mut connect_to(&server.url("plain", "jeton"));
    let password = Password::new("shop".to_owned());
    let auth = RoleOptions {
        auth: true,
        ..RoleOptions::default()
    };
    roles::create(admin, &CLI, "shop", &password, auth).unwrap();
    assert_eq!(roles::lacking(owner).unwrap(), Vec::<&str>::new());
    let shop = &mut connect_to(&server.url("plain", "shop"));
    assert_eq!(text(shop, "SELECT count(digest) FROM tokens"), "0");
    assert_eq!(text(shop, "SELECT count(email) FROM users"), "0");

    // Where the roles are there, the owner of the tables gives them their rights.
    let next = &mut connect_to(&server.database("next", "owner"));
    apply(next).unwrap();
    assert_eq!(roles::lacking(next).unwrap(), Vec::<&str>::new());
    let shop = &mut connect_to(&server.url("next", "shop"));
    assert_eq!(text(shop, "SELECT count(digest) FROM tokens"), "0");

    // And takes them back; the roles are not this database's alone.
    revert_all(next, "migrations").unwrap();
    assert_eq!(roles_of(next), 2);
    apply(next).unwrap();
    assert_eq!(text(shop, "SELECT count(digest) FROM tokens"), "0");
}

/// Migrated before the roles came, by way of another database.
#[test]
fn roles_that_came_later_are_given_their_rights_with_the_next_service() {
    let mut server = Server::start();
    server.create_roles("CREATE ROLE owner LOGIN PASSWORD 'owner'");
    let owner = &mut connect_to(&server.database("early", "owner"));
    apply(owner).unwrap();
    apply(&mut connect_to(&server.database("late", "jeton"))).unwrap();
    assert_eq!(roles_of(owner), 2);
    assert_eq!(roles::lacking(owner).unwrap(), [roles::VERIFIER, roles::AUTH]);
    let admin = &mut connect_to(&server.url("early", "jeton"));
    roles::create(
        admin,
        &CLI,
        "shop",
        &Password::new("shop".to_owned()),
        RoleOptions::default(),
    )
    .unwrap();
    assert_eq!(roles::lacking(owner).unwrap(), Vec::<&str>::new());
}

#[test]
fn a_migration_that_finds_another_creating_the_roles_waits_and_goes_on() {
    let mut server = Server::start();
    for (database, end) in [("first", "ROLLBACK"), ("second", "COMMIT")] {
        let url = server.database(database, "jeton");
        let (mut migrating, watcher) = (connect_to(&url), &mut connect_to(&url));
        let admin = &mut server.admin;
        execute(admin, "DROP ROLE IF EXISTS jeton_verifier, jeton_auth");
        execute(admin, "BEGIN; CREATE ROLE jeton_verifier");
        thread::scope(|scope| {
            let running = scope.spawn(|| apply(&mut migrating));
            wait_for_blocked(watcher, 1);
            execute(admin, end);
            running.join().unwrap().unwrap();
        });
        assert_eq!(roles::lacking(watcher).unwrap(), Vec::<&str>::new(), "{end}");
        revert_all(&mut migrating, "migrations").unwrap();
    }
}

#[test]
fn databases_of_a_server_are_migrated_at_once() {
    let mut server = Server::start();
    let urls = ["one", "two", "three", "four"].map(|name| server.database(name, "jeton"));
    let start = Barrier::new(urls.len());
    thread::scope(|scope| {
        for url in &urls {
            let start = &start;
            scope.spawn(move || {
                let connection = &mut connect_to(url);
                execute(
                    connection,
                    &format!("SET lock_timeout = {}", PATIENCE.as_millis()),
                );
                start.wait();
                apply(connection).unwrap();
                assert_eq!(roles::lacking(connection).unwrap(), Vec::<&str>::new());
            });
        }
    });
    assert_eq!(roles_of(&mut server.admin), 2);
}
