use jeton_persistence::PgConnection;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use diesel::connection::SimpleConnection;
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::{ConnectionLimits, DatabaseUrl, establish, migrations};
use url::Url;

use crate::template;

/// A database for one test or run; dropped with this value, whoever is still connected to it.
#[must_use]
pub struct TestDatabase {
    name: String,
    server: String,
    url: String,
}

impl TestDatabase {
    /// A new database with all migrations applied.
    pub fn create() -> Self {
        static TEMPLATE: OnceLock<String> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| or_panic("make the template database", template::ensure()));
        let made = server().and_then(|server| Self::make(server, template));
        or_panic("make a test database", made)
    }

    /// A new database with nothing in it.
    pub fn empty() -> Self {
        or_panic("make a test database", server().and_then(Self::empty_on))
    }

    /// The same, of another encoding than UTF-8: `LATIN1`, say.
    pub fn encoded(encoding: &str) -> Self {
        let template = format!("template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'");
        or_panic(
            "make a test database",
            server().and_then(|server| Self::make(server, &template)),
        )
    }

    /// An empty one on the server of this address, which stands for any database there.
    ///
    /// # Errors
    /// The server cannot be reached, or lets nobody make databases.
    pub fn empty_on(server: &str) -> anyhow::Result<Self> {
        Self::make(server, "template0")
    }

    /// Its address, as for `DATABASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection to it.
    pub fn connect(&self) -> PgConnection {
        connect(&self.url)
    }

    fn make(server: &str, template: &str) -> anyhow::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        // Process ids repeat, on a server that several machines use even at the same time.
        let name = format!(
            "jeton_test_{}_{}_{:08x}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed),
            rand::random::<u32>()
        );
        admin(server)?.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))?;
        Ok(Self {
            url: url_for(server, &name)?,
            server: server.to_owned(),
            name,
        })
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let dropped = admin(&self.server).and_then(|mut admin| {
            Ok(admin.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name))?)
        });
        // A second panic would end the test program without a word about the first.
        if let Err(error) = dropped
            && !std::thread::panicking()
        {
            panic!("cannot drop {self:?}: {error:#}");
        }
    }
}

impl fmt::Debug for TestDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address has a password in it.
        f.debug_tuple("TestDatabase").field(&self.name).finish()
    }
}

/// A new database with all migrations applied, and a connection to it.
pub fn database() -> (TestDatabase, PgConnection) {
    let database = TestDatabase::create();
    let connection = database.connect();
    (database, connection)
}

/// Applies all migrations to the database at this address, and returns their names.
pub fn migrate(url: &str) -> Vec<String> {
    let migrated = try_connect(url).and_then(|mut connection| Ok(migrations::apply(&mut connection)?));
    or_panic("migrate", migrated)
}

/// Takes all migrations of a folder of the repository back, newest first, by what each says itself (`down.sql`).
///
/// # Errors
/// One cannot be taken back.
pub fn revert_all(connection: &mut PgConnection, folder: &str) -> anyhow::Result<()> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let source = FileBasedMigrations::from_path(format!("{root}/{folder}"))?;
    let reverted = connection.revert_all_migrations(source);
    reverted.map(drop).map_err(|error| anyhow::anyhow!("{error}"))
}

/// A connection to the database at this address.
pub fn connect(url: &str) -> PgConnection {
    or_panic("connect", try_connect(url))
}

/// As [`connect`].
///
/// # Errors
/// When there is none to be had.
pub fn try_connect(url: &str) -> anyhow::Result<PgConnection> {
    Ok(establish(&DatabaseUrl::parse(url)?, ConnectionLimits::NONE)?)
}

/// A connection to the server's first database, the one place from which all programs see the same advisory locks.
pub(crate) fn admin(server: &str) -> anyhow::Result<PgConnection> {
    try_connect(server).context("cannot reach the test server")
}

pub(crate) fn url_for(server: &str, database: &str) -> anyhow::Result<String> {
    let mut url = Url::parse(server).context("DATABASE_URL")?;
    url.set_path(database);
    Ok(url.into())
}

struct Server {
    url: String,
    /// Held for as long as the program runs; the end of the program is what stops it.
    _own: Option<LocalPostgres>,
}

/// The address of the server of `DATABASE_URL`, or of our own.
pub(crate) fn server() -> anyhow::Result<&'static str> {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        if let Some(url) = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()) {
            return Ok(Server { url, _own: None });
        }
        let own = LocalPostgres::temporary().map_err(|error| format!("{:#}", anyhow::Error::from(error)))?;
        Ok(Server {
            url: own.url(),
            _own: Some(own),
        })
    });
    match server {
        Ok(server) => Ok(&server.url),
        Err(error) => Err(anyhow::anyhow!("{error}")),
    }
}

pub(crate) fn or_panic<T>(what: &str, result: anyhow::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("cannot {what}: {error:#}"))
}
