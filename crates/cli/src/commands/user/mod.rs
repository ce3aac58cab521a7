mod create;
mod delete;
mod disable;
mod enable;
mod list;
mod set_password;
mod set_scopes;
mod unblock;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    Create(create::Args),
    List(list::Args),
    Disable(disable::Args),
    Enable(enable::Args),
    SetScopes(set_scopes::Args),
    SetPassword(set_password::Args),
    Unblock(unblock::Args),
    Delete(delete::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create(args) => create::run(args),
            Self::List(args) => list::run(&args),
            Self::Disable(args) => disable::run(&args),
            Self::Enable(args) => enable::run(&args),
            Self::SetScopes(args) => set_scopes::run(&args),
            Self::SetPassword(args) => set_password::run(&args),
            Self::Unblock(args) => unblock::run(&args),
            Self::Delete(args) => delete::run(&args),
        }
    }
}
