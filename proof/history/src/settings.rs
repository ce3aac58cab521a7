use std::path::PathBuf;
use std::time::Duration;

/// Run processes, a workload and faults, and judge what happens
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Settings {
    /// How long, in seconds; ending takes a little longer
    #[arg(long, default_value_t = 60)]
    pub(crate) seconds: u64,

    /// What acts and faults are drawn from; the same seed makes the same choices, not the same history
    #[arg(long, default_value_t = rand::random())]
    pub(crate) seed: u64,

    /// How many verifier processes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) verifiers: u32,

    /// How many auth services
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) auths: u32,

    /// How many users act at the same time
    #[arg(long, default_value_t = 12)]
    pub(crate) users: u32,

    /// How many clients of others act at the same time, for two users each
    #[arg(long, default_value_t = 2)]
    pub(crate) apps: u32,

    /// How long a verifier's lease lasts
    #[arg(long, default_value = "2s", value_parser = humantime::parse_duration)]
    pub(crate) lease: Duration,

    /// How much longer than a lease an acknowledgement may take while the database is there
    #[arg(long, default_value = "3s", value_parser = humantime::parse_duration)]
    pub(crate) allowance: Duration,

    /// Which faults, with commas between them [default: all]
    #[arg(long, value_delimiter = ',')]
    pub(crate) faults: Option<Vec<crate::faults::Fault>>,

    /// Run on a primary and a synchronous standby, one of which takes over from the other again and again
    #[arg(long, value_name = "BEHIND", conflicts_with = "database_url")]
    pub(crate) pair: Option<Pair>,

    /// How long a service may take to work again, once there is a primary, before that counts as never
    #[arg(long, default_value = "60s", value_parser = humantime::parse_duration)]
    pub(crate) patience: Duration,

    /// Write what each process logs to files in this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) logs: Option<PathBuf>,

    /// A server to make a database on, in place of a private Postgres; it is not restarted then
    #[arg(
        long,
        env = "DATABASE_URL",
        value_name = "DATABASE_URL",
        hide_env_values = true
    )]
    pub(crate) database_url: Option<String>,
}

/// How services find the primary of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Pair {
    /// Both stand in DATABASE_URL
    Hosts,
    /// By way of one HAProxy, which asks for the primary's health and ends the sessions of a server that is down
    Haproxy,
}

impl Settings {
    /// How long a revocation may take. Clocks may differ by a tenth, so a verifier of which nothing is heard is waited
    /// for a tenth longer than its lease.
    pub(crate) fn bound(&self) -> Duration {
        self.lease + self.lease / 10 + self.allowance
    }
}
