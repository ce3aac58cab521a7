use crate::database::or_panic;
use crate::{TestDatabase, find_program, wait_until};
use anyhow::Context;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Child, Command, Stdio};
use url::Url;

/// From here on PgBouncer keeps prepared statements where it lends a connection for a transaction.
pub const KEEPS_STATEMENTS: (u32, u32) = (1, 21);

/// PgBouncer before a database. Ended with this value.
pub struct Pooler {
    process: Child,
    url: String,
    _directory: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Pooler {
    /// Starts one before the database, in this mode; `None`, and a word about it, where there is no such program, or only an
    /// older one.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(database: &TestDatabase, mode: &str, least: (u32, u32)) -> Option<Self> {
        // As many as it has unless it is told.
        Self::of(20, database, mode, least)
    }

    /// As [`start`](Self::start), with so many connections.
    ///
    /// # Panics
    /// As there.
    #[must_use]
    pub fn of(connections: u32, database: &TestDatabase, mode: &str, least: (u32, u32)) -> Option<Self> {
        let version = installed(least)?;
        let made = Self::make(database, mode, version, connections);
        Some(or_panic("start pgbouncer", made))
    }

    /// Its address, as for `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    fn make(
        database: &TestDatabase,
        mode: &str,
        version: (u32, u32),
        connections: u32,
    ) -> anyhow::Result<Self> {
        let mut url = Url::parse(database.url())?;
        let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let directory = tempfile::tempdir()?;
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755))?;
        let [config, users] = ["pgbouncer.ini", "users.txt"].map(|name| directory.path().join(name));
        let (user, password) = (url.username(), url.password().unwrap_or_default());
        std::fs::write(&users, format!("\"{user}\" \"{password}\"\n"))?;
        let mut settings = format!(
            "[databases]\n{} = host={} port={} user={user} password={password}\n\
            [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {listen}\nunix_socket_dir =\nauth_type = trust\n\
            auth_file = {}\npool_mode = {mode}\ndefault_pool_size = {connections}\n",
            database.name(),
            url.host_str().unwrap_or_default(),
            url.port().unwrap_or(5432),
            users.display()
        );
        // Before 1.24, none are kept unless it is told to; before 1.21, it would not start with a setting that it does not
        // know.
        if version >= KEEPS_STATEMENTS {
            settings.push_str("max_prepared_statements = 100\n");
        }
        std::fs::write(&config, settings)?;
        let mut command = Command::new("pgbouncer");
        // It refuses to be root.
        if std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0) {
            command.args(["--user", "nobody"]);
        }
        command.arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn()?;
        url.set_ip_host([127, 0, 0, 1].into())
            .and_then(|()| url.set_port(Some(listen)))
            .ok()
            .context("the address has no place for a host")?;
        let pooler = Self {
            process,
            url: url.into(),
            _directory: directory,
        };
        wait_until("the pool listens", || {
            TcpStream::connect(("127.0.0.1", listen)).is_ok()
        });
        Ok(pooler)
    }
}

/// The version of the program, if it is there and not older than that.
#[expect(clippy::print_stderr, reason = "whoever runs the tests has to know")]
fn installed(least: (u32, u32)) -> Option<(u32, u32)> {
    let program = find_program(&["pgbouncer"], "--version")?;
    let version = or_panic("ask pgbouncer for its version", version(program));
    if version < least {
        let ((major, minor), (least_major, least_minor)) = (version, least);
        eprintln!("skipped: pgbouncer is {major}.{minor}, and older than {least_major}.{least_minor}");
        return None;
    }
    Some(version)
}

fn version(program: &str) -> anyhow::Result<(u32, u32)> {
    let output = Command::new(program).arg("--version").output()?;
    // PgBouncer 1.24.1, and lines about libraries.
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split_whitespace().nth(1).unwrap_or_default().split('.');
    let mut next = || anyhow::Ok(numbers.next().context("no version")?.parse()?);
    Ok((next()?, next()?))
}
