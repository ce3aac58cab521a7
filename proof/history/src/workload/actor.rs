use super::{Held, Person, chance};
use crate::world::{Phase, World};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// What a person does next, and how often in a hundred times.
#[derive(Debug, Clone, Copy)]
enum Act {
    LogOut,
    LogOutTwice,
    RevokeToken,
    RevokeText,
    LogOutEverywhere,
    ChangePassword,
    BeDisabled,
    LoseScope,
    BeRevoked,
    BeRevokedEverywhere,
    BeGivenPassword,
    BeEvicted,
    DeleteAccount,
    BeDeleted,
}

const ACTS: [(Act, u32); 14] = [
    (Act::LogOut, 22),
    (Act::LogOutTwice, 8),
    (Act::RevokeToken, 12),
    (Act::RevokeText, 8),
    (Act::LogOutEverywhere, 7),
    (Act::ChangePassword, 8),
    (Act::BeDisabled, 7),
    (Act::LoseScope, 7),
    (Act::BeRevoked, 5),
    (Act::BeRevokedEverywhere, 4),
    (Act::BeGivenPassword, 4),
    (Act::BeEvicted, 3),
    (Act::DeleteAccount, 2),
    (Act::BeDeleted, 3),
];

/// How many tokens a person holds, at the least before anything is revoked.
const TOKENS: usize = 5;

/// One user after the other, who signs in and has tokens revoked in all ways there are, until the run ends.
pub(crate) async fn act(world: &World, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut who = None;
    while world.phase() == Phase::Working {
        who = match who {
            None => Person::sign_up(world).await,
            Some(person) => step(world, person, &mut rng).await,
        };
        world.rest(chance::rest(&mut rng)).await;
    }
}

async fn step(world: &World, mut person: Person, rng: &mut StdRng) -> Option<Person> {
    let manager = person.tokens.iter().find(|held| held.login).cloned();
    if person.tokens.len() < TOKENS {
        match manager {
            Some(manager) if rng.random_bool(0.4) => drop(person.create_token(world, &manager).await),
            _ => drop(person.sign_in(world, None).await),
        }
        return Some(person);
    }
    let Some(manager) = manager else {
        person.sign_in(world, None).await;
        return Some(person);
    };
    let victim = any(&person.tokens, rng)?;
    let (by, while_) = (chance::by(rng), chance::while_(rng));
    match chance::draw(&ACTS, rng) {
        Act::LogOut => person.log_out(world, &victim, false).await,
        Act::LogOutTwice => person.log_out(world, &victim, true).await,
        Act::RevokeToken if victim.id != manager.id => person.revoke(world, &victim, &manager).await,
        Act::RevokeText => {
            let own = any(&person.tokens, rng)?;
            let of_admin = world.admin.get().filter(|_| rng.random_bool(0.5));
            person.revoke_text(world, &victim, of_admin.unwrap_or(&own)).await;
        }
        Act::RevokeToken | Act::LogOutEverywhere => person.log_out_everywhere(world, &manager).await,
        Act::ChangePassword => person.change_password(world, &manager).await,
        Act::BeDisabled => person.be_disabled(world, by, while_).await,
        Act::LoseScope => person.lose_scope(world, by, while_).await,
        Act::BeRevoked => person.be_revoked(world, by, &victim).await,
        Act::BeRevokedEverywhere => person.be_revoked_everywhere(world, by).await,
        Act::BeGivenPassword => person.be_given_password(world, by).await,
        Act::BeEvicted => person.be_evicted(world).await,
        Act::DeleteAccount => {
            person.delete_account(world, &manager).await;
            return None;
        }
        Act::BeDeleted => {
            person.be_deleted(world, by).await;
            return None;
        }
    }
    Some(person)
}

fn any(tokens: &[Held], rng: &mut StdRng) -> Option<Held> {
    tokens.get(rng.random_range(0..tokens.len().max(1))).cloned()
}
