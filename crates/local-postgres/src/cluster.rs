use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::{Error, Programs, port, process};

/// Where data goes that the server's account cannot reach in its own place.
const ELSEWHERE: &str = "/var/lib/jeton-postgres";

/// One data directory and what is kept beside it.
pub(crate) struct Cluster {
    pub(crate) home: PathBuf,
    pub(crate) account: Account,
    pub(crate) programs: Programs,
}

/// A file system in memory, where there is one with room, and nobody has said where temporary files belong (`TMPDIR`).
/// Databases that come and go are hundreds of files, which others take longer to make the more were deleted lately.
fn memory() -> Option<PathBuf> {
    const PLACE: &str = "/dev/shm";
    const ROOM_KIB: u64 = 2 * 1024 * 1024;
    if std::env::var_os("TMPDIR").is_some() {
        return None;
    }
    let told = Command::new("df")
        .args(["-Pk", PLACE])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(told.stdout).ok()?;
    let free = text
        .lines()
        .nth(1)?
        .split_whitespace()
        .nth(3)?
        .parse::<u64>()
        .ok()?;
    (free >= ROOM_KIB).then(|| PLACE.into())
}

impl Cluster {
    /// In a new directory that only the server's account and root can look into.
    pub(crate) fn temporary(programs: Programs) -> Result<Self, Error> {
        let account = Account::choose(None)?;
        let parent = memory()
            .into_iter()
            .chain([std::env::temp_dir(), "/var/tmp".into()])
            .find(|parent| account.can_use(parent))
            .unwrap_or_else(|| "/tmp".into());
        let home = tempfile::Builder::new()
            .prefix("jeton-postgres-")
            .tempdir_in(&parent)
            .map_err(Error::at("make a directory in", &parent))?;
        account
            .give(home.path())
            .map_err(Error::at("give away", home.path()))?;
        Ok(Self {
            home: home.keep(),
            account,
            programs,
        })
    }

    /// In `directory`, or in the one that stands for it.
    pub(crate) fn at(directory: &Path, programs: Programs) -> Result<Self, Error> {
        let (home, account) = match claim(directory)? {
            (home, account) if account.can_enter(&home) => (home, account),
            (home, _) => {
                // Only if it is empty, as we have just made it.
                let _ = fs::remove_dir(&home);
                claim(&Path::new(ELSEWHERE).join(stable_name(&home)))?
            }
        };
        account.give(&home).map_err(Error::at("give away", &home))?;
        fs::set_permissions(&home, Permissions::from_mode(0o700)).map_err(Error::at("protect", &home))?;
        Ok(Self {
            home,
            account,
            programs,
        })
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// The password, made the first time: of several processes, the first one's holds.
    pub(crate) fn password(&self) -> Result<String, Error> {
        self.password_or(&format!("{:032x}", rand::random::<u128>()))
    }

    /// The same, and the first time it is this one.
    pub(crate) fn password_or(&self, new: &str) -> Result<String, Error> {
        let path = self.home.join("password");
        if !path.exists() {
            let mut file = tempfile::NamedTempFile::new_in(&self.home)
                .map_err(Error::at("make a file in", &self.home))?;
            file.write_all(new.as_bytes())
                .and_then(|()| file.as_file().sync_all())
                .and_then(|()| self.account.give(file.path()))
                .map_err(Error::at("write", &path))?;
            match file.persist_noclobber(&path) {
                Err(lost) if lost.error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(Error::at("write", &path)(lost.error));
                }
                _ => {}
            }
        }
        let text = fs::read_to_string(&path).map_err(Error::at("read", &path))?;
        Ok(text.trim().to_owned())
    }

    /// Makes the data directory unless there is one: elsewhere first, so that what is there is whole.
    pub(crate) fn initialise(&self, sync: bool) -> Result<(), Error> {
        if self.data().exists() {
            return Ok(());
        }
        let new = tempfile::Builder::new()
            .prefix("new-")
            .tempdir_in(&self.home)
            .map_err(Error::at("make a directory in", &self.home))?;
        self.account
            .give(new.path())
            .map_err(Error::at("give away", new.path()))?;
        let mut initdb = self.account.command(&self.programs.initdb);
        initdb
            .args(["--username=jeton", "--auth=scram-sha-256"])
            .args(["--encoding=UTF8", "--locale=C"])
            .args((!sync).then_some("--no-sync"))
            .arg("--pwfile")
            .arg(self.home.join("password"))
            .arg("--pgdata")
            .arg(new.path());
        succeed(&initdb.output(), &self.programs.initdb)?;
        self.make_database(new.path(), sync)?;

        let data = self.data();
        match fs::rename(new.path(), &data) {
            Ok(()) => drop(new.keep()),
            // Another process was as quick as we; its directory is as good as ours.
            Err(_) if data.join("PG_VERSION").exists() => return Ok(()),
            Err(error) => return Err(Error::at("make", &data)(error)),
        }
        fs::File::open(&self.home)
            .and_then(|home| home.sync_all())
            .map_err(Error::at("sync", &self.home))
    }

