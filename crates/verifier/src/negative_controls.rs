//! Leaves a rule of the protocol out, which is then no protocol any more: for the history checker, which must find that.
//! Only there with the feature `negative-controls`.

use std::sync::atomic::{AtomicBool, Ordering};

static NO_FILL_RULE: AtomicBool = AtomicBool::new(false);

/// From now on, whatever a look-up finds is kept in memory, even if it was revoked since the query was sent.
pub fn leave_out_fill_rule() {
    NO_FILL_RULE.store(true, Ordering::Relaxed);
}

pub(crate) fn fill_rule_is_left_out() -> bool {
    NO_FILL_RULE.load(Ordering::Relaxed)
}
