use jeton_local_postgres::LocalPostgres;
use jeton_proof_support::{run, without_settings};
use std::fs::read_to_string;

/// How many targets there are, and how many of them take the table of ten million tokens.
const TARGETS: (usize, usize) = (23, 2);
const OF_LARGE: &str = "needs `--large`";

/// The cells of the rows of the report's first table.
fn targets(report: &str) -> Vec<Vec<&str>> {
    let (_, section) = report.split_once("\n## Targets\n").unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

fn is_figure(measured: &str) -> bool {
    let number = measured.split(' ').next().unwrap_or_default().replace(',', "");
    number.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Not what the figures are: a debug build on a machine that runs tests tells nothing. The program ends itself after five
/// minutes.
#[test]
fn a_quick_run_comes_to_its_end_and_has_a_figure_for_each_target() {
    let (postgres, out) = (LocalPostgres::temporary().unwrap(), tempfile::tempdir().unwrap());
    let mut bench = without_settings(env!("CARGO_BIN_EXE_jeton-bench"));
    bench.args(["--quick", "--out"]).arg(out.path());
    let outcome = run(bench.env("DATABASE_URL", postgres.url()), "");
    assert_eq!(outcome.status, 0, "{}", outcome.text());

    let report = read_to_string(out.path().join("README.md")).unwrap();
    let targets = targets(&report);
    let of_large = targets.iter().filter(|target| target[2] == OF_LARGE);
    assert_eq!((targets.len(), of_large.count()), TARGETS, "{report}");
    // What only Linux counts.
    let is_untold =
        |measured: &str| !cfg!(target_os = "linux") && measured == "it cannot be told in this run";
    for target in &targets {
        let measured = target[2];
        assert!(
            is_figure(measured) || measured == OF_LARGE || is_untold(measured),
            "{target:?}:\n{}",
            outcome.text()
        );
    }
    let chart = read_to_string(out.path().join("throughput.svg")).unwrap();
    assert!(chart.starts_with("<svg"), "{chart}");
}
