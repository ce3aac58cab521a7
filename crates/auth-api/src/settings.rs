use crate::delegation::Issuer;
use crate::pages::PagesUrl;
use jeton_domain::{IdleTimeout, Lifetime};
use jeton_http_kit::{
    DatabaseSettings, DefaultScopesArgs, DurationSetting, HttpArgs, LogSettings, NetworkLimitArgs,
    NumberSetting, PasswordArgs, TokenArgs, VerifierArgs, lifetime,
};
use jeton_persistence::audit::SHORTEST_RETENTION_DAYS;
use std::net::SocketAddr;

/// A message names it.
pub(crate) const ADDRESS: &str = "JETON_AUTH_ADDR";

/// How long audit events are kept. A hundred years before, the database's calendar still has a date.
pub(crate) type AuditRetention = Lifetime<{ SHORTEST_RETENTION_DAYS as u64 * 86_400 }, { 36_500 * 86_400 }>;

/// Jeton's auth service: signs people in, issues tokens and revokes them.
#[derive(Debug, clap::Parser)]
#[command(name = "jeton-auth-api", version)]
pub struct Settings {
    /// Where the database is.
    #[command(flatten)]
    pub database: DatabaseSettings,

    /// Where the auth service listens
    #[arg(long, env = ADDRESS, default_value = "127.0.0.1:8080", help_heading = "HTTP")]
    pub address: SocketAddr,

    /// How those who connect are treated.
    #[command(flatten)]
    pub http: HttpArgs,

    /// Where the pages are at which people allow apps to use their accounts, if they are not served from here
    ///
    /// As `https://login.example.org`: a copy of `web/`, which says there what it needs. `/authorize`, `/device` and
    /// `/account/apps` of the auth API then redirect there, and its origin has to be one of JETON_CORS_ORIGINS.
    #[arg(long, env = "JETON_PAGES_URL", help_heading = "HTTP")]
    pub pages_url: Option<PagesUrl>,

    /// What apps know this service by: its origin, as `https://auth.example.org`
    ///
    /// It stands in the metadata and goes along with each redirect, and apps compare it. Where nothing is set, it is `http://`
    /// and the name by which a request has called: for development.
    #[arg(long, env = "JETON_ISSUER", help_heading = "Apps")]
    pub issuer: Option<Issuer>,

    /// How long an access token of an app lives
    #[arg(
        long,
        env = "JETON_ACCESS_TOKEN_TTL",
        default_value = "1h",
        help_heading = "Apps"
    )]
    pub access_token_ttl: DurationSetting<60_000, { 86_400 * 1_000 }>,

    /// How long an app's refresh token lives after its last use
    #[arg(
        long,
        env = "JETON_REFRESH_TOKEN_TTL",
        default_value = "30d",
        help_heading = "Apps"
    )]
    pub refresh_token_ttl: DurationSetting<{ 3_600 * 1_000 }, { 3_650 * 86_400 * 1_000 }>,

    /// How many requests of apps may begin from an IPv4 address, or a /64 of IPv6, in an hour
    ///
    /// As many at once, and the rest over the hour; those beyond are answered 429. Each instance counts for itself.
    #[arg(
        long,
        env = "JETON_NETWORK_AUTHORIZATIONS",
        default_value = "3000",
        help_heading = "Rate limits"
    )]
    pub network_authorizations: NumberSetting<10, 1_000_000>,

    /// How long tokens live, and how many there may be.
    #[command(flatten)]
    pub tokens: TokenArgs,

    /// How long a token from signing in is accepted after its last use
    ///
    /// Uses are written to the minute, so that a token may end up to two minutes early: hours or days are the times to
    /// set. Stored with each token when it is issued. Tokens made for programs have none.
    #[arg(
        long,
        env = "JETON_TOKEN_IDLE_TTL",
        default_value = "never",
        value_parser = lifetime::<IdleTimeout>,
        help_heading = "Tokens"
    )]
    pub token_idle_ttl: IdleTimeout,

    /// Whether anybody may sign up, or only the operator creates users
    #[arg(
        long,
        env = "JETON_SIGNUP",
        default_value = "open",
        help_heading = "Users and passwords"
    )]
    pub signup: Signup,

    /// What new users may do.
    #[command(flatten)]
    pub default_scopes: DefaultScopesArgs,

    /// How passwords are stored.
    #[command(flatten)]
    pub passwords: PasswordArgs,

    /// How many password checks may wait for a core; those beyond are answered 503
    ///
    /// When it is full, the network that has the most places in it loses the latest to others.
    #[arg(
        long,
        env = "JETON_HASHING_QUEUE",
        default_value = "32",
        help_heading = "Users and passwords"
    )]
    pub hashing_queue: NumberSetting<0, 10_000>,

    /// How many sign-ins to an account may fail in a row: a quarter at once, then with growing delays, and after the last
    /// none for a day
    ///
    /// Networks that the account has signed in from are counted by themselves.
    #[arg(
        long,
        env = "JETON_ACCOUNT_FAILURES",
        default_value = "100",
        help_heading = "Rate limits"
    )]
    pub account_failures: NumberSetting<4, 100>,

    /// How many sign-ins from a network may fail.
    #[command(flatten)]
    pub network_limit: NetworkLimitArgs,

    /// How often in an hour a user may do what is written down: sign in, change the password, the name or the e-mail address,
    /// make, renew or rename a token, decide about an app
    ///
    /// As many at once, and the rest over the hour; those beyond are answered 429. Each instance counts for itself. What
    /// revokes tokens is not counted; of those that a user's apps give back, so many are written down.
    #[arg(
        long,
        env = "JETON_USER_ACTS",
        default_value = "1000",
        help_heading = "Rate limits"
    )]
    pub user_acts: NumberSetting<1, 1_000_000>,

    /// How long audit events are kept; `never`: none is deleted
    #[arg(
        long,
        env = "JETON_AUDIT_RETENTION",
        default_value = "365d",
        value_parser = lifetime::<AuditRetention>,
        help_heading = "Audit log"
    )]
    pub audit_retention: AuditRetention,

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
    /// Anybody may.
    Open,
    /// Nobody may; the operator creates users.
    Closed,
}
