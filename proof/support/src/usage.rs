//! What a process has of the machine, as Linux tells it (proc(5)).

use std::time::Duration;

/// How long a process, or `self`, has been computing, in user and kernel mode; `None` where that is not told.
pub fn cpu_time(process: &str) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the name, in parentheses, and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let total = ticks()? + ticks()?;
    // A hundred a second, as far as programs are told (USER_HZ).
    Some(Duration::from_millis(total * 10))
}

/// A number of the status of a process, or of `self`: `VmRSS`, in KiB, or `Threads`; `None` where that is not told.
pub fn status_field(process: &str, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let mut fields = status.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(found, _)| *found == name)?;
    value.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_threads_and_a_time() {
        if cfg!(target_os = "linux") {
            assert!(status_field("self", "Threads").is_some_and(|threads| threads > 0));
            assert!(cpu_time("self").is_some());
        }
        assert_eq!(status_field("self", "Sesame"), None);
        assert_eq!(cpu_time("nobody"), None);
    }
}
