//! The protocol with one rule left out.

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mutant {
LookUpBeforeDeadline, JoinQueryUnderWay, FillWithoutGeneration, FillWithoutLease, KeepRefusals,
PublishBeforeFlush, AppliedBeforeFlush, ClockAfterReply, GenerationOnlyWithRows, NoFlushOnLoss, NoFlushWhenGivenUp, KeepDeadlineOnLoss, FlushBeforeZero, LeaseBeforeRegistration,
LeaseWithRegistration, KeepGenerationAtEnd, KeepDeadlineWhenGivenUp,
NoBarrier, BarrierEndsEarly, BarrierNeverExpires, ClockBeforeCommit, RetryDoesNotWait,
GiveUpMovedRow, GiveUpByClockOfCommit, LooksSurviveCrash,
PurgeIgnoresVerifiers, HighWaterMark, RegistrationLostByCrash,
}
