use super::Bench;
use crate::child::Child;
use crate::cli::Role;
use crate::http::request_around_token;
use crate::jwt::JwtKeys;
use crate::load::{Fillings, Load, Outcome};
use crate::plan::KNOWN_TOKENS;
use crate::redis_server::RedisServer;
use crate::results::{Contender, HttpResult};
use crate::service::{Contenders, Others, Service};
use crate::{BenchDatabase, Rows};
use anyhow::ensure;
use jsonwebtoken::Algorithm;
use std::net::SocketAddr;
use std::time::Duration;

/// The services, what they need beside them, and the tokens.
struct Arena<'a> {
    bench: &'a Bench<'a>,
    database_url: &'a str,
    rows: Rows,
    /// Jeton's service, and that of all others.
    services: [(Child, SocketAddr); 2],
    _introspection: Child,
    hs256: Vec<String>,
    es256: Vec<String>,
}

/// Measures all contenders in turn, several times, so that whatever the machine does meanwhile it does to all.
pub(super) fn run(
    bench: &Bench<'_>,
    (database, rows): &(BenchDatabase, Rows),
    redis: Option<&RedisServer>,
) -> anyhow::Result<Vec<HttpResult>> {
    let arena = Arena::build(bench, database, *rows, redis)?;
    let mut results: Vec<HttpResult> = Contender::ALL
        .into_iter()
        .filter(|contender| *contender != Contender::Redis || redis.is_some())
        .map(HttpResult::new)
        .collect();
    for round in 0..bench.plan.rounds {
        let count = results.len();
        // Each round begins with another one: nobody always comes after the same.
        for number in 0..count {
            let result = &mut results[(round + number) % count];
            let measured = arena.measure(result.contender, round)?;
            result.rate.push(measured.outcome.rate);
            result.p50.push(measured.outcome.latency.p50);
            result.p99.push(measured.outcome.latency.p99);
            result.cpu.extend(measured.cpu);
            result.load_cpu.extend(measured.load_cpu);
        }
    }
    Ok(results)
}

impl HttpResult {
    fn new(contender: Contender) -> Self {
        Self {
            contender,
            rate: Vec::new(),
            p50: Vec::new(),
            p99: Vec::new(),
            cpu: Vec::new(),
            load_cpu: Vec::new(),
        }
    }
}

impl<'a> Arena<'a> {
    fn build(
        bench: &'a Bench<'a>,
        database: &'a BenchDatabase,
        rows: Rows,
        redis: Option<&RedisServer>,
    ) -> anyhow::Result<Self> {
        let jwt = JwtKeys::random()?;
        let mut introspection = Child::spawn(Role::Introspection, database.url(), &bench.workers())?;
        if let Some(redis) = redis {
            let known: Vec<String> = (0..KNOWN_TOKENS).map(|number| rows.series.text(number)).collect();
            redis.fill(&known)?;
        }
        let others = Others {
            jwt: jwt.clone(),
            introspection: introspection.receive()?,
            redis: redis.map(|redis| redis.url().to_owned()),
        };
        let start = |contenders| -> anyhow::Result<_> {
            let service = Service {
                workers: bench.workers(),
                contenders,
            };
            let mut service = Child::spawn(Role::Service, database.url(), &service)?;
            let address = service.receive()?;
            Ok((service, address))
        };
        Ok(Self {
            bench,
            database_url: database.url(),
            rows,
            services: [start(Contenders::Jeton)?, start(Contenders::Others(others))?],
            _introspection: introspection,
            hs256: jwt.sign(Algorithm::HS256, KNOWN_TOKENS)?,
            es256: jwt.sign(Algorithm::ES256, KNOWN_TOKENS)?,
        })
    }

    /// The tokens that a contender gets in this round, and whether each only once.
    fn fillings(&self, contender: Contender, round: usize) -> (Fillings, bool) {
        let tokens = |start, count| Fillings::Tokens {
            series: self.rows.series,
            start,
            count,
        };
        // What nobody has seen before is cut in as many parts as there are rounds.
        let part = (self.rows.count - KNOWN_TOKENS) / self.bench.plan.rounds;
        let unknown = tokens(KNOWN_TOKENS + round * part, part);
        match contender {
            Contender::Open | Contender::JetonKnown | Contender::Redis => (tokens(0, KNOWN_TOKENS), false),
            Contender::JetonUnknown => (unknown, true),
            Contender::Pooled | Contender::Introspection => (unknown, false),
            Contender::Hs256 => (Fillings::Texts(self.hs256.clone()), false),
            Contender::Es256 => (Fillings::Texts(self.es256.clone()), false),
        }
    }

    fn measure(&self, contender: Contender, round: usize) -> anyhow::Result<Measured> {
        let plan = self.bench.plan;
        let (fillings, once) = self.fillings(contender, round);
        let [jeton, others] = &self.services;
        let (service, address) = match contender {
            Contender::JetonKnown | Contender::JetonUnknown => jeton,
            _ => others,
        };
        let load = Load {
            address: *address,
            around: request_around_token("GET", contender.path()),
            fillings,
            once,
            connections: plan.connections,
            threads: self.bench.workers(),
            warm_up: plan.warm_up,
            time: plan.slice,
            pace: None,
        };
        let before = service.cpu_time();
        let outcome: Outcome = Child::spawn(Role::Load, self.database_url, &load)?.receive()?;
        let after = service.cpu_time();
        let name = contender.label();
        ensure!(
            outcome.refused == 0,
            "{name}: {} requests were refused",
            outcome.refused
        );
        ensure!(
            outcome.latency.count > 1,
            "{name}: no request was answered in time"
        );
        let each = |time: Duration| time.as_secs_f64() * 1e6 / outcome.sent as f64;
        Ok(Measured {
            cpu: before.zip(after).map(|(before, after)| each(after - before)),
            load_cpu: outcome.cpu.map(each),
            outcome,
        })
    }
}

/// One contender in one round.
struct Measured {
    outcome: Outcome,
    /// Microseconds of CPU that a request took of the service, and of the load.
    cpu: Option<f64>,
    load_cpu: Option<f64>,
}
