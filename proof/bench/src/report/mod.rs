//! The report: what was promised, what was measured, on what, and how to do it again.

pub(crate) mod delegation;
pub(crate) mod sections;
mod summary;

use crate::chart::{self, Bar};
use crate::machine::{LEFT_ALONE, Machine, PageTouch};
use crate::plan::{Kind, Plan};
use crate::results::{Contender, Results};
use crate::say;
use crate::stats::Spread;
use anyhow::Context;
use std::path::Path;
use std::time::Duration;

const CHART: &str = "throughput.svg";

const AGAIN: &str = "## Again

```sh
scripts/bench            # all of this, in minutes; the machine should have nothing else to do
scripts/bench --large    # with the table of ten million rows
scripts/bench --quick    # whether it works
cargo bench -p jeton-bench    # the checks in process alone, by Criterion
```
";

pub(crate) struct Report<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) machine: &'a Machine,
    pub(crate) results: &'a Results,
    pub(crate) took: Duration,
    pub(crate) page_touch: PageTouch,
    /// The part of the machine that somebody else used just before the run.
    pub(crate) busy_before: Option<f64>,
    /// The part of the machine that its host gave to others during the run.
    pub(crate) stolen: Option<f64>,
}

impl Report<'_> {
    pub(crate) fn write(&self, directory: &Path) -> anyhow::Result<()> {
        let targets = summary::targets(self.results);
        let text = [
            self.head(),
            summary::table(&targets),
            sections::in_process(self.results),
            sections::over_http(self.plan, self.results, CHART),
            sections::table_sizes(self.results),
            sections::revocations(self.results),
            delegation::section(&self.results.refreshes),
            sections::flood(&self.results.flood),
            sections::logins(&self.results.logins),
            self.conditions(),
        ];
        for (name, text) in [("README.md", text.join("\n")), (CHART, self.chart())] {
            let path = directory.join(name);
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        for line in summary::lines(&targets) {
            say(&line);
        }
        say(&format!(
            "the report is {}",
            directory.join("README.md").display()
        ));
        Ok(())
    }

    fn head(&self) -> String {
        let machine = self.machine;
        let what = format!(
            "Written by `scripts/bench` on {}; not by hand. All figures are of one run on one machine, load and database \
            included: {} ({} cores), {} of memory, {}, Postgres {}, rustc {}.",
            machine.date,
            machine.cpu,
            machine.cores,
            machine.memory,
            machine.kernel,
            machine.postgres.version,
            machine.rustc,
        );
        let mut text = format!("# Benchmarks\n\n{}", paragraph(&what));
        if self.plan.kind == Kind::Quick {
            text.push_str("\n**A quick run, to see that it works: none of these figures means anything.**\n");
        }
        if cfg!(debug_assertions) {
            text.push_str("\n**Not an optimised build: none of these figures means anything.**\n");
        }
        for (part, what) in [
            (
                self.busy_before,
                "of the machine was in use by others when the run began",
            ),
            (
                self.stolen,
                "of the machine's time was given to others by its host during the run",
            ),
        ] {
            if let Some(part) = part.filter(|part| *part > 0.03) {
                text.push_str(&format!(
                    "\n**Not a quiet machine: {:.0} % {what}.**\n",
                    part * 100.0
                ));
            }
        }
        if self.page_touch.is_dear() {
            text.push_str(&format!("\n**{}**\n", paragraph(&format!(
                "Not a machine that leaves memory alone: {}. What was idle for a moment is slow here, and so are large tables.",
                of_page(self.page_touch)
            )).trim_end()));
        }
        text
    }

    fn chart(&self) -> String {
        let mut bars: Vec<Bar> = self
            .results
            .http
            .iter()
            .filter_map(|result| {
                let Spread { median, low, high } = Spread::of(result.rate.iter().copied())?;
                Some(Bar {
                    label: result.contender.label().to_owned(),
                    value: median,
                    low,
                    high,
                    own: matches!(result.contender, Contender::JetonKnown | Contender::JetonUnknown),
                })
            })
            .collect();
        bars.sort_by(|a, b| b.value.total_cmp(&a.value));
        chart::svg(
            "Requests a second to the same handler, by what stands before it",
            &bars,
        )
    }

    fn conditions(&self) -> String {
        let settings = self.machine.postgres.settings.iter();
        let settings: Vec<_> = settings
            .map(|(name, value)| format!("`{name} = {value}`"))
            .collect();
        let mut how = format!(
            "Postgres with {}; `scripts/bench` starts it as `scripts/up` does, unless `DATABASE_URL` names another. Everything on the loopback \
            interface. An optimised build. The run took {} minutes.",
            settings.join(", "),
            number(self.took.as_secs_f64() / 60.0),
        );
        if let Some(autogroup) = &self.machine.autogroup {
            how.push_str(&format!(
                " `kernel.sched_autogroup_enabled = {autogroup}`: with 1, the hashing's low priority counts for \
                less (docs/OPERATING.md)."
            ));
        }
        if let (Some(busy), Some(stolen)) = (self.busy_before, self.stolen) {
            how.push_str(&format!(
                " Just before it {:.1} % of the machine was in use, and during it its host took {:.1} % away.",
                busy * 100.0,
                stolen * 100.0
            ));
        }
        how.push_str(&format!(" In the beginning, {}.", of_page(self.page_touch)));
        format!("## Conditions\n\n{}\n{AGAIN}", paragraph(&how))
    }
}

