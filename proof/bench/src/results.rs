//! What a run measured.

use crate::memory;
use crate::stats::{Latency, Spread};

pub(crate) struct Results {
    pub(crate) memory: Vec<memory::Measured>,
    pub(crate) http: Vec<HttpResult>,
    pub(crate) workers: usize,
    pub(crate) redis: Option<String>,
    pub(crate) rows: RowsResult,
    pub(crate) logins: LoginResult,
    pub(crate) idle: IdleResult,
    pub(crate) revocations: RevocationResults,
    pub(crate) refreshes: RefreshResults,
    pub(crate) flood: FloodResult,
}

/// The ways to check a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    Open,
    JetonKnown,
    JetonUnknown,
    Pooled,
    Hs256,
    Es256,
    Redis,
    Introspection,
}

impl Contender {
    pub(crate) const ALL: [Self; 8] = [
        Self::Open,
        Self::JetonKnown,
        Self::Hs256,
        Self::Es256,
        Self::Redis,
        Self::JetonUnknown,
        Self::Pooled,
        Self::Introspection,
    ];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Open => "no check",
            Self::JetonKnown => "Jeton, token known",
            Self::JetonUnknown => "Jeton, token never seen before",
            Self::Pooled => "one pooled query a request",
            Self::Hs256 => "signed token, HS256",
            Self::Es256 => "signed token, ES256",
            Self::Redis => "session in Redis",
            Self::Introspection => "introspection over HTTP",
        }
    }

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Open => "/open",
            Self::JetonKnown | Self::JetonUnknown => "/jeton",
            Self::Pooled => "/pooled",
            Self::Hs256 => "/hs256",
            Self::Es256 => "/es256",
            Self::Redis => "/redis",
            Self::Introspection => "/introspection",
        }
    }
}

/// One contender, round by round.
pub(crate) struct HttpResult {
    pub(crate) contender: Contender,
    /// Requests a second.
    pub(crate) rate: Vec<f64>,
    /// Microseconds.
    pub(crate) p50: Vec<f64>,
    pub(crate) p99: Vec<f64>,
    /// Microseconds of CPU for a request, of the service and of the load, where that can be told.
    pub(crate) cpu: Vec<f64>,
    pub(crate) load_cpu: Vec<f64>,
}

impl Results {
    pub(crate) fn http(&self, contender: Contender) -> Option<&HttpResult> {
        self.http.iter().find(|result| result.contender == contender)
    }

    /// Throughput of one as a part of the other's, round by round.
    pub(crate) fn throughput(&self, of: Contender, to: Contender) -> Option<Spread> {
        Spread::of_ratios(&self.http(of)?.rate, &self.http(to)?.rate)
    }
}

/// Look-ups of tokens that are not known, in a small and a large table; microseconds each, round by round.
pub(crate) struct RowsResult {
    pub(crate) few: usize,
    pub(crate) many: usize,
    pub(crate) alone: [Vec<f64>; 2],
    pub(crate) together: [Vec<f64>; 2],
    /// How many were under way at once in `together`.
    pub(crate) in_flight: usize,
}

#[derive(Default)]
pub(crate) struct LoginResult {
    pub(crate) bcrypt_cost: u32,
    /// How many sign-ins were under way at once.
    pub(crate) in_flight: usize,
    /// Requests a second that were timed meanwhile.
    pub(crate) pace: f64,
    /// Milliseconds of one hash, with one core at work and with all.
    pub(crate) hash_alone: Vec<f64>,
    pub(crate) hash_together: Vec<f64>,
    /// Sign-ins a second, and what all cores hash in that time.
    pub(crate) logins: Vec<f64>,
    pub(crate) bound: Vec<f64>,
    /// Requests to the auth service itself, that need no more than a check, or queries, too; and checks at a service
    /// beside it: quiet, and while sign-ins saturate it.
    pub(crate) check_at_auth: [Vec<Latency>; 2],
    pub(crate) queries_at_auth: [Vec<Latency>; 2],
    pub(crate) beside: [Vec<Latency>; 2],
}

impl LoginResult {
    /// How many times the quiet p99 the other one is, round by round.
    pub(crate) fn slowdown([quiet, busy]: &[Vec<Latency>; 2]) -> Option<Spread> {
        let p99 = |rounds: &[Latency]| rounds.iter().map(|round| round.p99).collect::<Vec<_>>();
        Spread::of_ratios(&p99(busy), &p99(quiet))
    }
}

