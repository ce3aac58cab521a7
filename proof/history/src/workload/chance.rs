//! What is left to chance.

use super::By;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use std::time::Duration;

/// One of these, each as often as its weight says.
pub(super) fn draw<Act: Copy>(acts: &[(Act, u32)], rng: &mut StdRng) -> Act {
    match acts.choose_weighted(rng, |&(_, weight)| weight) {
        Ok(&(act, _)) => act,
        Err(error) => unreachable!("the weights are constants: {error}"),
    }
}

/// Between two acts.
pub(super) fn rest(rng: &mut StdRng) -> Duration {
    Duration::from_millis(rng.random_range(0..300))
}

/// How long something lasts that is undone again.
pub(super) fn while_(rng: &mut StdRng) -> Duration {
    Duration::from_millis(rng.random_range(300..1500))
}

pub(super) fn by(rng: &mut StdRng) -> By {
    if rng.random_bool(0.5) {
        By::Operator
    } else {
        By::Admin
    }
}
