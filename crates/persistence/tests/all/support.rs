use diesel::Connection;
use diesel::connection::SimpleConnection;
use jeton_coherence::Xid;
use jeton_domain::{
    Actor, AuditContext, BcryptCost, Lifetime, NewToken, NewUser, PasswordHash, ScopeSet, Token, TokenId,
    TokenName, TokenPolicy, User, UserId, Username,
};
use jeton_persistence::PgConnection;
use jeton_persistence::cleanup::{Cleanup, Kind};
use jeton_persistence::tokens::Issue;
use jeton_persistence::{
    Database, DatabaseError, DatabaseResult, DatabaseUrl, Pending, PoolSettings, tokens, users,
};
use jeton_proof_support::TestDatabase;
pub(crate) use jeton_proof_support::{
    connect as connect_to, count, database, execute, text, wait_for_blocked, wait_until,
};
use std::thread;
use std::time::Duration;
use uuid::Uuid;

/// What stands between a mistake and a test that never ends.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Who does something, where it is of no account who.
pub(crate) const CLI: AuditContext = AuditContext {
    actor: Actor::Cli,
    address: None,
    request_id: None,
};

pub(crate) fn connect(database: &TestDatabase) -> PgConnection {
    database.connect()
}

/// Which process of the server serves this connection.
pub(crate) fn backend_pid(connection: &mut PgConnection) -> i32 {
    text(connection, "SELECT pg_backend_pid()").parse().unwrap()
}

pub(crate) fn is_blocked(connection: &mut PgConnection, pid: i32) -> bool {
    count(connection, &format!("unnest(pg_blocking_pids({pid}))")) > 0
}

/// Does `first` in a transaction that is committed only when `second`, on a connection of its own, waits for it (or
/// has found nothing to wait for).
pub(crate) fn interleave<A, B: Send>(
    database: &TestDatabase,
    first: impl FnOnce(&mut PgConnection) -> DatabaseResult<A>,
    second: impl FnOnce(&mut PgConnection) -> DatabaseResult<B> + Send,
) -> (A, DatabaseResult<B>) {
    thread::scope(|scope| {
        let (mut holder, mut watcher) = (connect(database), connect(database));
        let mut other = connect(database);
        let pid = backend_pid(&mut other);
        let (done, running) = holder
            .transaction(|holder| {
                let done = first(holder)?;
                let running = scope.spawn(move || second(&mut other));
                wait_until("the second is blocked or done", || {
                    running.is_finished() || is_blocked(&mut watcher, pid)
                });
                DatabaseResult::Ok((done, running))
            })
            .unwrap();
        (done, running.join().unwrap())
    })
}

/// A hash of its own for each cost, which nobody knows a password for.
pub(crate) fn hash(cost: u32) -> PasswordHash {
    PasswordHash::of_nobody(BcryptCost::new(cost).unwrap())
}

pub(crate) fn scopes(text: &str) -> ScopeSet {
    ScopeSet::parse(text).unwrap()
}

/// With the password [`hash`]`(4)` and two scopes.
pub(crate) fn new_user(name: &str) -> NewUser {
    NewUser {
        service: false,
        id: UserId(Uuid::now_v7()),
        username: Username::parse(name).unwrap(),
        email: None,
        password_hash: Some(hash(4)),
        scopes: scopes("notes:read notes:write"),
    }
}

/// A token that lives for an hour.
pub(crate) fn new_token() -> NewToken {
    let policy = TokenPolicy {
        lifetime: Lifetime(Some(Duration::from_secs(3600))),
        idle_timeout: Lifetime::NEVER,
        user_limit: 1000,
    };
    let (id, scopes) = (TokenId(Uuid::now_v7()), scopes("notes:read notes:write"));
    let (_, token) = NewToken::login(
        &mut rand::rng(),
        id,
        TokenName::login(),
        scopes,
        policy.lifetime,
        &policy,
    );
    token
}

pub(crate) fn create_user(connection: &mut PgConnection, name: &str) -> User {
    users::create(connection, &CLI, &new_user(name)).unwrap()
}

/// From the password of a [`new_user`] to that of [`hash`]`(5)`, by who has this token.
pub(crate) fn change_password(
    connection: &mut PgConnection,
    user: UserId,
    kept: TokenId,
) -> DatabaseResult<bool> {
    users::change_password(connection, &CLI, user, &hash(4), &hash(5), kept).map(outcome)
}

/// A new token of the user's.
pub(crate) fn issue(connection: &mut PgConnection, user: UserId) -> TokenId {
    issue_this(connection, user, &new_token())
}

pub(crate) fn issue_this(connection: &mut PgConnection, user: UserId, token: &NewToken) -> TokenId {
    issued(tokens::issue_by_operator(connection, &CLI, user, token))
        .unwrap()
        .id
}

