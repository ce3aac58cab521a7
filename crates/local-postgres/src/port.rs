use std::net::{Ipv4Addr, TcpListener};

/// Below the ports that Linux (32768 and up) and the other systems (49152 and up) hand out to clients. A server on
/// one of those may lose it while it is stopped: to any outgoing connection, and in particular to a client that
/// tries to reconnect and is given the very port it connects to as its own, which *succeeds* and talks to itself.
const OURS: std::ops::Range<u16> = 20_000..32_000;

/// Whether a server could listen there now.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port that was free a moment ago; whoever uses it must be ready to lose the race for it.
pub(crate) fn pick() -> u16 {
    loop {
        let port = rand::random_range(OURS);
        if is_free(port) {
            return port;
        }
    }
}
