//! What a person does next.

use super::Person;
use crate::judge::{Judged, Lost};
use crate::world::{Phase, World};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::rc::Rc;
use std::time::Duration;

/// How often each act is done before they are drawn.
const FIRST: usize = 4;
/// How long an onlooker rests.
const REST: Duration = Duration::from_millis(20);

/// What a person does next, and how often in a thousand times.
#[derive(Debug, Clone, Copy)]
enum Act {
    Look,
    WriteNote,
    ReplaceNote,
    DeleteNote,
    SignIn,
    MistypePassword,
    CreateToken,
    RenameToken,
    RevokeToken,
    RevokeText,
    LogOut,
    LogOutEverywhere,
    ChangePassword,
    BeDisabled,
    GetOtherScopes,
    LoseToken,
    LoseAllTokens,
    GetPassword,
    BeUnblocked,
    BeLookedAt,
    UseApp,
    Leave,
}

const ACTS: [(Act, u32); 22] = [
    (Act::Look, 404),
    (Act::WriteNote, 120),
    (Act::ReplaceNote, 60),
    (Act::DeleteNote, 60),
    (Act::SignIn, 60),
    (Act::MistypePassword, 20),
    (Act::CreateToken, 50),
    (Act::RenameToken, 30),
    (Act::RevokeToken, 40),
    (Act::RevokeText, 30),
    (Act::LogOut, 30),
    (Act::LogOutEverywhere, 8),
    (Act::ChangePassword, 8),
    (Act::BeDisabled, 8),
    (Act::GetOtherScopes, 16),
    (Act::LoseToken, 8),
    (Act::LoseAllTokens, 4),
    (Act::GetPassword, 4),
    (Act::BeUnblocked, 6),
    (Act::BeLookedAt, 20),
    (Act::UseApp, 10),
    (Act::Leave, 4),
];

/// One user after the other, until the run ends.
pub(crate) async fn live(world: Rc<World>, seed: u64) {
    let _busy = world.begin();
    let mut rng = StdRng::seed_from_u64(seed);
    while world.goes_on().await {
        let life = async {
            let mut person = Person::sign_up(&world, StdRng::from_rng(&mut rng)).await?;
            person.live().await
        };
        // Somebody whose answers were wrong is given up; what they were is in the book.
        if let Err(Lost) = life.await {}
    }
}

/// Somebody who only looks, and never waits for Postgres to be back.
pub(crate) async fn look_on(world: Rc<World>, seed: u64) {
    let _busy = world.begin();
    let mut rng = StdRng::seed_from_u64(seed);
    while world.goes_on().await {
        let life = async {
            let mut person = Person::sign_up(&world, StdRng::from_rng(&mut rng)).await?;
            person.create_token().await?;
            person.write_note().await?;
            while world.goes_on().await {
                person.look_around().await?;
                tokio::time::sleep(REST).await;
            }
            person.leave().await
        };
        if let Err(Lost) = life.await {}
    }
}

impl Person {
    async fn live(&mut self) -> Judged<()> {
        while self.world.goes_on().await {
            if self.act().await? {
                return Ok(());
            }
        }
        if self.world.phase() == Phase::Leave {
            self.leave().await?;
        }
        Ok(())
    }

    /// Says whether it was the last.
    async fn act(&mut self) -> Judged<bool> {
        // More than once, where an attempt had no answer: the account then starts over, without tokens.
        while !self.tokens.iter().any(|held| held.login) {
            self.sign_in_with(None).await?;
        }
        match self.draw() {
            Act::Look => self.look_around().await?,
            Act::WriteNote => self.write_note().await?,
            Act::ReplaceNote => self.replace_note().await?,
            Act::DeleteNote => self.delete_note().await?,
            Act::SignIn => self.sign_in().await?,
            Act::MistypePassword => self.mistype_password().await?,
            Act::CreateToken => self.create_token().await?,
            Act::RenameToken => self.rename_token().await?,
            Act::RevokeToken => self.revoke_token().await?,
            Act::RevokeText => self.revoke_text().await?,
            Act::LogOut => self.log_out_while_in_use().await?,
            Act::LogOutEverywhere => self.log_out_everywhere().await?,
            Act::ChangePassword => self.change_password().await?,
            Act::BeDisabled => self.be_disabled().await?,
            Act::GetOtherScopes => self.get_other_scopes().await?,
            Act::LoseToken => self.lose_token().await?,
            Act::LoseAllTokens => self.lose_all_tokens().await?,
            Act::GetPassword => self.get_password().await?,
            Act::BeUnblocked => self.be_unblocked().await?,
            Act::BeLookedAt => self.be_looked_at().await?,
            Act::UseApp => self.use_app().await?,
            Act::Leave => {
                self.leave().await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// In the beginning each a few times, so that also a short run has what is rare.
    fn draw(&mut self) -> Act {
        let drawn = self.world.acts.get();
        self.world.acts.set(drawn + 1);
        if drawn < ACTS.len() * FIRST {
            return ACTS[drawn % ACTS.len()].0;
        }
        let total = ACTS.iter().map(|(_, weight)| weight).sum();
        let mut left: u32 = self.rng.random_range(0..total);
        for (act, weight) in ACTS {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return act,
            }
        }
        Act::Look
    }
}