/// As [`issue`], for a token whose time is over.
pub(crate) fn issue_expired(connection: &mut PgConnection, user: UserId) -> TokenId {
    let id = issue(connection, user);
    expire(connection, id);
    id
}

pub(crate) fn expire(connection: &mut PgConnection, id: TokenId) {
    execute(
        connection,
        &format!("UPDATE tokens SET expires_at = now() - interval '1 second' WHERE id = '{id}'"),
    );
}

/// Whether the row is there, valid or not.
pub(crate) fn is_stored(connection: &mut PgConnection, id: TokenId) -> bool {
    count(connection, &format!("tokens WHERE id = '{id}'")) == 1
}

/// A pool that gives up late, so that what is given up early is given up on purpose.
pub(crate) fn pool(database: &TestDatabase, connections: u32) -> Database {
    with(
        database,
        PoolSettings {
            connections,
            ..patient()
        },
    )
}

pub(crate) fn patient() -> PoolSettings {
    PoolSettings {
        connections: 1,
        reserved: 0,
        acquire_timeout: PATIENCE,
        statement_timeout: PATIENCE,
        query_timeout: PATIENCE,
    }
}

pub(crate) fn with(database: &TestDatabase, settings: PoolSettings) -> Database {
    Database::new(DatabaseUrl::parse(database.url()).unwrap(), settings)
}

pub(crate) fn sql(sql: &'static str) -> impl FnOnce(&mut PgConnection) -> DatabaseResult<()> + Send {
    move |connection| Ok(connection.batch_execute(sql)?)
}

pub(crate) fn unavailable<T: std::fmt::Debug>(result: DatabaseResult<T>) -> String {
    match result {
        Err(DatabaseError::Unavailable(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

/// The constraint that was in the way.
pub(crate) fn constraint<T: std::fmt::Debug>(result: DatabaseResult<T>) -> String {
    match result {
        Err(DatabaseError::Conflict { constraint }) => constraint,
        other => panic!("{other:?}"),
    }
}

/// What an act came to, without what must be waited for.
pub(crate) fn outcome<T>(pending: Pending<T>) -> T {
    pending.into_unconfirmed().0
}

/// What must be waited for after an act.
pub(crate) fn xids<T>(pending: Pending<T>) -> Vec<Xid> {
    let (_, mut xids) = pending.into_unconfirmed();
    xids.sort_unstable();
    xids
}

/// The token that was issued, if one was.
pub(crate) fn issued(issue: DatabaseResult<Pending<Issue>>) -> Option<Token> {
    outcome(issue.unwrap()).token()
}

/// What a step of every kind has deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cleaned {
    pub(crate) tokens: usize,
    pub(crate) revocations: usize,
    pub(crate) uses: usize,
    pub(crate) audit_events: usize,
    pub(crate) attempts: usize,
    pub(crate) delegation: usize,
    /// Whether there is more of something.
    pub(crate) more: bool,
}

/// A step of every kind, that nobody keeps from being done.
pub(crate) fn cleaned(cleanup: &mut Cleanup, connection: &mut PgConnection) -> Cleaned {
    cleanup_step(cleanup, connection).unwrap().unwrap()
}

/// A step of every kind. `None`: somebody else purges.
pub(crate) fn cleanup_step(
    cleanup: &mut Cleanup,
    connection: &mut PgConnection,
) -> DatabaseResult<Option<Cleaned>> {
    let mut all = Cleaned::default();
    for kind in Kind::ALL {
        let Some(purged) = cleanup.step(connection, kind)? else {
            return Ok(None);
        };
        let rows = match kind {
            Kind::Revocations => &mut all.revocations,
            Kind::ExpiredTokens | Kind::DelegatedTokens | Kind::IdleTokens => &mut all.tokens,
            Kind::Uses => &mut all.uses,
            Kind::AuditEvents => &mut all.audit_events,
            Kind::AccountAttempts | Kind::NetworkAttempts => &mut all.attempts,
            Kind::Authorizations | Kind::AuthorizationCodes | Kind::RefreshTokens => &mut all.delegation,
        };
        *rows += purged.rows;
        all.more |= purged.more;
    }
    Ok(Some(all))
}

/// Has whatever does this to the table fail when it is committed: with a trigger that is called `failing`.
pub(crate) fn failing_at_commit(what: &str, table: &str) -> String {
    format!(
        "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'at the commit'; END $$; \
        CREATE CONSTRAINT TRIGGER failing AFTER {what} ON {table} DEFERRABLE INITIALLY DEFERRED \
            FOR EACH ROW EXECUTE FUNCTION fail()"
    )
}
