use std::thread;
use std::time::{Duration, Instant};

/// What stands between a mistake and a test that never ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for what is to come about by itself.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
