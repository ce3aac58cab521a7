use crate::gate::Gate;
use jeton_domain::{
    AuditContext, ExposeSecret, Lifetime, NewToken, NewUser, PlainToken, ScopeSet, TokenName, User, Username,
};
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::{PgConnection, tokens, users};
use jeton_proof_support::{TestDatabase, migrate};
pub(crate) use jeton_proof_support::{connect as connect_to, count, database, execute, text, wait_until};
use jeton_verifier::{
    Caller, ClientId, DatabaseUrl, TokenId, UserId, Verifier, VerifierSettings, VerifyError,
};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// What stands between a mistake and a test that never ends.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) type Outcome = Result<Caller, VerifyError>;

/// Where a database's server is, and the URL of the same database at another address, which is waited for however long it
/// takes: nothing is over because somebody has waited long enough.
pub(crate) fn by_way_of(address: SocketAddr, url: &str) -> (String, String) {
    let (account, rest) = url.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let separator = if name.contains('?') { '&' } else { '?' };
    let url = format!("{account}@{address}/{name}{separator}connect_timeout=0");
    (server.to_owned(), url)
}

/// A token as its holder and its database know it.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    pub(crate) text: String,
    pub(crate) id: TokenId,
}

/// Settings with which whatever is given up early is given up on purpose, and nothing is remembered.
pub(crate) fn settings(url: &str) -> VerifierSettings {
    VerifierSettings {
        lookup_timeout: PATIENCE,
        cache_tokens: 0,
        // Never: it would be a statement that nobody counts on.
        write_uses_every: Duration::from_secs(86_400),
        ..VerifierSettings::new(DatabaseUrl::parse(url).unwrap())
    }
}

/// One that remembers.
pub(crate) async fn remembering(database: &TestDatabase) -> Verifier {
    remembering_at(database.url()).await
}

pub(crate) async fn remembering_at(url: &str) -> Verifier {
    let settings = VerifierSettings {
        cache_tokens: 1000,
        ..settings(url)
    };
    Verifier::connect(settings).await.unwrap()
}

pub(crate) async fn verifier(database: &TestDatabase) -> Verifier {
    verifier_with(database, |_| ()).await
}

pub(crate) async fn verifier_with(
    database: &TestDatabase,
    change: impl FnOnce(&mut VerifierSettings),
) -> Verifier {
    let mut settings = settings(database.url());
    change(&mut settings);
    Verifier::connect(settings).await.unwrap()
}

/// With one thread, one look-up is under way, and whatever comes then waits.
pub(crate) async fn verifier_with_threads(database: &TestDatabase, lookup_threads: usize) -> Verifier {
    verifier_with(database, |settings| settings.lookup_threads = lookup_threads).await
}

/// How many connections others have to this connection's database.
pub(crate) fn others(connection: &mut PgConnection) -> i64 {
    let others = "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    count(connection, others)
}

