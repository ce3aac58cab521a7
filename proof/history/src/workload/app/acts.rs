//! What happens to a client and its users, and how often.

use super::App;
use crate::workload::chance;
use crate::world::{Phase, World};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How many tokens it has of a user, at the least before anything is revoked.
const TOKENS: usize = 3;
/// How many for itself.
const OWN: usize = 2;

/// What happens next, and how often in a hundred times.
#[derive(Debug, Clone, Copy)]
enum Act {
    BeTakenBack,
    GiveBack,
    LoseUserEverywhere,
    LoseUserByPassword,
    LoseUserForAWhile,
    LoseScopeOfUser,
    BeDisabled,
    BeNarrowed,
    BeDeleted,
}

const ACTS: [(Act, u32); 9] = [
    (Act::BeTakenBack, 28),
    (Act::GiveBack, 10),
    (Act::LoseUserEverywhere, 8),
    (Act::LoseUserByPassword, 6),
    (Act::LoseUserForAWhile, 6),
    (Act::LoseScopeOfUser, 6),
    (Act::BeDisabled, 20),
    (Act::BeNarrowed, 10),
    (Act::BeDeleted, 6),
];

/// One client after the other, public and confidential by turns, until the run ends.
pub(crate) async fn act(world: &World, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut app, mut confidential) = (None, rng.random_bool(0.5));
    while world.phase() == Phase::Working {
        app = match app {
            None => {
                confidential = !confidential;
                App::register(world, confidential).await
            }
            Some(app) => step(world, app, &mut rng).await,
        };
        world.rest(chance::rest(&mut rng)).await;
    }
}

async fn step(world: &World, mut app: App, rng: &mut StdRng) -> Option<App> {
    let without = app.users.iter().position(|user| user.grant.is_none());
    let short = app.users.iter().position(|user| user.person.given.len() < TOKENS);
    if let Some(user) = without {
        app.be_authorized(world, user).await;
        return Some(app);
    }
    if let Some(user) = short {
        app.refresh(world, user).await;
        return Some(app);
    }
    if app.is_confidential() && app.own.len() < OWN {
        app.act_for_itself(world).await;
        return Some(app);
    }
    let user = rng.random_range(0..app.users.len());
    let (by, while_) = (chance::by(rng), chance::while_(rng));
    match chance::draw(&ACTS, rng) {
        Act::BeTakenBack => app.be_taken_back(world, user).await,
        Act::GiveBack => app.give_back(world, user).await,
        Act::LoseUserEverywhere => app.lose_user(world, user, false).await,
        Act::LoseUserByPassword => app.lose_user(world, user, true).await,
        Act::LoseUserForAWhile => app.users[user].person.be_disabled(world, by, while_).await,
        Act::LoseScopeOfUser => app.users[user].person.lose_scope(world, by, while_).await,
        Act::BeDisabled => app.be_disabled(world, by, while_).await,
        Act::BeNarrowed => app.be_narrowed(world, by, while_).await,
        Act::BeDeleted => {
            app.be_deleted(world, by).await;
            return None;
        }
    }
    Some(app)
}