/// A service that has nothing to do, where that can be told.
#[derive(Default)]
pub(crate) struct IdleResult {
    /// How often its threads went to sleep, a second.
    pub(crate) wake_ups: Option<f64>,
    /// The part of a core that it took.
    pub(crate) core: Option<f64>,
    /// The part that a thread takes which wakes up as often and does nothing.
    pub(crate) sleeper: Option<f64>,
}

#[derive(Default)]
pub(crate) struct RevocationResults {
    /// From sending a durable `DELETE` and a `NOTIFY`, until it has committed and a listener has heard of it.
    pub(crate) bare: Latency,
    /// The same, after a second without any.
    pub(crate) bare_alone: Latency,
    /// With more and more verifiers.
    pub(crate) rounds: Vec<RevocationResult>,
    pub(crate) killed: KillResult,
}

impl RevocationResults {
    /// How many times that of the bare commit and notification the percentile is, with so many verifiers.
    pub(crate) fn of_bare(&self, verifiers: usize, percentile: fn(&Latency) -> f64) -> Option<f64> {
        let one = self.rounds.iter().find(|one| one.verifiers == verifiers)?;
        let times = percentile(&one.acknowledged) / self.bare.p50;
        times.is_finite().then_some(times)
    }
}

/// Logouts after half of the verifiers were killed at once.
#[derive(Default)]
pub(crate) struct KillResult {
    /// How many were killed, and how many were left.
    pub(crate) killed: usize,
    pub(crate) left: usize,
    /// Microseconds of the first logout, which waits until the dead answer no more.
    pub(crate) first: f64,
    pub(crate) after: Latency,
}

pub(crate) struct RevocationResult {
    pub(crate) verifiers: usize,
    /// From sending the logout to its answer.
    pub(crate) acknowledged: Latency,
    /// The same, of logouts before which there was none for a while.
    pub(crate) alone: Latency,
    /// Checks after the acknowledgement, and how many of them let the token through.
    pub(crate) checks: usize,
    pub(crate) accepted: usize,
}

/// Logouts while one address floods the login.
#[derive(Default)]
pub(crate) struct FloodResult {
    /// How many connections the flood has, and how many requests were answered on them.
    pub(crate) connections: usize,
    pub(crate) sent: usize,
    pub(crate) quiet: Latency,
    pub(crate) flooded: Latency,
    /// Logouts that were answered anything but 204, of all.
    pub(crate) refused: usize,
}

impl FloodResult {
    /// How many times the quiet p99 the other one is.
    pub(crate) fn slowdown(&self) -> Option<f64> {
        let slowdown = self.flooded.p99 / self.quiet.p99;
        slowdown.is_finite().then_some(slowdown)
    }
}

/// Access tokens for refresh tokens, each by a grant of its own.
pub(crate) struct RefreshResults {
    pub(crate) grants: usize,
    /// How many requests were under way at once.
    pub(crate) in_flight: usize,
    /// How many were issued in all.
    pub(crate) issued: usize,
    /// Bytes of a row, indexes included, of each table.
    pub(crate) sizes: Vec<(&'static str, f64)>,
    pub(crate) kinds: [RefreshKind; 2],
    pub(crate) purge: PurgeResult,
}

/// Those of one kind of client, round by round.
pub(crate) struct RefreshKind {
    pub(crate) client: &'static str,
    /// A second.
    pub(crate) rate: Vec<f64>,
    pub(crate) latencies: Vec<Latency>,
    /// What each has written: rows of tokens and refresh tokens, of the log of revocations, and bytes of the write-ahead log.
    pub(crate) rows: Vec<f64>,
    pub(crate) logged: Vec<f64>,
    pub(crate) wal_bytes: Vec<f64>,
}

impl RefreshKind {
    pub(crate) fn of(client: &'static str) -> Self {
        Self {
            client,
            rate: Vec::new(),
            latencies: Vec::new(),
            rows: Vec::new(),
            logged: Vec::new(),
            wal_bytes: Vec::new(),
        }
    }
}

/// Expired tokens of clients that were deleted.
pub(crate) struct PurgeResult {
    pub(crate) rows: usize,
    /// A second.
    pub(crate) rate: f64,
    /// Of the write-ahead log, each.
    pub(crate) wal_bytes: f64,
    /// Rows in the log of revocations, of all together.
    pub(crate) logged: f64,
}
