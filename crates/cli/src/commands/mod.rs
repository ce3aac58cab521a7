//! The commands, one file each: its arguments, and what it does.

mod audit;
mod client;
mod completions;
mod doctor;
mod healthcheck;
mod migrate;
mod network;
mod role;
mod scope;
mod token;
mod user;
mod verifier;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    Migrate(migrate::Args),
    /// Manage users
    #[command(subcommand)]
    User(user::Command),
    /// Manage users' tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Manage clients: the programs that users let act for them
    #[command(subcommand)]
    Client(client::Command),
    /// Manage the scopes that users may give to clients
    #[command(subcommand)]
    Scope(scope::Command),
    /// See and forget the failed sign-ins that count for networks
    #[command(subcommand)]
    Network(network::Command),
    /// Manage the roles that services sign in to the database as
    #[command(subcommand)]
    Role(role::Command),
    Audit(audit::Args),
    /// See which services may check tokens from memory
    #[command(subcommand)]
    Verifier(verifier::Command),
    Doctor(doctor::Args),
    Healthcheck(healthcheck::Args),
    Completions(completions::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Migrate(args) => migrate::run(&args),
            Self::User(command) => command.run(),
            Self::Token(command) => command.run(),
            Self::Client(command) => command.run(),
            Self::Scope(command) => command.run(),
            Self::Network(command) => command.run(),
            Self::Role(command) => command.run(),
            Self::Audit(args) => audit::run(&args),
            Self::Verifier(command) => command.run(),
            Self::Doctor(args) => doctor::run(&args),
            Self::Healthcheck(args) => healthcheck::run(&args),
            Self::Completions(args) => completions::run(&args),
        }
    }
}
