use crate::output;
use clap_complete::Shell;

/// Print what a shell needs to complete these commands
///
/// For one session: source <(jeton completions bash). For good, write it to where the shell looks for completions:
/// share/bash-completion/completions/jeton, share/zsh/site-functions/_jeton, share/fish/vendor_completions.d/jeton.fish.
#[derive(clap::Args)]
pub(crate) struct Args {
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::command(), "jeton", &mut script);
    output::write(&String::from_utf8(script)?)
}
