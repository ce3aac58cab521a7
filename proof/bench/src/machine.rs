//! What the figures were measured on. No names of hosts, people or paths: the report is published.

use crate::BenchDatabase;
use std::process::Command;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory: String,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
    pub(crate) date: String,
    /// Linux's `kernel.sched_autogroup_enabled`: whether sessions share the cores, or threads by their priorities do.
    pub(crate) autogroup: Option<String>,
    pub(crate) postgres: Postgres,
}

/// The server's version and the settings that matter here.
pub(crate) struct Postgres {
    pub(crate) version: String,
    pub(crate) settings: Vec<(&'static str, String)>,
}

/// What it takes to touch a page of memory. Where a host takes back what its guests do not use, or a kernel looks for it, a page
/// that was left alone costs microseconds, and so does whatever was idle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageTouch {
    /// Of memory that was touched just before.
    pub(crate) at_once: Duration,
    /// Of memory that nothing has touched for [`LEFT_ALONE`].
    pub(crate) left_alone: Duration,
}

/// For how long memory is left alone to see what touching it takes then.
pub(crate) const LEFT_ALONE: Duration = Duration::from_secs(5);

/// What all cores have done since the machine was started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CpuUse {
    total: u64,
    idle: u64,
    stolen: u64,
}

const SETTINGS: [&str; 5] = [
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "max_connections",
];

pub(crate) fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

impl Machine {
    pub(crate) fn look(server: &str) -> anyhow::Result<Self> {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let unknown = || "unknown".to_owned();
        Ok(Self {
            cpu: field(&read("/proc/cpuinfo"), "model name")
                .or_else(|| output("sysctl", &["-n", "machdep.cpu.brand_string"]))
                .unwrap_or_else(unknown),
            cores: cores(),
            memory: field(&read("/proc/meminfo"), "MemTotal").map_or_else(unknown, |text| gibibytes(&text)),
            kernel: output("uname", &["-s"]).unwrap_or_else(unknown)
                + " "
                + &upstream(&output("uname", &["-r"]).unwrap_or_default()),
            rustc: output("rustc", &["--version"])
                .and_then(|text| Some(text.split(' ').nth(1)?.to_owned()))
                .unwrap_or_else(unknown),
            date: chrono::Utc::now().format("%-d %B %Y").to_string(),
            autogroup: std::fs::read_to_string("/proc/sys/kernel/sched_autogroup_enabled")
                .ok()
                .map(|text| text.trim().to_owned()),
            postgres: Postgres::ask(server)?,
        })
    }
}

impl PageTouch {
    /// Takes [`LEFT_ALONE`].
    pub(crate) fn measure() -> Self {
        const PAGE: usize = 4096;
        const PAGES: u32 = 4096;
        let mut memory = vec![1_u8; PAGE * PAGES as usize];
        let mut touch = || {
            let start = Instant::now();
            for byte in memory.iter_mut().step_by(PAGE) {
                *std::hint::black_box(byte) += 1;
            }
            start.elapsed() / PAGES
        };
        touch();
        let at_once = touch();
        std::thread::sleep(LEFT_ALONE);
        Self {
            at_once,
            left_alone: touch(),
        }
    }

    /// Whether a page that was left alone costs more than cold caches explain, which is some accesses to memory of 0.1 µs each.
    pub(crate) fn is_dear(self) -> bool {
        self.left_alone > Duration::from_micros(1)
    }
}

impl CpuUse {
    /// `None` where there is no `/proc`.
    pub(crate) fn now() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    /// user, nice, system, idle, iowait, irq, softirq, steal (Linux, proc(5)).
    fn parse(stat: &str) -> Option<Self> {
        let fields = stat.lines().next()?.split_whitespace().skip(1).take(8);
        let ticks: Vec<u64> = fields.map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Self {
            total: ticks.iter().sum(),
            idle: ticks.get(3)? + ticks.get(4)?,
            stolen: *ticks.get(7)?,
        })
    }

    /// The part of all cores' time that somebody used.
    pub(crate) fn busy_since(self, before: Self) -> f64 {
        1.0 - (self.idle - before.idle) as f64 / (self.total - before.total).max(1) as f64
    }

    /// The part of all cores' time that the host of a virtual machine gave to others.
    pub(crate) fn stolen_since(self, before: Self) -> f64 {
        (self.stolen - before.stolen) as f64 / (self.total - before.total).max(1) as f64
    }
}

impl Postgres {
    fn ask(server: &str) -> anyhow::Result<Self> {
        let database = BenchDatabase::create(server)?;
        let settings = SETTINGS.map(|name| Ok((name, database.setting(name)?)));
        // Without what the distribution adds in parentheses.
        let version = database.setting("server_version")?;
        Ok(Self {
            version: version.split(' ').next().unwrap_or_default().to_owned(),
            settings: settings.into_iter().collect::<anyhow::Result<_>>()?,
        })
    }
}

/// A line of a file in `/proc`: `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
}

fn gibibytes(kibibytes: &str) -> String {
    let number = kibibytes
        .split(' ')
        .next()
        .and_then(|text| text.parse::<f64>().ok());
    number.map_or_else(
        || kibibytes.to_owned(),
        |number| format!("{:.0} GiB", number / 1024.0 / 1024.0),
    )
}

/// The kernel's version without what a builder of kernels has added, which may name a machine.
fn upstream(release: &str) -> String {
    let end = release.find(|c: char| !(c.is_ascii_digit() || c == '.'));
    release[..end.unwrap_or(release.len())].to_owned()
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_linux_says() {
        let cpuinfo = "processor\t: 0\nmodel name\t: A CPU\n\nprocessor\t: 1\nmodel name\t: A CPU\n";
        assert_eq!(field(cpuinfo, "model name").as_deref(), Some("A CPU"));
        assert_eq!(field(cpuinfo, "flags"), None);
        let stat = |line| CpuUse::parse(line).unwrap();
        let (before, after) = (
            stat("cpu 0 0 0 0 0 0 0 0 0 0\ncpu0 1"),
            stat("cpu  40 5 10 20 5 5 5 10 0 0\n"),
        );
        assert_eq!(
            (after.busy_since(before), after.stolen_since(before)),
            (0.75, 0.1)
        );
        assert_eq!(gibibytes("24680000 kB"), "24 GiB");
        assert_eq!(upstream("6.18.44-somebodys-own"), "6.18.44");
    }
}
