use crate::machine::{CpuUse, Machine, PageTouch, cores};
use crate::measure::{self, Bench};
use crate::plan::{Kind, Plan};
use crate::report::Report;
use crate::role::{self, database_url};
use crate::say;
use anyhow::Context;
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::time::{Duration, Instant};

/// Measure Jeton and its alternatives side by side, and write a report.
///
/// DATABASE_URL names a Postgres where databases may be made; they are dropped at the end. scripts/bench starts one for
/// the run. Only an optimised build is worth running, and only on a machine that has nothing else to do.
#[derive(Debug, clap::Parser)]
#[command(name = "jeton-bench", version)]
pub struct Cli {
    /// Everything once and briefly, to see that it works: the figures mean nothing
    #[arg(long)]
    quick: bool,

    /// Look-ups in a table of ten million tokens as well, which takes minutes to fill and some gigabytes
    #[arg(long, conflicts_with = "quick")]
    large: bool,

    /// Where to write the report [default: docs/benchmarks; with --quick target/bench]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// One measurement alone, printed and not written
    #[arg(long, value_name = "PART", conflicts_with_all = ["large", "out"])]
    only: Option<Part>,

    /// What a process of the run does
    #[arg(long, hide = true)]
    role: Option<Role>,
}

/// What can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Sign-ins, and other requests meanwhile
    Logins,
    /// Logouts while one address floods the login
    Flood,
    /// Logouts, with more and more verifiers
    Revocations,
    /// Tokens for refresh tokens, by very many grants, and the purge of what has expired
    Refreshes,
}

/// What a process of the run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    Service,
    Introspection,
    AuthApi,
    Memory,
    Load,
}

/// The whole program.
pub fn run(cli: Cli) -> ExitCode {
    let result = match cli.role {
        Some(role) => role::play(role),
        None => bench(&cli),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn bench(cli: &Cli) -> anyhow::Result<()> {
    let (plan, minutes) = match (cli.quick, cli.large) {
        (true, _) => (Plan::quick(), 5),
        (false, false) => (Plan::full(false), 30),
        (false, true) => (Plan::full(true), 90),
    };
    end_after(Duration::from_secs(minutes * 60));
    if cfg!(debug_assertions) {
        say("this is no optimised build: the figures mean nothing");
    }
    let server = database_url()?;
    let bench = Bench {
        plan: &plan,
        server: &server,
        cores: cores(),
    };
    if let Some(part) = cli.only {
        say(&measure::only(&bench, part)?);
        return Ok(());
    }
    let default = match plan.kind {
        Kind::Quick => Path::new("target/bench"),
        Kind::Full => Path::new("docs/benchmarks"),
    };
    let out = cli.out.as_deref().unwrap_or(default);
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;

    let (machine, start) = (Machine::look(&server)?, Instant::now());
    let before = CpuUse::now();
    let page_touch = PageTouch::measure();
    let idle = CpuUse::now();
    let results = measure::all(&bench)?;
    let report = Report {
        plan: &plan,
        machine: &machine,
        results: &results,
        took: start.elapsed(),
        page_touch,
        busy_before: before.zip(idle).map(|(before, idle)| idle.busy_since(before)),
        stolen: idle
            .zip(CpuUse::now())
            .map(|(before, after)| after.stolen_since(before)),
    };
    report.write(out)
}

/// Whatever hangs does not hang for ever: this process ends, and all others with it.
fn end_after(time: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(time);
        say("the run takes too long, something hangs");
        process::exit(1);
    });
}
