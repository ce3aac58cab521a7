use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a service opens besides its connections, and more.
const OTHERS: u64 = 200;

/// Makes room for so many connections, as far as the system lets the program: it starts with a low limit for the sake of
/// programs that are older than `poll`.
pub(crate) fn provide_for(connections: usize) {
    // A connection takes two: see `connections`.
    let wanted = 2 * connections as u64 + OTHERS;
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    if current >= wanted {
        return;
    }
    let possible = wanted.min(limit.maximum.unwrap_or(u64::MAX));
    let raised = Rlimit {
        current: Some(possible),
        maximum: limit.maximum,
    };
    if setrlimit(Resource::Nofile, raised).is_err() || possible < wanted {
        tracing::warn!(
            "JETON_MAX_CONNECTIONS needs {wanted} file descriptors, and this process may have {}",
            getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
        );
    }
}
