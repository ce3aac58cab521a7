mod access;
mod change;
mod create;
mod delete;
mod list;
mod rename;
mod set_email;
mod set_password;
mod set_scopes;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    Create(create::Args),
    List(list::Args),
    /// Keep a user out: no sign-in, and none of the user's tokens is accepted
    ///
    /// The tokens are kept, and accepted again once the user is enabled. Twice does no harm.
    Disable(access::Args),
    /// Let a disabled user in again, with the tokens from before
    Enable(access::Args),
    Rename(rename::Args),
    SetEmail(set_email::Args),
    SetScopes(set_scopes::Args),
    SetPassword(set_password::Args),
    /// Forget a user's failed sign-ins, so that the next one is let through at once
    ///
    /// Services know of it within a second. From a network that too many have failed from, under whatever names, none is let
    /// through all the same: that passes within the hour, or by `jeton network unblock`.
    Unblock(access::Args),
    Delete(delete::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create(args) => create::run(args),
            Self::List(args) => list::run(&args),
            Self::Disable(args) => access::disable(&args),
            Self::Enable(args) => access::enable(&args),
            Self::Rename(args) => rename::run(&args),
            Self::SetEmail(args) => set_email::run(&args),
            Self::SetScopes(args) => set_scopes::run(&args),
            Self::SetPassword(args) => set_password::run(&args),
            Self::Unblock(args) => access::unblock(&args),
            Self::Delete(args) => delete::run(&args),
        }
    }
}
