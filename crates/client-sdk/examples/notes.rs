//! Signs up, writes a note, reads it, logs out and is refused. Start the services with `scripts/up`, then
//! `cargo run -p jeton-client --example notes`.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use jeton_client::{AuthClient, SignUpRequest};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Serialize)]
struct NewNote<'a> {
    title: &'a str,
    body: &'a str,
}

#[derive(Deserialize)]
struct Note {
    id: Uuid,
    title: String,
    body: String,
}

#[derive(Deserialize)]
struct NoteList {
    notes: Vec<Note>,
}

fn base_url(variable: &str, default: &str) -> String {
    let address = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    format!("http://{address}")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let auth = AuthClient::new(&base_url("JETON_AUTH_ADDR", "127.0.0.1:8080"))?;
    let notes = format!("{}/notes", base_url("NOTES_ADDR", "127.0.0.1:8081"));

    // Ids of version 7 are not secret enough for passwords; this user is thrown away.
    let session = auth
        .sign_up_session(&SignUpRequest {
            username: format!("user-{}", Uuid::now_v7().simple()),
            password: Uuid::now_v7().to_string().into(),
            email: None,
        })
        .await?;
    println!("signed up as {}", session.me().await?.user.username);

    let note = NewNote {
        title: "Hello",
        body: "Written with a token that another service issued.",
    };
    let written: Note = session.post(&notes).json(&note).send_json().await?;
    println!("wrote note {}", written.id);

    let list: NoteList = session.get(&notes).send_json().await?;
    for note in list.notes {
        println!("read: {}: {}", note.title, note.body);
    }

    session.logout().await?;
    match session.get(&notes).send().await {
        Err(error) if error.is_unauthorized() => println!("logged out, and refused: {error}"),
        Err(error) => return Err(error.into()),
        Ok(response) => return Err(format!("the token still works: {}", response.status()).into()),
    }
    Ok(())
}
