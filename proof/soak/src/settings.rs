use std::path::PathBuf;
use std::time::Duration;

/// Mixed load on two instances of each service, judged answer by answer, while Postgres is restarted.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "jeton-soak", version)]
pub(crate) struct Settings {
    /// How many minutes of load; beginning and ending come on top
    #[arg(default_value = "10", value_parser = minutes)]
    pub(crate) minutes: Duration,

    /// How many people act at the same time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=24))]
    pub(crate) people: u32,

    /// What acts are drawn from; the same seed makes the same choices, not the same history
    #[arg(long, default_value_t = rand::random())]
    pub(crate) seed: u64,

    /// The services' JETON_BCRYPT_COST: with their default of 12, little but hashing would happen
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(4..=18))]
    pub(crate) bcrypt_cost: u32,

    /// Write what each service logs, but for the line of each request, to files in this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) logs: Option<PathBuf>,
}

impl Settings {
    /// How long the load goes on before memory, descriptors and threads are looked at for the first time.
    pub(crate) fn warm_up(&self) -> Duration {
        (self.minutes / 4).min(Duration::from_secs(90))
    }

    /// When Postgres is restarted, and when it is stopped dead.
    pub(crate) fn outages(&self) -> [Duration; 2] {
        [self.minutes / 2, self.minutes.mul_f64(0.7)]
    }
}

fn minutes(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(minutes) if (0.1..=10_000.0).contains(&minutes) => Ok(Duration::from_secs_f64(minutes * 60.0)),
        _ => Err("say how many minutes, from 0.1 to 10000".to_owned()),
    }
}
