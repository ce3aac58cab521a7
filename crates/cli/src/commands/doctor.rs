use crate::error::{CouldNotLook, Status};
use crate::{database, output, parse};
use anyhow::Context as _;
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::doctor::{self, CHECKS, Check, Context, Finding, Severity};
use serde::Serialize;
use std::time::{Duration, Instant};

/// Look for what is wrong with the database, or will be
///
/// Tells what services and people would trip over: who keeps logouts waiting, triggers that are off, roles that may too much,
/// users who cannot sign in, rows that cannot be read, settings, clocks, locks; each with what to do about it. Changes
/// nothing. Takes up to a lease, since a verifier that has died is known by not renewing.
///
/// Exit status: 0 where all was looked at and nothing is an error, 1 where something is, 2 where something could not be
/// looked at (and nothing is an error), as for a role that may not see it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Tell of transactions that have been open for so long
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse::duration)]
    transaction_age: Duration,

    /// Answer in JSON: {"status": "ok", "checks": [{"id", "status"}], "findings": [{"check", "severity", "found", "remedy"}]}
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    database: DatabaseSettings,
}

#[derive(Serialize)]
struct Report {
    /// The worst of them: `ok`, `warning`, `unseen` or `error`.
    status: &'static str,
    checks: Vec<Checked>,
    findings: Vec<Found>,
}

#[derive(Serialize)]
struct Checked {
    id: &'static str,
    status: &'static str,
}

#[derive(Serialize)]
struct Found {
    check: &'static str,
    severity: &'static str,
    found: String,
    remedy: String,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let context = Context {
        url: args.database.database_url()?,
        connected_at: Instant::now(),
        transaction_age: args.transaction_age,
    };
    let mut connection = database::connect(&args.database).context(CouldNotLook)?;
    let mut worst = None;
    let mut report = Report {
        status: "",
        checks: Vec::new(),
        findings: Vec::new(),
    };
    let mut unwritten = None;
    doctor::examine(&mut connection, &context, |check, findings| {
        let status = findings.iter().map(|finding| finding.severity).max();
        worst = worst.max(status);
        let id = check.id;
        if args.json {
            report.checks.push(Checked {
                id,
                status: name(status),
            });
            report
                .findings
                .extend(findings.into_iter().map(|finding| found(id, finding)));
        } else if unwritten.is_none() {
            // What nobody reads is looked at all the same: the exit status tells of it.
            unwritten = output::write(&text(check, status, &findings)).err();
        }
    })
    .context(CouldNotLook)?;
    report.status = name(worst);
    let written = if args.json {
        output::json(&report)
    } else {
        unwritten.map_or(Ok(()), Err)
    };
    match worst {
        // First of all what was found: a script may ask for the exit status alone, and read nothing.
        Some(Severity::Error) => Err(Status(1).into()),
        Some(Severity::Unseen) => Err(Status(2).into()),
        Some(Severity::Warning) | None => written,
    }
}

fn name(worst: Option<Severity>) -> &'static str {
    worst.map_or("ok", Severity::as_str)
}

fn found(check: &'static str, finding: Finding) -> Found {
    Found {
        check,
        severity: finding.severity.as_str(),
        found: finding.found,
        remedy: finding.remedy,
    }
}

fn text(check: &Check, status: Option<Severity>, findings: &[Finding]) -> String {
    let width = CHECKS
        .iter()
        .map(|check| check.id.len())
        .max()
        .unwrap_or_default();
    let mut text = format!("{:7}  {:width$}  {}\n", name(status), check.id, check.about);
    for finding in findings {
        text.push_str(&format!(
            "         {}: {}\n         remedy: {}\n",
            finding.severity.as_str(),
            finding.found,
            finding.remedy
        ));
    }
    text
}
