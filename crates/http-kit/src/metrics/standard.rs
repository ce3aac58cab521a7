use super::{Metrics, RequestMetrics};
use crate::log_writer;
use jeton_persistence::Database;
use jeton_verifier::Verifier;
use std::sync::Arc;

impl Metrics {
    pub(crate) fn add_requests(&mut self, requests: Arc<RequestMetrics>) {
        self.add(move |samples| requests.write(samples));
    }

    pub(crate) fn add_log(&mut self) {
        self.add(|samples| {
            samples.counter(
                "jeton_log_lines_dropped",
                "Lines of the log that nobody took from standard output",
                log_writer::dropped(),
            )
        });
    }

    pub(crate) fn add_database(&mut self, database: Database) {
        self.add(move |samples| {
            let status = database.status();
            samples.gauge(
                "jeton_database_connections_max",
                "The most connections that the pool opens",
                status.most.into(),
            )?;
            samples.gauges(
                "jeton_database_connections",
                "Connections of the pool",
                &[
                    (&[("state", "idle")], status.idle.into()),
                    (
                        &[("state", "in_use")],
                        status.connections.saturating_sub(status.idle).into(),
                    ),
                ],
            )?;
            samples.gauge(
                "jeton_database_waiting",
                "Requests that wait for a connection",
                status.waiting as f64,
            )?;
            samples.counter(
                "jeton_database_connections_abandoned",
                "Connections of the pool that were abandoned, since the server did not answer",
                status.abandoned,
            )?;
            samples.gauge(
                "jeton_database_hanging_commits",
                "Commits that wait for a synchronous standby that does not answer",
                status.hanging_commits as f64,
            )
        });
    }

    pub(crate) fn add_verifier(&mut self, verifier: Verifier) {
        self.add(move |samples| {
            let status = verifier.status();
            let labels = |outcome, from| [("outcome", outcome), ("from", from)];
            samples.counters(
                "jeton_token_checks",
                "Checks of tokens, by what came out and by who was asked",
                &[
                    (&labels("valid", "memory"), status.hits),
                    (&labels("valid", "database"), status.looked_up_valid),
                    (&labels("invalid", "database"), status.looked_up_invalid),
                    (&labels("malformed", "nobody"), status.malformed),
                    (&labels("unavailable", "database"), status.unavailable),
                ],
            )?;
            samples.gauge(
                "jeton_lease_left_seconds",
                "How much longer known tokens can be checked without the database",
                status.lease_left.as_secs_f64(),
            )?;
            samples.gauge(
                "jeton_cached_tokens",
                "Tokens that can be checked without the database",
                status.entries as f64,
            )?;
            samples.counter(
                "jeton_database_servers_refused",
                "Connections refused since they were to a former primary",
                status.refused_servers,
            )
        });
    }
}
