//! Checks the revocation protocol: see the README of `jeton-model`.

use anyhow::Context;
use clap::Parser;
use jeton_model::{Mutant, Protocol, Scenario, Size, check, scenarios};
use std::io::Write;
use std::num::NonZero;
use std::process::ExitCode;

/// Checks the revocation protocol in every scenario, or shows what goes wrong without one of its rules.
#[derive(Parser)]
#[command(name = "jeton-model", version)]
struct Arguments {
    /// How much to check
    #[arg(long, value_enum, default_value_t)]
    size: Size,
    /// The one scenario to check
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// The rule to leave out
    #[arg(long, value_enum, value_name = "NAME")]
    mutant: Option<Mutant>,
    /// How many threads to check with; with one, counterexamples are as short as can be
    #[arg(long)]
    threads: Option<NonZero<usize>>,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let cores = std::thread::available_parallelism();
    let threads = arguments.threads.or(cores.ok()).map_or(1, NonZero::get);
    let mut as_expected = true;
    for scenario in wanted(&arguments)? {
        let mutant = arguments.mutant;
        let report = check(&Protocol { scenario, mutant }, threads);
        as_expected &= report.is_as_expected();
        writeln!(std::io::stdout(), "{report}")?;
    }
    Ok(if as_expected {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn wanted(arguments: &Arguments) -> anyhow::Result<Vec<Scenario>> {
    let all = scenarios(arguments.size);
    let names: Vec<_> = all.iter().map(|scenario| scenario.name).collect();
    match (&arguments.scenario, arguments.mutant) {
        (Some(name), _) => {
            let chosen = all.iter().find(|scenario| scenario.name == name);
            let chosen =
                chosen.with_context(|| format!("no scenario {name:?}; there are {}", names.join(", ")))?;
            Ok(vec![chosen.clone()])
        }
        (None, Some(mutant)) if mutant.breaks().is_some() => Ok(vec![mutant.scenario()]),
        (None, _) => Ok(all.to_vec()),
    }
}
