use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Error;

/// Whom the server runs as: another account when we are root, which Postgres refuses to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    Ourselves,
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// The account for the server on `data`: the one that owns it already, if there is data.
    pub(crate) fn choose(data: Option<&Path>) -> Result<Self, Error> {
        let ours = id(&["-u"]).ok_or(Error::NoAccount)?;
        let owner = data.and_then(|data| data.metadata().ok());
        match owner.map(|owner| (owner.uid(), owner.gid())) {
            Some((uid, gid)) if ours == 0 && uid != 0 => Ok(Self::Other { uid, gid }),
            Some((uid, _)) if ours != 0 && uid != ours => Err(Error::NotOurs {
                directory: data.unwrap_or(Path::new("")).to_owned(),
                uid,
            }),
            _ if ours != 0 => Ok(Self::Ourselves),
            _ => ["postgres", "nobody"]
                .iter()
                .find_map(|name| {
                    let uid = id(&["-u", name])?;
                    let gid = id(&["-g", name])?;
                    Some(Self::Other { uid, gid })
                })
                .ok_or(Error::NoAccount),
        }
    }

    /// A command that runs as this account, away from our working directory (which the account may not enter) and
    /// from our environment (`PGDATA`, `PGPORT` and the like would have their say, and messages must be in English).
    pub(crate) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::null());
        if let Self::Other { uid, gid } = self {
            // With a uid but no list of groups, the standard library also drops root's supplementary groups.
            command.uid(uid).gid(gid);
        }
        command
    }

    pub(crate) fn give(self, path: &Path) -> io::Result<()> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(uid), Some(gid)),
        }
    }

    /// Whether the account can get at what it owns in `directory`: `x` on the directory and all above it.
    pub(crate) fn can_enter(self, directory: &Path) -> bool {
        directory.ancestors().all(|step| self.has(step, 0o1))
    }

    /// Whether the account can make and remove things in `directory` itself.
    pub(crate) fn can_use(self, directory: &Path) -> bool {
        self.can_enter(directory) && self.has(directory, 0o3)
    }

    fn has(self, path: &Path, wanted: u32) -> bool {
        let Self::Other { uid, gid } = self else {
            return true;
        };
        path.metadata().is_ok_and(|found| {
            let shift = match (found.uid() == uid, found.gid() == gid) {
                (true, _) => 6,
                (false, true) => 3,
                (false, false) => 0,
            };
            (found.mode() >> shift) & wanted == wanted
        })
    }
}

/// What the program `id` says: it knows of accounts that are not in `/etc/passwd`, too.
fn id(args: &[&str]) -> Option<u32> {
    let output = Command::new("id")
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().parse().ok().filter(|_| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, create_dir, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn an_account_cannot_enter_what_is_below_a_closed_directory() {
        let top = tempfile::tempdir().unwrap();
        let below = top.path().join("below");
        create_dir(&below).unwrap();
        let stranger = Account::Other {
            uid: 4_000_000,
            gid: 4_000_000,
        };

        set_permissions(top.path(), Permissions::from_mode(0o700)).unwrap();
        assert!(!stranger.can_enter(&below));
        assert!(Account::Ourselves.can_enter(&below));

        set_permissions(top.path(), Permissions::from_mode(0o711)).unwrap();
        assert!(stranger.can_enter(&below));
        assert!(!stranger.can_use(&below));
    }
}
