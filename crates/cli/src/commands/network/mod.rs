mod list;
mod unblock;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    List(list::Args),
    Unblock(unblock::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(args) => list::run(args),
            Self::Unblock(args) => unblock::run(&args),
        }
    }
}
