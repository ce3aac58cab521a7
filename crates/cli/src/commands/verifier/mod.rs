mod list;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    List(list::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(args) => list::run(&args),
        }
    }
}
