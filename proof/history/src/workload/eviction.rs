//! Tokens that have to give way to another.

use super::Person;
use super::requests::Answer;
use crate::clock::Stamp;
use crate::wire::{Right, TokenNumber};
use crate::world::World;
use jeton_client::Session;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many tokens a user may have: far more than anybody holds who does not sign in again and again, together with those
/// that were issued in answers that got lost.
pub(crate) const TOKENS_PER_USER: usize = 20;

impl Person {
    /// Signs in until a token that is known has given way.
    pub(crate) async fn be_evicted(&mut self, world: &World) {
        // Those that nobody knows may give way first.
        for _ in 0..2 * TOKENS_PER_USER {
            if self.sign_in_beyond(world).await != Some(0) {
                return;
            }
        }
    }

    /// Signs in, and looks which tokens are gone; says how many. `None`: it was left at that.
    async fn sign_in_beyond(&mut self, world: &World) -> Option<usize> {
        let before: Vec<_> = self.tokens.iter().filter(|held| held.login).cloned().collect();
        let numbers: Vec<_> = before.iter().map(|held| held.number).collect();
        let asked = world.ask_for_a_while("eviction", Right::Use, &numbers);
        let attempts = AtomicU32::new(0);
        let (answer, tried) = world
            .insist(|auth| {
                attempts.fetch_add(1, Ordering::Relaxed);
                self.log_in(auth)
            })
            .await;
        let at = Stamp::now();
        let Answer::Done(issued) = answer else { return None };
        let new = self.hold(world, &issued, None);
        // An attempt without an answer may have made room, which the answer to the next one says nothing of; or it makes
        // room later. What is left of them is revoked, which says something of all.
        if attempts.into_inner() > 1 {
            self.log_out_everywhere(world, &new).await;
            return None;
        }
        let list = |session: Session| async move { session.tokens().list_all().await };
        let (answer, _) = world.insist_with(&new, list).await;
        let Answer::Done(left) = answer else { return None };
        let (stay, gone): (Vec<_>, Vec<_>) = before
            .into_iter()
            .partition(|held| left.iter().any(|token| token.id == held.id));
        for held in &gone {
            self.drop_token(held);
        }
        let numbers = |tokens: Vec<super::Held>| -> Vec<TokenNumber> {
            tokens.into_iter().map(|held| held.number).collect()
        };
        let (stay, gone) = (numbers(stay), numbers(gone));
        world.ask_back(Right::Use, &stay);
        world.back(Right::Use, &stay);
        let evicted = gone.len();
        if evicted > 0 {
            world.acknowledged_at(&asked.only(gone), &tried, at);
        }
        Some(evicted)
    }
}
