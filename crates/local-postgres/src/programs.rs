use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Error;

/// Directories with one directory per major version: where, what the names begin with, what follows.
const VERSIONED: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
];

/// The programs of one Postgres installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// Makes data directories.
    pub initdb: PathBuf,
    /// The server.
    pub postgres: PathBuf,
}

impl Programs {
    /// Finds a Postgres server: in `directory` or else in `JETON_POSTGRES_BINDIR`, and only there when one of them
    /// is given; else where this kind of machine keeps it.
    ///
    /// # Errors
    /// [`Error::ProgramsMissing`], which says where was looked and what to install.
    pub fn find(directory: Option<&Path>) -> Result<Self, Error> {
        let from_env = std::env::var_os("JETON_POSTGRES_BINDIR").filter(|value| !value.is_empty());
        let told = directory.map(Path::to_owned).or(from_env.map(PathBuf::from));
        if let Some(told) = told {
            return Self::within(&told).ok_or_else(|| Error::ProgramsMissing {
                searched: told.display().to_string(),
            });
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        pg_config()
            .into_iter()
            .chain(std::env::split_paths(&path))
            .chain(installed(Path::new("/")))
            .find_map(|candidate| Self::within(&candidate))
            .ok_or_else(|| Error::ProgramsMissing {
                searched: "`pg_config --bindir`, the PATH and the usual places".to_owned(),
            })
    }

    /// Another program of the same installation.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.postgres.with_file_name(name)
    }

    fn within(directory: &Path) -> Option<Self> {
        let programs = Self {
            initdb: directory.join("initdb"),
            postgres: directory.join("postgres"),
        };
        // The client's packages bring a `pg_config` that points to a directory without a server.
        (programs.initdb.is_file() && programs.postgres.is_file()).then_some(programs)
    }
}

fn pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config")
        .arg("--bindir")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(text.trim()))
}

/// The usual places below `root`, the newest version first.
fn installed(root: &Path) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for (parent, prefix, below) in VERSIONED {
        let parent = root.join(parent.trim_start_matches('/'));
        let entries = parent.read_dir().into_iter().flatten().flatten();
        found.extend(entries.filter_map(|entry| {
            let version = major(&entry.file_name(), prefix)?;
            Some((version, entry.path().join(below)))
        }));
    }
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, path)| path).collect()
}

fn major(name: &OsStr, prefix: &str) -> Option<u32> {
    name.to_str()?.strip_prefix(prefix)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() {
        let root = tempfile::tempdir().unwrap();
        for place in [
            "usr/lib/postgresql/9/bin",
            "usr/lib/postgresql/15/bin",
            "usr/lib/postgresql/common",
            "opt/homebrew/opt/postgresql@17/bin",
        ] {
            std::fs::create_dir_all(root.path().join(place)).unwrap();
        }
        let found = installed(root.path());
        let names: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(root.path()).unwrap())
            .collect();
        assert_eq!(
            names,
            [
                Path::new("opt/homebrew/opt/postgresql@17/bin"),
                Path::new("usr/lib/postgresql/15/bin"),
                Path::new("usr/lib/postgresql/9/bin"),
            ]
        );
    }

    #[test]
    fn a_directory_that_was_named_is_the_only_one_searched() {
        let empty = tempfile::tempdir().unwrap();
        let error = Programs::find(Some(empty.path())).unwrap_err().to_string();
        assert!(error.contains(&empty.path().display().to_string()), "{error}");
        assert!(error.contains("apt-get install postgresql"), "{error}");
    }
}
