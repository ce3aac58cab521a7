use clap::builder::Resettable;
use clap::{Arg, Command};
use std::error::Error;

/// What a setting takes. The error of a value that is something else, and a part of the setting's help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("say {0}")]
pub struct Takes(pub String);

impl Takes {
    pub(crate) fn range(least: impl ToString, most: impl ToString) -> Self {
        Self(format!("{} to {}", least.to_string(), most.to_string()))
    }
}

/// Completes the help of a program's settings by what follows from their declarations: a value is called by the variable
/// that holds it, and the help ends with what the setting [takes](Takes).
#[must_use]
pub fn describe_settings(command: Command) -> Command {
    command.mut_args(describe).mut_subcommands(describe_settings)
}

fn describe(arg: Arg) -> Arg {
    let Some(variable) = arg.get_env().map(|name| name.to_string_lossy().into_owned()) else {
        return arg;
    };
    let arg = match (takes(&arg), arg.get_help().cloned()) {
        (Some(Takes(values)), Some(help)) => {
            let long = arg.get_long_help().cloned().unwrap_or_else(|| help.clone());
            arg.help(format!("{help} [{values}]"))
                .long_help(format!("{long} [{values}]"))
        }
        _ => arg,
    };
    arg.value_name(variable)
}

/// A value parser tells only of a value that it refuses what it takes, and all that tell it refuse nothing at all.
fn takes(arg: &Arg) -> Option<Takes> {
    let nothing = format!("--{}=", arg.get_long()?);
    let command = Command::new("").arg(arg.clone().env(Resettable::Reset));
    let refusal = command.try_get_matches_from(["", &nothing]).err()?;
    refusal.source()?.downcast_ref().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DurationSetting, NumberSetting};
    use clap::{CommandFactory, Parser};

    #[derive(Parser)]
    struct Program {
        /// How long
        ///
        /// And why.
        #[arg(long, env = "TEST_TIME", default_value = "1s")]
        time: DurationSetting<100, 60_000>,

        /// How many
        #[arg(long, env = "TEST_COUNT", default_value = "2")]
        count: NumberSetting<1, 3>,

        /// No setting
        #[arg(long)]
        other: Option<NumberSetting<1, 3>>,
    }

    #[test]
    fn help_names_the_variable_and_what_it_takes() {
        let mut command = describe_settings(Program::command());
        let help = command.render_long_help().to_string();
        assert!(help.contains("--time <TEST_TIME>"), "{help}");
        assert!(help.contains("And why. [100ms to 1m]"), "{help}");
        assert!(help.contains("How many [1 to 3]"), "{help}");
        assert!(help.contains("--other <OTHER>"), "{help}");
        let error = command
            .try_get_matches_from(["program", "--count", "4"])
            .unwrap_err();
        let expected = "error: invalid value '4' for '--count <TEST_COUNT>': say 1 to 3";
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
