//! The protocol with one rule left out.

use crate::properties::{BOUNDED_WAIT, NO_STALE_ACCEPT, NO_WRONG_REFUSAL};
use crate::scenario::Scenario;
use crate::scenarios::{BASE, find_scenario};
use clap::ValueEnum;
use std::fmt::{self, Display, Formatter};

/// What is left out, or done otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mutant {
    /// A check looks up first, and then reads the deadline.
    LookUpBeforeDeadline,
    /// A check joins a query that was sent before the request arrived.
    JoinQueryUnderWay,
    /// An answer is kept though the generation has changed since the query was sent.
    FillWithoutGeneration,
    /// An answer is kept though the lease is over.
    FillWithoutLease,
    /// An answer is kept while a renewal is under way that says of a token that it has been dropped.
    FillWhileDropping,
    /// A renewal says of a token that it has been dropped which has not.
    SayDroppedWithoutDropping,
    /// A renewal that says of any token that it has been dropped is taken to have dropped all that it finds in the log.
    AnyDropWillDo,
    /// That a token is not valid is kept, too.
    KeepRefusals,
    /// A renewal publishes the deadline, and then flushes.
    PublishBeforeFlush,
    /// A renewal writes the snapshot that it has just read, not the one that has been flushed.
    AppliedBeforeFlush,
    /// The clock is read when the renewal's reply has come, not before the renewal is sent.
    ClockAfterReply,
    /// A renewal that found no rows leaves the generation as it is.
    GenerationOnlyWithRows,
    /// A new connection does not flush.
    NoFlushOnLoss,
    /// A verifier that has been given up does not flush.
    NoFlushWhenGivenUp,
    /// A new connection does not zero the deadline.
    KeepDeadlineOnLoss,
    /// A new connection flushes, and then zeroes the deadline.
    FlushBeforeZero,
    /// A verifier takes a lease when it sends its registration.
    LeaseBeforeRegistration,
    /// The registration grants a lease, too, once it is known to be committed.
    LeaseWithRegistration,
    /// Flushing everything leaves the generation as it is.
    KeepGenerationAtEnd,
    /// A verifier that has been given up does not zero its deadline.
    KeepDeadlineWhenGivenUp,
    /// A revocation is acknowledged as soon as it is committed.
    NoBarrier,
    /// The barrier waits for one tick less than the lease.
    BarrierEndsEarly,
    /// The barrier waits for what is applied, and for no clock.
    BarrierNeverExpires,
    /// `t_seen` is read before the commit is sent.
    ClockBeforeCommit,
    /// The barrier's first list may be one that was read before the commit.
    JoinRoundUnderWay,
    /// A retry that finds nothing to change is acknowledged at once.
    RetryDoesNotWait,
    /// A row is deleted a lease after it was looked at, though its version has moved.
    GiveUpMovedRow,
    /// A row that was waited out is deleted a lease after `t_seen`, not a lease after it was looked at.
    GiveUpByClockOfCommit,
    /// A version that was read before Postgres crashed is compared with one that is read after it.
    LooksSurviveCrash,
    /// The purge deletes rows of the log that some verifier has not applied.
    PurgeIgnoresVerifiers,
    /// Instead of a snapshot, the highest committed xid is kept.
    HighWaterMark,
    /// A registration is committed asynchronously, and a crash of Postgres loses it.
    RegistrationLostByCrash,
    /// A process that has seen the newer server looks up on the former primary.
    LookUpOnFormer,
    /// A process that has seen the newer server registers with the former primary.
    RegisterWithFormer,
    /// The lease goes on on its connection to the former primary when the process has seen the newer server.
    KeepConnectionToFormer,
    /// A look-up that was sent to the former primary takes its answer when the process has seen the newer server.
    TakeAnswerOfFormer,
    /// The deadline stands that the former primary has granted when the process has seen the newer server.
    KeepLeaseOfFormer,
    /// A renewal that the former primary has answered publishes its deadline when the process has seen the newer server.
    PublishLeaseOfFormer,
    /// The barrier of a change that was committed on the newer server reads the former primary's table of verifiers.
    ConfirmOnFormer,
    /// The barrier of a change that was committed on the former primary goes on on the newer server.
    ConfirmOnNewer,
    /// A retry that finds nothing to change waits for the verifiers, and not for the standby.
    RetryIsNotDurable,
}

impl Mutant {
    /// The property that does not hold, or `None` for a rule that can be left out.
    pub fn breaks(self) -> Option<&'static str> {
        match self {
            Self::LeaseWithRegistration
            | Self::KeepGenerationAtEnd
            | Self::KeepDeadlineWhenGivenUp
            | Self::ConfirmOnNewer => None,
            Self::KeepRefusals => Some(NO_WRONG_REFUSAL),
            Self::BarrierNeverExpires => Some(BOUNDED_WAIT),
            _ => Some(NO_STALE_ACCEPT),
        }
    }

    /// Whether the former primary matters to a process that has seen the newer server.
    pub(crate) fn asks_former(self) -> bool {
        matches!(
            self,
            Self::LookUpOnFormer
                | Self::RegisterWithFormer
                | Self::KeepConnectionToFormer
                | Self::TakeAnswerOfFormer
                | Self::ConfirmOnFormer
        )
    }

    /// The smallest scenario that tells the mutant from the protocol; for a rule that can be left out, one that has all
    /// that the rule is about.
    pub fn scenario(self) -> Scenario {
        let name = match self {
            Self::RetryDoesNotWait => "lost-reply",
            Self::FillWithoutLease
            | Self::GenerationOnlyWithRows
            | Self::NoFlushOnLoss
            | Self::KeepDeadlineOnLoss
            | Self::FlushBeforeZero
            | Self::LeaseWithRegistration
            | Self::KeepGenerationAtEnd => "disconnect",
            Self::KeepRefusals => "disable-enable",
            Self::NoFlushWhenGivenUp | Self::KeepDeadlineWhenGivenUp | Self::JoinRoundUnderWay => "give-up",
            Self::GiveUpMovedRow | Self::GiveUpByClockOfCommit => "dead-node",
            Self::LooksSurviveCrash => "server-crash-give-up",
            Self::PurgeIgnoresVerifiers => "purge",
            Self::HighWaterMark | Self::AnyDropWillDo => "interleaved-commits",
            Self::RegistrationLostByCrash => "server-crash",
            Self::LookUpOnFormer
            | Self::RegisterWithFormer
            | Self::KeepConnectionToFormer
            | Self::TakeAnswerOfFormer
            | Self::KeepLeaseOfFormer
            | Self::PublishLeaseOfFormer
            | Self::ConfirmOnFormer
            | Self::ConfirmOnNewer
            | Self::RetryIsNotDurable => "fail-over",
            _ => "one-change",
        };
        debug_assert!(find_scenario(name).is_some(), "there is no scenario {name}");
        find_scenario(name).unwrap_or(BASE)
    }
}

impl Display for Mutant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}
