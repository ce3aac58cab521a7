use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a service opens besides its connections, and more.
const OTHERS: u64 = 200;
/// A connection takes two: see `connections`.
const EACH: u64 = 2;
/// The most that macOS grants at once, whatever it says is possible: setrlimit(2).
const OPEN_MAX: u64 = 10_240;

/// Makes room for so many connections, as far as the system lets the program: it starts with a low limit for the sake of
/// programs that are older than `poll`. Returns how many there is room for, one at the least.
pub(crate) fn provide_for(connections: usize) -> usize {
    let wanted = EACH * connections as u64 + OTHERS;
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    let possible = wanted.min(limit.maximum.unwrap_or(u64::MAX));
    let may_have = |descriptors: &u64| {
        let raised = Rlimit {
            current: Some(*descriptors),
            maximum: limit.maximum,
        };
        *descriptors > current && setrlimit(Resource::Nofile, raised).is_ok()
    };
    let raised = [possible, OPEN_MAX.min(possible)].into_iter().find(may_have);
    let allowed = raised.unwrap_or(current);
    let room = allowed.saturating_sub(OTHERS) / EACH;
    connections
        .min(usize::try_from(room).unwrap_or(usize::MAX))
        .max(1)
}
