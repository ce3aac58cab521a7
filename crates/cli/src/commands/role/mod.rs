mod create;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    Create(create::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create(args) => create::run(&args),
        }
    }
}
