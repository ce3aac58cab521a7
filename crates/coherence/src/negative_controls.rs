//! Leaves a rule of the protocol out, which is then no protocol any more: for the history checker, which must find that.
//! Only there with the feature `negative-controls`.

use std::sync::atomic::{AtomicBool, Ordering};

static FORMER_PRIMARY: AtomicBool = AtomicBool::new(false);
static SECOND_ATTEMPT: AtomicBool = AtomicBool::new(false);

/// From now on, a server is asked even if another has taken its place.
pub fn leave_out_former_primary() {
    FORMER_PRIMARY.store(true, Ordering::Relaxed);
}

/// From now on, an attempt that finds nothing left to revoke waits for no standby.
pub fn leave_out_second_attempt() {
    SECOND_ATTEMPT.store(true, Ordering::Relaxed);
}

pub(crate) fn former_primary_is_left_out() -> bool {
    FORMER_PRIMARY.load(Ordering::Relaxed)
}

pub(crate) fn second_attempt_is_left_out() -> bool {
    SECOND_ATTEMPT.load(Ordering::Relaxed)
}
