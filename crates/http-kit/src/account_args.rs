use crate::{NumberSetting, Takes, lifetime};
use jeton_domain::{BcryptCost, ScopeSet, TokenLifetime};

/// How new passwords are stored.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Users and passwords")]
pub struct PasswordArgs {
    /// The cost of a password's hash: each step doubles the time of a sign-in, and of a guess
    ///
    /// At 12, a hash takes about a quarter of a second of one core. Stored hashes of a lower cost are made anew when their
    /// users sign in; those of a higher one stay, and sign-ins take the time of the highest.
    #[arg(long, env = BCRYPT_COST, default_value = "12", value_parser = bcrypt_cost)]
    pub bcrypt_cost: BcryptCost,
}

/// Messages name it.
pub const BCRYPT_COST: &str = "JETON_BCRYPT_COST";

/// What new users may do.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Users and passwords")]
pub struct DefaultScopesArgs {
    /// What the tokens of a new user may do unless something else is said: scopes with spaces between them
    ///
    /// Empty, they hold no scope, and may do what needs none. `admin`, `tokens:introspect` and `tokens:revoke` are refused:
    /// they are not for everybody.
    #[arg(long, env = "JETON_DEFAULT_SCOPES", default_value = "", value_parser = ScopeSet::parse_default)]
    pub default_scopes: ScopeSet,
}

/// How long new tokens live, and how many there may be.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Tokens")]
pub struct TokenArgs {
    /// How long a token lives that is asked for without a time: `30d`, `12h`, seconds, or `never`
    ///
    /// No token from signing in lives longer.
    #[arg(long, env = "JETON_TOKEN_TTL", default_value = "30d", value_parser = lifetime::<TokenLifetime>)]
    pub token_ttl: TokenLifetime,

    /// How many valid tokens a user may have
    ///
    /// Beyond it, a sign-in revokes the login token that was not used for longest. Personal tokens stay; one more than
    /// leaves a place for signing in is refused.
    #[arg(long, env = "JETON_TOKENS_PER_USER", default_value = "100")]
    pub tokens_per_user: NumberSetting<2, 10_000>,
}

fn bcrypt_cost(text: &str) -> Result<BcryptCost, Takes> {
    text.parse()
        .map_err(|_| Takes::range(BcryptCost::LOWEST, BcryptCost::HIGHEST))
}

/// How many attempts to sign in may fail from one network.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Rate limits")]
pub struct NetworkLimitArgs {
    /// How many sign-ins from an IPv4 address, or a /64 of IPv6, may fail in an hour, whatever the account
    ///
    /// A sign-up counts as one that failed.
    #[arg(long, env = "JETON_NETWORK_FAILURES", default_value = "300")]
    pub network_failures: NumberSetting<4, 1_000_000>,
}