    /// The data of a standby: a copy of what the server at that port has, which goes on to follow it. What was there before
    /// goes.
    pub(crate) fn copy_from(&self, port: u16, password: &str) -> Result<(), Error> {
        let data = self.data();
        if data.exists() {
            fs::remove_dir_all(&data).map_err(Error::at("remove", &data))?;
        }
        let program = self.programs.beside("pg_basebackup");
        let mut copy = self.account.command(&program);
        copy.env("PGPASSWORD", password)
            .args(["--host=127.0.0.1", "--username=jeton", "--no-password"])
            .arg(format!("--port={port}"))
            .args(["--checkpoint=fast", "--wal-method=stream", "--no-sync"])
            .arg("--write-recovery-conf")
            .arg("--pgdata")
            .arg(&data);
        succeed(&copy.output(), &program)
    }

    /// Has the server that runs on this data stop following another; returns when it accepts writes.
    pub(crate) fn promote(&self) -> Result<(), Error> {
        let program = self.programs.beside("pg_ctl");
        let mut promote = self.account.command(&program);
        promote
            .args(["promote", "--wait", "--silent", "--timeout=60", "--pgdata"])
            .arg(self.data());
        succeed(&promote.output(), &program)
    }

    /// The server, all but its port. Arguments rather than a file: a new version of this program takes effect at once.
    pub(crate) fn server(&self, temporary: bool) -> Command {
        let mut server = Command::new(&self.programs.postgres);
        server.arg("-D").arg(self.data());
        let mut set = |setting: &str| {
            server.args(["-c", setting]);
        };
        set("listen_addresses=127.0.0.1");
        // The path of a socket may not be longer than about 100 bytes, and nobody needs one here.
        set("unix_socket_directories=");
        set("max_connections=200");
        if temporary {
            set("fsync=off");
            // It may be kept in memory.
            set("max_wal_size=128MB");
            set("full_page_writes=off");
        }
        server
    }

    /// The port of the last time, so that an address noted down stays true while nobody else takes the port.
    pub(crate) fn remembered_port(&self) -> u16 {
        let noted = fs::read_to_string(self.home.join("port"));
        noted
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or_else(port::pick)
    }

    pub(crate) fn remember_port(&self, port: u16) -> Result<(), Error> {
        let path = self.home.join("port");
        fs::write(&path, port.to_string()).map_err(Error::at("write", &path))
    }

    /// Single-user mode needs no port, no password and no client program.
    fn make_database(&self, data: &Path, sync: bool) -> Result<(), Error> {
        let mut postgres = self.account.command(&self.programs.postgres);
        postgres
            .args(["--single", "-c", "exit_on_error=on"])
            .args((!sync).then_some("-F"))
            .arg("-D")
            .arg(data)
            .arg("postgres")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let run = |mut command: Command| {
            let mut child = command.spawn()?;
            if let Some(mut input) = child.stdin.take() {
                input.write_all(b"CREATE DATABASE jeton\n")?;
            }
            child.wait_with_output()
        };
        succeed(&run(postgres), &self.programs.postgres)
    }

    /// Waits for a server on this data that is on its way out, and refuses to share the data with one that is not.
    pub(crate) fn wait_until_unused(&self) -> Result<(), Error> {
        // A server whose owner was killed a moment ago has not heard of it yet.
        let grace = Instant::now() + Duration::from_secs(1);
        while let Some((pid, status)) = self.postmaster().filter(|(pid, _)| process::exists(*pid)) {
            if status != "stopping" && Instant::now() > grace {
                return Err(Error::AlreadyRunning {
                    directory: self.home.clone(),
                    pid,
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The server's process id and what it says of itself: `starting`, `ready` or `stopping`.
    pub(crate) fn postmaster(&self) -> Option<(u32, String)> {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok()?;
        // The eighth line, absent at first.
        Some((pid, lines.nth(6).unwrap_or("starting").trim().to_owned()))
    }
}

/// Makes the directory if there is none, and tells who is to own it.
fn claim(directory: &Path) -> Result<(PathBuf, Account), Error> {
    fs::create_dir_all(directory).map_err(Error::at("make", directory))?;
    let home = directory.canonicalize().map_err(Error::at("find", directory))?;
    let account = Account::choose(Some(&home))?;
    let ours = |name: &str| name == "password" || name.starts_with(".tmp");
    let mut entries = directory
        .read_dir()
        .map_err(Error::at("read", directory))?
        .peekable();
    if entries.peek().is_some()
        && !entries
            .flatten()
            .any(|entry| entry.file_name().to_str().is_some_and(ours))
    {
        return Err(Error::NotEmpty {
            directory: directory.to_owned(),
        });
    }
    Ok((home, account))
}

/// The same name for the same path, always: FNV-1a, since the standard library's hash may change.
fn stable_name(path: &Path) -> String {
    let hash = path
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{hash:016x}")
}

fn succeed(result: &io::Result<Output>, program: &Path) -> Result<(), Error> {
    let reason = match result {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            let telling = text
                .lines()
                .rfind(|line| ["rror", "FATAL"].iter().any(|word| line.contains(word)));
            telling.or(text.lines().last()).unwrap_or("no message").to_owned()
        }
        Err(error) => error.to_string(),
    };
    Err(Error::Create {
        reason: format!("{}: {reason}", program.display()),
    })
}
