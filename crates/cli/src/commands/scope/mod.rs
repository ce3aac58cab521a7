mod delete;
mod list;
mod set;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    Set(set::Args),
    List(list::Args),
    Delete(delete::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Set(args) => set::run(args),
            Self::List(args) => list::run(&args),
            Self::Delete(args) => delete::run(&args),
        }
    }
}