fn of_page(PageTouch { at_once, left_alone }: PageTouch) -> String {
    format!(
        "a page of 4 KiB took {} µs to touch when nothing had touched it for {} seconds, and {} µs when it was just touched",
        number(left_alone.as_secs_f64() * 1e6),
        LEFT_ALONE.as_secs(),
        number(at_once.as_secs_f64() * 1e6),
    )
}

/// One paragraph of Markdown, in lines of at most 120 characters where words allow it.
pub(crate) fn paragraph(text: &str) -> String {
    let (mut lines, mut length) = (String::new(), 0);
    for word in text.split_whitespace() {
        let size = word.chars().count();
        if length == 0 {
            length = size;
        } else if length + 1 + size > 120 {
            lines.push('\n');
            length = size;
        } else {
            lines.push(' ');
            length += 1 + size;
        }
        lines.push_str(word);
    }
    lines + "\n"
}

/// `1234567.8` as `1,234,568`.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three digits that count, as far as there are decimals to give: `0.0123`, `1.23`, `12.3`, `1,234`.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let decimals = match value.abs() {
        0.0 => 0,
        size if size < 1.0 => 3,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    if decimals == 0 {
        thousands(value)
    } else {
        format!("{value:.decimals$}")
    }
}

/// The median, and from where to where the rounds went.
pub(crate) fn spread(spread: Option<Spread>) -> String {
    spread.map_or_else(
        || "–".to_owned(),
        |Spread { median, low, high }| format!("{} ({} – {})", number(median), number(low), number(high)),
    )
}

/// A table in Markdown; the first column is text, the others are figures.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let rule: Vec<String> = (0..head.len())
        .map(|column| if column == 0 { "---" } else { "---:" }.to_owned())
        .collect();
    let rows: String = rows.iter().map(|row| line(row)).collect();
    line(&head) + &line(&rule) + &rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count() {
        for (value, text) in [
            (0.0, "0"),
            (0.9534, "0.953"),
            (1.0, "1.00"),
            (9.994, "9.99"),
            (12.34, "12.3"),
            (123.4, "123"),
            (999.6, "1,000"),
            (1234567.8, "1,234,568"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_spread_tells_its_ends() {
        assert_eq!(spread(Spread::of([3.0, 1.0, 2.0])), "2.00 (1.00 – 3.00)");
        assert_eq!(spread(None), "–");
    }

    #[test]
    fn a_paragraph_is_broken_between_words() {
        let text = "word ".repeat(30);
        let lines: Vec<_> = paragraph(&text).lines().map(str::len).collect();
        assert_eq!(lines, [119, 29]);
        assert_eq!(paragraph("one"), "one\n");
    }

    #[test]
    fn a_table_is_markdown() {
        let rows = [vec!["a".to_owned(), "1".to_owned()]];
        assert_eq!(
            table(&["what", "how many"], &rows),
            "| what | how many |\n| --- | ---: |\n| a | 1 |\n"
        );
    }
}
