use super::Bench;
use crate::child::Child;
use crate::cli::Role;
use crate::database::username;
use crate::http::{json_request, request_around_token};
use crate::load::{Fillings, Load, Outcome};
use crate::plan::KNOWN_TOKENS;
use crate::results::LoginResult;
use crate::role::AuthApi;
use crate::service::{Contenders, Service};
use crate::{BenchDatabase, Rows};
use anyhow::{Context, ensure};
use jeton_domain::{BcryptCost, NewPassword, Password, PasswordHash};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const PASSWORD: &str = "plenty-of-blue-herons";
const USERS: usize = 64;
/// Checks a second while sign-ins go on: a service that has other things to do than to be measured.
const PACE: f64 = 400.0;

struct Stage<'a> {
    bench: &'a Bench<'a>,
    database: BenchDatabase,
    rows: Rows,
    auth: SocketAddr,
    beside: SocketAddr,
    hash: PasswordHash,
    cost: BcryptCost,
}

pub(super) fn run(bench: &Bench<'_>) -> anyhow::Result<LoginResult> {
    let cost = BcryptCost::new(bench.plan.bcrypt_cost)?;
    let hash = hash(cost)?;
    let (database, rows) = bench.filled(bench.plan.few_rows)?;
    database.set_password(USERS, hash.expose_encoded())?;
    let config = AuthApi {
        bcrypt_cost: cost.get(),
    };
    let mut auth = Child::spawn(Role::AuthApi, database.url(), &config)?;
    let config = Service {
        workers: bench.workers(),
        contenders: Contenders::Jeton,
    };
    let mut beside = Child::spawn(Role::Service, database.url(), &config)?;
    let stage = Stage {
        bench,
        rows,
        auth: auth.receive()?,
        beside: beside.receive()?,
        database,
        hash,
        cost,
    };
    let mut result = LoginResult {
        bcrypt_cost: cost.get(),
        in_flight: stage.in_flight(),
        pace: PACE,
        ..LoginResult::default()
    };
    for _ in 0..bench.plan.login_rounds {
        stage.round(&mut result)?;
    }
    Ok(result)
}

fn hash(cost: BcryptCost) -> anyhow::Result<PasswordHash> {
    let password = NewPassword::choose(Password::new(PASSWORD.to_owned()), &username(0), None)?;
    Ok(PasswordHash::make(&password, cost, rand::random()))
}

impl Stage<'_> {
    fn in_flight(&self) -> usize {
        self.bench.cores + (3 * self.bench.cores).min(24)
    }

    /// The bound before and after the sign-ins that it is compared with; everything quiet next to everything busy.
    fn round(&self, result: &mut LoginResult) -> anyhow::Result<()> {
        let time = self.bench.plan.login_slice;
        result.hash_alone.push(self.hash_millis(1, time / 4)?);
        let before = self.hash_millis(self.bench.cores, time / 4)?;
        result.logins.push(
            self.start(&self.logins(time))?
                .receive::<Outcome>()?
                .checked()?
                .rate,
        );
        let after = self.hash_millis(self.bench.cores, time / 4)?;
        let together = (before + after) / 2.0;
        result.hash_together.push(together);
        result.bound.push(self.bench.cores as f64 / together * 1e3);

        for (place, latencies) in [
            (self.checks(self.auth, "/v1/verify"), &mut result.check_at_auth),
            (self.checks(self.beside, "/jeton"), &mut result.beside),
            (self.checks(self.auth, "/v1/me"), &mut result.queries_at_auth),
        ] {
            let quiet: Outcome = self.start(&place)?.receive()?;
            // They begin before the checks do, and end after them.
            let mut logins = self.start(&self.logins(time + Duration::from_secs(1)))?;
            std::thread::sleep(Duration::from_millis(500));
            let busy: Outcome = self.start(&place)?.receive()?;
            logins.receive::<Outcome>()?.checked()?;
            latencies[0].push(quiet.checked()?.latency);
            latencies[1].push(busy.checked()?.latency);
        }
        Ok(())
    }

    fn start(&self, load: &Load) -> anyhow::Result<Child> {
        Child::spawn(Role::Load, self.database.url(), load)
    }

    /// Milliseconds of one hash, while so many threads do nothing else.
    fn hash_millis(&self, threads: usize, time: Duration) -> anyhow::Result<f64> {
        let work = || {
            let (start, mut hashes) = (Instant::now(), 0);
            while start.elapsed() < time {
                let password = Password::new(PASSWORD.to_owned());
                std::hint::black_box(self.hash.check(&password, self.cost.rounds()));
                hashes += 1;
            }
            start.elapsed().as_secs_f64() * 1e3 / f64::from(hashes)
        };
        std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let mut total = 0.0;
            for thread in running {
                total += thread.join().ok().context("a hashing thread panicked")?;
            }
            Ok(total / threads as f64)
        })
    }

    /// As many sign-ins at once as keep every core busy, and the queue from being full.
    fn logins(&self, time: Duration) -> Load {
        let fillings = (0..USERS).map(|user| {
            let body = format!(
                r#"{{"username": "{}", "password": "{PASSWORD}"}}"#,
                username(user)
            );
            json_request("/v1/login", &body)
        });
        Load {
            address: self.auth,
            around: (String::new(), String::new()),
            fillings: Fillings::Texts(fillings.collect()),
            once: false,
            connections: self.in_flight(),
            threads: 1,
            warm_up: time / 8,
            time,
            pace: None,
        }
    }

    /// Requests at an even pace, of tokens that are known after the warm-up.
    fn checks(&self, address: SocketAddr, path: &str) -> Load {
        Load {
            address,
            around: request_around_token("GET", path),
            fillings: Fillings::Tokens {
                series: self.rows.series,
                start: 0,
                count: KNOWN_TOKENS.min(self.rows.count),
            },
            once: false,
            connections: 8,
            threads: 1,
            warm_up: self.bench.plan.login_slice / 8,
            time: self.bench.plan.login_slice / 2,
            pace: Some(PACE),
        }
    }
}

impl Outcome {
    fn checked(self) -> anyhow::Result<Self> {
        ensure!(self.refused == 0, "{} requests were refused", self.refused);
        Ok(self)
    }
}
