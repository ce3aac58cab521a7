//! Notes on the command line. It signs in when it has to, and keeps the token, never the password, in a file that nobody
//! else can read. Start the services with `scripts/up`, paste its command that signs ada up, then
//! `cargo run -p jeton-client --example command_line -- --user ada add Milk "two bottles"`.

mod token_file;

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand};
use jeton_client::{AuthClient, ClientError, Credentials, ExposeSecret, ProblemKind, SecretText, Session};
use serde::Deserialize;
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use token_file::TokenFile;

/// What a script is to understand of an error (sysexits.h): try again later, or do not.
const TRY_LATER: u8 = 75;
const NOT_ALLOWED: u8 = 77;

/// Writes notes and reads them.
#[derive(Parser)]
struct Args {
    /// Who signs in when that is needed; the password is asked for
    #[arg(long, env = "NOTES_USER")]
    user: String,

    /// Where the token is kept; in `~/.local/state/jeton-notes` where this is not said
    #[arg(long, env = "NOTES_TOKEN_FILE")]
    token_file: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes a note
    Add { title: String, body: String },
    /// Reads all notes
    List,
    /// Ends it: the token is revoked, and the file removed
    Logout,
}

#[derive(Deserialize)]
struct NoteList {
    notes: Vec<Note>,
}

#[derive(Deserialize)]
struct Note {
    title: String,
    body: String,
}

struct Notes {
    auth: AuthClient,
    url: String,
    user: String,
    file: TokenFile,
}

impl Notes {
    async fn add(&self, title: &str, body: &str) -> anyhow::Result<()> {
        let note = json!({ "title": title, "body": body });
        self.signed_in(async |session| session.post(&self.url).json(&note).send().await.map(drop))
            .await
    }

    async fn list(&self) -> anyhow::Result<()> {
        let list: NoteList = self
            .signed_in(async |session| session.get(&self.url).send_json().await)
            .await?;
        let mut stdout = std::io::stdout().lock();
        for note in list.notes {
            // Not by `println!`, which panics when whoever read has read enough, as `head` has.
            writeln!(stdout, "{}: {}", note.title, note.body)?;
        }
        Ok(())
    }

    /// The file goes last: should the token not be known to be revoked, one can try again.
    async fn log_out(&self) -> anyhow::Result<()> {
        if let Some(token) = self.file.load()? {
            self.auth.session(token)?.logout().await?;
            self.file.remove()?;
        }
        Ok(())
    }

    /// Does something with the token that is kept. If it is refused, because it has expired, or was revoked from
    /// elsewhere, does it with a new one: a request that was refused has had no effect, so this is its first time.
    async fn signed_in<T>(&self, act: impl AsyncFn(&Session) -> Result<T, ClientError>) -> anyhow::Result<T> {
        let session = match self.file.load()? {
            Some(token) => self.auth.session(token)?,
            None => self.sign_in().await?,
        };
        match act(&session).await {
            Err(error) if error.kind() == Some(ProblemKind::InvalidToken) => {
                let session = self.instead_of(&session).await?;
                Ok(act(&session).await?)
            }
            outcome => Ok(outcome?),
        }
    }

    async fn instead_of(&self, refused: &Session) -> anyhow::Result<Session> {
        match self.file.load()? {
            // Another of these programs has signed in meanwhile.
            Some(token) if token.expose_secret() != refused.token().expose_secret() => {
                Ok(self.auth.session(token)?)
            }
            _ => {
                self.file.remove()?;
                note("The token is no longer accepted.");
                self.sign_in().await
            }
        }
    }

    /// Gets a token, for what this program does and no more, and keeps it. The password is kept nowhere.
    async fn sign_in(&self) -> anyhow::Result<Session> {
        let credentials = Credentials::new(&self.user, ask_password(&self.user)?)
            .name("notes on the command line")
            .scopes(["notes:read", "notes:write"]);
        let session = self.auth.sign_in(credentials).await?;
        self.file.save(&session.token())?;
        // Without the credentials, which are not to sign in by themselves later on.
        Ok(self.auth.session(session.token())?)
    }
}

/// From the terminal, without showing it, or else the first line of standard input.
fn ask_password(user: &str) -> anyhow::Result<SecretText> {
    let password = if std::io::stdin().is_terminal() {
        rpassword::prompt_password(format!("Password for {user}: "))?
    } else {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    ensure!(!password.is_empty(), "signing in takes a password");
    Ok(password.into())
}

fn base_url(variable: &str, default: &str) -> String {
    let address = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    format!("http://{address}")
}

fn token_path(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(path) = given {
        return Ok(path);
    }
    let home = std::env::home_dir().context("there is no home directory; say --token-file")?;
    Ok(home.join(".local/state/jeton-notes/token"))
}

async fn run(args: Args) -> anyhow::Result<()> {
    let notes = Notes {
        auth: AuthClient::new(&base_url("JETON_AUTH_ADDR", "127.0.0.1:8080"))?,
        url: format!("{}/notes", base_url("NOTES_ADDR", "127.0.0.1:8081")),
        user: args.user,
        file: TokenFile::at(token_path(args.token_file)?),
    };
    match args.command {
        Command::Add { title, body } => notes.add(&title, &body).await,
        Command::List => notes.list().await,
        Command::Logout => notes.log_out().await,
    }
}

/// What to tell the person, and the script, that runs this.
fn explain(error: &ClientError) -> (String, u8) {
    let later = match error.retry_after() {
        Some(wait) => format!("try again in {} seconds", wait.as_secs()),
        None => "try again later".to_owned(),
    };
    match error.status().map(|status| status.as_u16()) {
        Some(401) => ("Wrong username or password.".to_owned(), NOT_ALLOWED),
        Some(403) => (error.to_string(), NOT_ALLOWED),
        Some(429) => (format!("Too many sign-ins have failed; {later}."), TRY_LATER),
        Some(503) => (format!("The service is away; {later}."), TRY_LATER),
        _ => match error.request_id() {
            Some(id) => (format!("{error} (request {id})"), 1),
            None => (error.to_string(), 1),
        },
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Err(error) = run(Args::parse()).await else {
        return ExitCode::SUCCESS;
    };
    let (text, code) = match error.downcast_ref() {
        Some(error) => explain(error),
        None => (format!("{error:#}"), 1),
    };
    note(&text);
    ExitCode::from(code)
}

fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
