use clap::builder::TypedValueParser;
use jeton_domain::{BcryptCost, ScopeSet};
use jeton_http_kit::{DatabaseSettings, HttpArgs, Lifetime, LogSettings, MetricsAddress, VerifierArgs};
use jeton_persistence::audit::SHORTEST_RETENTION_DAYS;
use std::net::SocketAddr;
use std::time::Duration;

/// Jeton's auth service: signs people in, issues tokens and revokes them.
#[derive(Debug, clap::Parser)]
#[command(name = "jeton-auth-api", version)]
pub struct Settings {
    /// Where the database is.
    #[command(flatten)]
    pub database: DatabaseSettings,

    /// Where to listen
    #[arg(
        long,
        env = "JETON_AUTH_ADDR",
        value_name = "JETON_AUTH_ADDR",
        default_value = "127.0.0.1:8080"
    )]
    pub address: SocketAddr,

    /// Where to tell metrics to Prometheus, or off
    #[arg(
        long,
        env = "JETON_METRICS_ADDR",
        value_name = "JETON_METRICS_ADDR",
        default_value = "127.0.0.1:9090"
    )]
    pub metrics_address: MetricsAddress,

    /// How long a token lives: seconds, a time as 30d or 12h, or never
    #[arg(
        long,
        env = "JETON_TOKEN_TTL",
        value_name = "JETON_TOKEN_TTL",
        default_value = "30d"
    )]
    pub token_ttl: Lifetime,

    /// How long a token from signing in is accepted after its last use: a time as 14d, five minutes at the least, or never
    /// for no such limit
    #[arg(
        long,
        env = "JETON_TOKEN_IDLE_TTL",
        value_name = "JETON_TOKEN_IDLE_TTL",
        default_value = "never",
        value_parser = idle_ttl
    )]
    pub token_idle_ttl: Lifetime,

    /// How many valid tokens a user may have, from 2 to 10000: beyond it, a sign-in revokes the login token that was not
    /// used for longest
    #[arg(
        long,
        env = "JETON_TOKENS_PER_USER",
        value_name = "JETON_TOKENS_PER_USER",
        default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(2..=10_000)
    )]
    pub tokens_per_user: u32,

    /// The cost of a password hash, from 4 to 18: each step doubles the time of a sign-in, and of a guess
    #[arg(
        long,
        env = "JETON_BCRYPT_COST",
        value_name = "JETON_BCRYPT_COST",
        default_value = "12"
    )]
    pub bcrypt_cost: BcryptCost,

    /// How many password checks may wait for a core, 0 to 10000; those beyond are answered 503
    #[arg(
        long,
        env = "JETON_HASHING_QUEUE",
        value_name = "JETON_HASHING_QUEUE",
        default_value_t = 32,
        value_parser = clap::value_parser!(u16).range(..=10_000).map(usize::from)
    )]
    pub hashing_queue: usize,

    /// How many sign-ins to an account may fail in a row, 4 to 100: a quarter at once, then with growing delays, and
    /// after the last none for a day. Networks that the account has signed in from are counted by themselves
    #[arg(
        long,
        env = "JETON_ACCOUNT_FAILURES",
        value_name = "JETON_ACCOUNT_FAILURES",
        default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(4..=100)
    )]
    pub account_failures: u32,

    /// How many sign-ins from an IPv4 address, or a /64 of IPv6, may fail in an hour; a sign-up counts as one
    #[arg(
        long,
        env = "JETON_NETWORK_FAILURES",
        value_name = "JETON_NETWORK_FAILURES",
        default_value_t = 300,
        value_parser = clap::value_parser!(u32).range(4..=1_000_000)
    )]
    pub network_failures: u32,

    /// Whether anybody may sign up
    #[arg(
        long,
        env = "JETON_SIGNUP",
        value_name = "JETON_SIGNUP",
        default_value = "open"
    )]
    pub signup: Signup,

    /// What a new user's tokens may do, scopes with spaces between them
    #[arg(
        long,
        env = "JETON_DEFAULT_SCOPES",
        value_name = "JETON_DEFAULT_SCOPES",
        default_value = "notes:read notes:write",
        value_parser = jeton_http_kit::default_scopes
    )]
    pub default_scopes: ScopeSet,

    /// How long audit events are kept: a time as 365d, seven days at the least, or never to delete any
    #[arg(
        long,
        env = "JETON_AUDIT_RETENTION",
        value_name = "JETON_AUDIT_RETENTION",
        default_value = "365d",
        value_parser = audit_retention
    )]
    pub audit_retention: Lifetime,

    /// How those who connect are treated.
    #[command(flatten)]
    pub http: HttpArgs,

    /// How tokens are checked.
    #[command(flatten)]
    pub verifier: VerifierArgs,

    /// What to log, and how.
    #[command(flatten)]
    pub log: LogSettings,
}

/// Whether anybody may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Signup {
    /// Anybody.
    Open,
    /// Nobody; the operator creates users.
    Closed,
}

fn audit_retention(text: &str) -> Result<Lifetime, String> {
    let retention: Lifetime = text.parse()?;
    let shortest = Duration::from_secs(u64::from(SHORTEST_RETENTION_DAYS) * 86_400);
    if retention.0.is_some_and(|time| time < shortest) {
        return Err(format!("say at least {SHORTEST_RETENTION_DAYS}d, or `never`"));
    }
    Ok(retention)
}

/// Uses are noted to the minute, and some seconds after: a time of minutes would end tokens that are in use.
fn idle_ttl(text: &str) -> Result<Lifetime, String> {
    const SHORTEST: Duration = Duration::from_secs(5 * 60);
    const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);
    let ttl: Lifetime = text.parse()?;
    match ttl.0 {
        Some(time) if !(SHORTEST..=LONGEST).contains(&time) => {
            Err("say at least 5m and at most 3650d, or `never`".to_owned())
        }
        _ => Ok(ttl),
    }
}
