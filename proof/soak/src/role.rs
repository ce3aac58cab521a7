//! The programs of a run, each this one in another role: a run needs no other program, and tests what it was built with.

use clap::{Parser, ValueEnum};
use jeton_proof_support::{end_with_input, this_program};
use std::ffi::OsString;
use std::process::{Command, ExitCode};

/// What comes before the name of a role.
const ROLE: &str = "--role";

/// A program of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    AuthApi,
    ResourceApi,
    Jeton,
}

impl Role {
    /// The program, with nothing in its environment that is a setting.
    pub(crate) fn command(self) -> anyhow::Result<Command> {
        let mut command = this_program()?;
        let name = self.to_possible_value();
        command.arg(ROLE).args(name.iter().map(|name| name.get_name()));
        Ok(command)
    }
}

/// Does what the program would, if that is what the arguments ask for.
pub(crate) fn play(mut args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let program = args.next()?;
    if args.next()? != ROLE {
        return None;
    }
    let role = Role::from_str(args.next()?.to_str()?, false).ok()?;
    let args = std::iter::once(program).chain(args);
    Some(match role {
        Role::AuthApi => {
            end_with_input();
            let settings = jeton_auth_api::Settings::parse_from(args);
            let log = settings.log.clone();
            jeton_http_kit::run(&log, async {
                jeton_auth_api::start(settings).await?.serve().await
            })
        }
        Role::ResourceApi => {
            end_with_input();
            let settings = jeton_resource_api::Settings::parse_from(args);
            let log = settings.log.clone();
            jeton_http_kit::run(&log, async {
                jeton_resource_api::start(settings).await?.serve().await
            })
        }
        Role::Jeton => jeton_cli::run(args),
    })
}
