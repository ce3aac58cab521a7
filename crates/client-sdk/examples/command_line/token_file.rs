use anyhow::{Context, ensure};
use jeton_client::{ExposeSecret, SecretText};
use std::fs::{DirBuilder, File, Permissions, remove_file};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// No token is as long; what is longer is not read into memory.
const MAX_BYTES: u64 = 1024;

/// A file with a token in it, which its owner alone can read: whoever else can, can do what the token may.
pub(crate) struct TokenFile(PathBuf);

impl TokenFile {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The token; `None` where there is no file. A file that others can read or write is refused, whatever is in it.
    pub(crate) fn load(&self) -> anyhow::Result<Option<SecretText>> {
        let path = self.0.display();
        let file = match File::open(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.with_context(|| format!("cannot read {path}"))?,
        };
        // Of what was opened, and not of what has the name by now.
        let metadata = file.metadata()?;
        let mode = metadata.permissions().mode() & 0o7777;
        ensure!(metadata.is_file(), "{path} is not a file");
        ensure!(
            mode & 0o077 == 0,
            "others can read or write {path} (mode {mode:04o}), and may have: \
            `chmod 600` it, log out, and sign in again"
        );
        let mut text = String::new();
        file.take(MAX_BYTES).read_to_string(&mut text)?;
        Ok(Some(text.trim_end().into()))
    }

    /// Keeps a token in place of the one before. Whoever reads the file, at whatever moment, finds one of the two, whole:
    /// it is written under another name first, with mode 0600 from its first moment on, and then renamed.
    pub(crate) fn save(&self, token: &SecretText) -> anyhow::Result<()> {
        let directory = match self.0.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        let mut file = tempfile::Builder::new()
            .prefix(".token")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(directory)
            .with_context(|| format!("cannot write in {}", directory.display()))?;
        writeln!(file, "{}", token.expose_secret())?;
        file.as_file().sync_all()?;
        file.persist(&self.0)
            .with_context(|| format!("cannot replace {}", self.0.display()))?;
        Ok(())
    }

    /// Forgets the token. That there is none is as good.
    pub(crate) fn remove(&self) -> anyhow::Result<()> {
        match remove_file(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed.with_context(|| format!("cannot remove {}", self.0.display())),
        }
    }
}
