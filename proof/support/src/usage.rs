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

/// What the threads of a process have done since they were started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Activity {
    /// How often they went to sleep, and so were woken.
    pub sleeps: u64,
    /// How long they ran, to the nanosecond.
    pub cpu: Duration,
}

impl Activity {
    /// Of the process with this number, or of `self`; `None` where that is not told (Linux, proc(5)).
    pub fn of(process: &str) -> Option<Self> {
        let threads = std::fs::read_dir(format!("/proc/{process}/task")).ok()?;
        threads
            .filter_map(Result::ok)
            .try_fold(Self::default(), |sum, thread| {
                let one = Self::of_thread(&format!("{process}/task/{}", thread.file_name().to_str()?))?;
                Some(Self {
                    sleeps: sum.sleeps + one.sleeps,
                    cpu: sum.cpu + one.cpu,
                })
            })
    }

    /// Of one thread, by its path in `/proc`, or of `thread-self`.
    pub fn of_thread(thread: &str) -> Option<Self> {
        let schedstat = std::fs::read_to_string(format!("/proc/{thread}/schedstat")).ok()?;
        let nanos = schedstat.split_whitespace().next()?.parse().ok()?;
        Some(Self {
            sleeps: status_field(thread, "voluntary_ctxt_switches")?,
            cpu: Duration::from_nanos(nanos),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_threads_and_a_time() {
        if cfg!(target_os = "linux") {
            assert!(Activity::of("self").is_some_and(|activity| activity.cpu > Duration::ZERO));
            assert!(status_field("self", "Threads").is_some_and(|threads| threads > 0));
            assert!(cpu_time("self").is_some());
        }
        assert_eq!(status_field("self", "Sesame"), None);
        assert_eq!(cpu_time("nobody"), None);
    }
}
