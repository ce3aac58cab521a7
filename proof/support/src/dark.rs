use crate::database::or_panic;
use anyhow::Context;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A host that takes connections and says nothing, as a server that has stopped. It listens until the program ends.
pub struct DarkHost {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl DarkHost {
    /// On a port of this machine.
    #[must_use]
    pub fn start() -> Self {
        or_panic("listen", Self::listen())
    }

    fn listen() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let connections = Arc::<AtomicUsize>::default();
        let counting = connections.clone();
        thread::spawn(move || {
            let mut held = Vec::new();
            for connection in listener.incoming() {
                counting.fetch_add(1, Ordering::SeqCst);
                held.push(connection);
            }
        });
        Ok(Self { port, connections })
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// This address of a database, with the host before those that it has.
    #[must_use]
    pub fn before(&self, url: &str) -> String {
        let parts = url.split_once('@').context("no account");
        let (account, rest) = or_panic("read an address", parts);
        format!("{account}@127.0.0.1:{},{rest}", self.port)
    }

    /// How many connections it has taken so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}
