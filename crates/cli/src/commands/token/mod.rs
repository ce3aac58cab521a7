mod create;
mod list;
mod revoke;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    Create(create::Args),
    List(list::Args),
    Revoke(revoke::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create(args) => create::run(&args),
            Self::List(args) => list::run(&args),
            Self::Revoke(args) => revoke::run(&args),
        }
    }
}
