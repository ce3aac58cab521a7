//! Checks in process: Jeton from memory, and signed tokens.

#![expect(clippy::unwrap_used, reason = "what cannot be set up cannot be measured")]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use jeton_bench::{BenchDatabase, Jwt, JwtKeys, Known, Rows, TokenSeries};
use jeton_proof_support::TestDatabase;
use jsonwebtoken::Algorithm;
use std::time::Duration;

fn jeton(criterion: &mut Criterion) {
    let own = TestDatabase::empty();
    let mut group = criterion.benchmark_group("jeton, tokens known");
    for count in [10_000, 1_000_000] {
        let database = BenchDatabase::create(own.url()).unwrap();
        let series = TokenSeries::random();
        database.fill(Rows { series, count }).unwrap();
        let mut known = Known::connect(database.url(), count).unwrap();
        known.learn(series, 0..count).unwrap();
        known.prepare(series, count).unwrap();
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter_custom(|checks| known.time(usize::try_from(checks).unwrap()).unwrap());
        });
    }
}

fn signed(criterion: &mut Criterion) {
    let keys = JwtKeys::random().unwrap();
    let mut group = criterion.benchmark_group("jsonwebtoken");
    for (name, algorithm) in [("HS256", Algorithm::HS256), ("ES256", Algorithm::ES256)] {
        let tokens = keys.sign(algorithm, 1000).unwrap();
        let jwt: Jwt = keys.checking(algorithm);
        let mut tokens = tokens.iter().cycle();
        group.bench_function(name, |bencher| {
            bencher.iter(|| tokens.next().is_some_and(|token| jwt.verify(token)));
        });
    }
}

criterion_group! {
    name = checks;
    config = Criterion::default().measurement_time(Duration::from_secs(5));
    targets = jeton, signed
}
criterion_main!(checks);
