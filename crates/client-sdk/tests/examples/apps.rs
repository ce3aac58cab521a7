use crate::support::{PASSWORD, Services};
use jeton_client::{Credentials, ExposeSecret};
use jeton_proof_support::{Process, TestDatabase, example, execute, raw, run, without_settings};
use serde_json::{Map, Value, json};
use std::io::{Seek, Write};
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::time::Duration;
use tempfile::NamedTempFile;

const CLIENT_ID: &str = "0198c0de-0000-7000-8000-00000000000a";
/// Nothing here takes that long.
const PATIENCE: Duration = Duration::from_secs(60);

fn register(database: &TestDatabase) {
    execute(
        &mut database.connect(),
        &format!(
            "INSERT INTO delegable_scopes (name, title, description) VALUES ('notes:read', 'Read your notes', ''); \
                INSERT INTO clients (id, name, redirect_uris, scopes, grant_types) VALUES ('{CLIENT_ID}', 'Their app', \
                    '{{http://127.0.0.1/callback}}', '{{notes:read}}', '{{authorization_code, refresh_token, device_code}}')"
        ),
    );
}

/// What the page asks of the auth API, by the name that apps know it by.
fn post(services: &Services, token: &str, path: &str, body: &Value) -> Value {
    let (address, body) = (services.auth.address(), body.to_string());
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
            Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let answer = raw(address, (head + &body).as_bytes());
    assert!(matches!(answer.status, 200 | 201), "{path}: {}", answer.text());
    serde_json::from_str(&answer.text()).unwrap()
}

#[tokio::test]
async fn the_app_with_a_local_redirect_reads_what_it_was_allowed_to_and_gives_it_back() {
    let database = TestDatabase::create();
    let services = Services::start(database.url());
    register(&database);
    services.sign_up("ada").await;
    let ada = services
        .client()
        .sign_in(Credentials::new("ada", PASSWORD))
        .await
        .unwrap();

    let (tell, told) = channel();
    let mut command = without_settings(example("local_redirect"));
    command.envs(services.env()).env("CLIENT_ID", CLIENT_ID);
    let app = Process::start(&mut command, move |line| drop(tell.send(line))).unwrap();
    let line = told.recv_timeout(PATIENCE).unwrap();
    let url = line.strip_prefix("open ").unwrap();
    let (_, query) = url.split_once('?').unwrap();

    let parameters: Map<String, Value> = form(query);
    let token = ada.token();
    let asked = post(
        &services,
        token.expose_secret(),
        "/v1/authorizations",
        &parameters.into(),
    );
    assert_eq!(asked["scopes"][0]["title"], "Read your notes");
    let path = format!("/v1/authorizations/{}/approve", asked["id"].as_str().unwrap());
    let decided = post(&services, token.expose_secret(), &path, &json!({}));
    let callback = decided["redirect_to"]
        .as_str()
        .unwrap()
        .strip_prefix("http://")
        .unwrap();
    let (address, target) = callback.split_once('/').unwrap();
    let visit = format!("GET /{target} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    assert_eq!(raw(address, visit.as_bytes()).status, 200);

    let notes: Value = serde_json::from_str(&told.recv_timeout(PATIENCE).unwrap()).unwrap();
    assert_eq!(notes["notes"], json!([]));
    assert!(app.wait(PATIENCE).unwrap().success());
}

#[tokio::test]
async fn the_app_without_a_browser_shows_a_code_and_reads_what_it_was_allowed_to() {
    let database = TestDatabase::create();
    let services = Services::start(database.url());
    register(&database);
    services.sign_up("ada").await;
    let token = services.sign_in("ada").await.token();

    for (decision, ends_well) in [("approve", true), ("deny", false)] {
        let (tell, told) = channel();
        let mut command = without_settings(example("device"));
        command
            .envs(services.env())
            .env("CLIENT_ID", CLIENT_ID)
            .stderr(Stdio::piped());
        let app = Process::start(&mut command, move |line| drop(tell.send(line))).unwrap();
        // Open … and type … within … minutes.
        let line = told.recv_timeout(PATIENCE).unwrap();
        let user_code = line.split(' ').nth(4).unwrap();
        let typed = json!({ "user_code": user_code });
        let asked = post(&services, token.expose_secret(), "/v1/authorizations", &typed);
        let path = format!("/v1/authorizations/{}/{decision}", asked["id"].as_str().unwrap());
        post(&services, token.expose_secret(), &path, &json!({}));

        let line = told.recv_timeout(PATIENCE).unwrap();
        assert_eq!(app.wait(PATIENCE).unwrap().success(), ends_well, "{line}");
        if ends_well {
            let notes: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(notes["notes"], json!([]));
        } else {
            assert!(line.contains("you have denied it"), "{line}");
        }
    }
}

#[tokio::test]
async fn the_server_program_acts_for_itself_with_its_secret() {
    const SECRET: &str = "jts_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG3UB21s";
    let database = TestDatabase::create();
    let services = Services::start(database.url());
    register(&database);
    execute(
        &mut database.connect(),
        &format!(
            "INSERT INTO users (id, username, username_key, is_service_account, scopes) \
                VALUES ('{CLIENT_ID}', 'backup', 'backup', true, '{{notes:read}}'); \
                UPDATE clients SET secret_digest = sha256('{SECRET}'), service_account_id = '{CLIENT_ID}', \
                    grant_types = '{{client_credentials}}'"
        ),
    );
    let mut file = NamedTempFile::new().unwrap();
    let mut run_with = |secret: &str| {
        writeln!(file, "{secret}").unwrap();
        let mut command = without_settings(example("client_credentials"));
        command
            .envs(services.env())
            .env("CLIENT_ID", CLIENT_ID)
            .env("CLIENT_SECRET_FILE", file.path());
        let outcome = run(&mut command, "");
        file.as_file().set_len(0).unwrap();
        file.rewind().unwrap();
        outcome
    };
    let notes: Value = serde_json::from_str(&run_with(SECRET).ok()).unwrap();
    assert_eq!(notes["notes"], json!([]));
    let refused = run_with("another");
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(refused.stderr.contains("invalid_client"), "{refused:?}");
    assert!(!refused.stderr.contains("another"), "{refused:?}");
}

/// The parameters of a query that has no other escapes than these.
fn form(query: &str) -> Map<String, Value> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        let value = value.replace("%3A", ":").replace("%2F", "/");
        (name.to_owned(), Value::from(value))
    };
    query.split('&').map(pair).collect()
}
