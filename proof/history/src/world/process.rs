use jeton_proof_support::Process;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a process may take to end by itself.
pub(crate) const END: Duration = Duration::from_secs(8);

/// What a process is to be told at its start.
pub(crate) struct Start<'a> {
    pub(crate) name: &'a str,
    pub(crate) subcommand: &'static str,
    pub(crate) env: Vec<(&'static str, String)>,
    pub(crate) logs: Option<&'a PathBuf>,
}

impl Start<'_> {
    /// Starts this program once more. `line` gets each line of its standard output.
    pub(crate) fn start(self, line: impl FnMut(String) + Send + 'static) -> anyhow::Result<Process> {
        let stderr = match self.logs {
            Some(directory) => std::fs::File::create(directory.join(format!("{}.err", self.name)))?.into(),
            None => Stdio::null(),
        };
        let mut command = this_program()?;
        command.arg(self.subcommand).envs(self.env).stderr(stderr);
        Process::start(&mut command, line)
    }
}

/// This program, for another role.
pub(crate) fn this_program() -> anyhow::Result<Command> {
    #[cfg_attr(not(feature = "negative-controls"), expect(unused_mut))]
    let mut command = jeton_proof_support::this_program()?;
    #[cfg(feature = "negative-controls")]
    command.args(crate::negative::arguments());
    Ok(command)
}