/// Lets a future do what it does before it waits: of a check, everything up to its place in the queue.
pub(crate) async fn poll_once<T>(mut future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

/// With the scopes `notes:read` and `notes:write`.
pub(crate) fn create_user(connection: &mut PgConnection, name: &str) -> User {
    let user = NewUser {
        service: true,
        id: UserId(Uuid::now_v7()),
        username: Username::parse(name).unwrap(),
        email: None,
        password_hash: None,
        scopes: ScopeSet::parse("notes:read notes:write").unwrap(),
    };
    users::create(connection, &AuditContext::cli(), &user).unwrap()
}

/// A token for an hour, with the scopes `notes:read` and `notes:write`.
pub(crate) fn issue(connection: &mut PgConnection, user: UserId) -> Issued {
    issue_as(connection, user, unknown())
}

/// As [`issue`], with this text.
pub(crate) fn issue_as(connection: &mut PgConnection, user: UserId, text: String) -> Issued {
    let (id, name) = (TokenId(Uuid::now_v7()), TokenName::parse("a test's").unwrap());
    let scopes = ScopeSet::parse("notes:read notes:write").unwrap();
    let hour = Lifetime(Some(Duration::from_secs(3600)));
    let (_, token) = NewToken::personal(&mut rand::rng(), id, name, scopes, hour, 1000);
    let token = NewToken {
        digest: PlainToken::digest_of(&text).unwrap(),
        ..token
    };
    let issue = tokens::issue_by_operator(connection, &AuditContext::cli(), user, &token).unwrap();
    let issued = issue.into_unconfirmed().0.token().unwrap();
    Issued { text, id: issued.id }
}

/// As [`issue`], given to a client of its own, for one resource alone or for any.
pub(crate) fn issue_delegated(
    connection: &mut PgConnection,
    user: UserId,
    audience: Option<&str>,
) -> (Issued, ClientId) {
    let (token, client) = (issue(connection, user), Uuid::now_v7());
    let audience = audience.map_or("NULL".to_owned(), |audience| format!("'{audience}'"));
    execute(
        connection,
        &format!(
            "WITH client AS (INSERT INTO clients (id, name, redirect_uris, scopes, grant_types) \
                VALUES ('{client}', '{client}', '{{}}', '{{notes:read,notes:write}}', '{{}}')) \
            INSERT INTO grants (id, user_id, client_id, scopes) \
                VALUES ('{client}', '{user}', '{client}', '{{notes:read,notes:write}}')"
        ),
    );
    execute(
        connection,
        &format!(
            "UPDATE tokens SET kind = 'delegated', client_id = '{client}', grant_id = '{client}', audience = {audience} \
            WHERE id = '{}'",
            token.id
        ),
    );
    (token, ClientId(client))
}

/// A user with one token.
pub(crate) fn user_with_token(connection: &mut PgConnection, name: &str) -> (User, Issued) {
    let user = create_user(connection, name);
    let token = issue(connection, user.id);
    (user, token)
}

/// A new database, a connection to it, and a user with one token.
pub(crate) fn setting() -> (TestDatabase, PgConnection, User, Issued) {
    let (database, mut connection) = database();
    let (ada, token) = user_with_token(&mut connection, "ada");
    (database, connection, ada, token)
}

/// The same on a server of the test's own.
pub(crate) fn server() -> (LocalPostgres, Issued) {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let (_, token) = user_with_token(&mut connect_to(&postgres.url()), "ada");
    (postgres, token)
}

/// The text of a token that nobody was issued.
pub(crate) fn unknown() -> String {
    PlainToken::generate(&mut rand::rng()).expose_secret().to_owned()
}

pub(crate) fn expire(connection: &mut PgConnection, token: &Issued) {
    execute(
        connection,
        &format!(
            "UPDATE tokens SET expires_at = now() - interval '1 second' WHERE id = '{}'",
            token.id
        ),
    );
}

/// Which token was found valid.
pub(crate) fn token_of(outcome: Outcome) -> Result<TokenId, VerifyError> {
    outcome.map(|caller| caller.token_id())
}

pub(crate) async fn check(verifier: &Verifier, text: &str) -> Result<TokenId, VerifyError> {
    token_of(verifier.verify(text).await)
}

/// Starts a check of a token and waits until its query is under way, or waits for a thread.
pub(crate) async fn start(verifier: &Verifier, gate: &mut Gate, token: &Issued) -> JoinHandle<Outcome> {
    let before = gate.queue();
    let check = tokio::spawn({
        let (verifier, text) = (verifier.clone(), token.text.clone());
        async move { verifier.verify(&text).await }
    });
    gate.wait_for_queue(before + 1);
    check
}

/// Checks a token until that comes to this.
pub(crate) async fn until(verifier: &Verifier, token: &Issued, right: Result<(), VerifyError>) {
    tokio::time::timeout(PATIENCE, async {
        while verifier.verify(&token.text).await.map(|_| ()) != right {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .unwrap();
}
