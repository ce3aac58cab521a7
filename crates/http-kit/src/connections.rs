//! Connections that hold a place and use it for nothing.
//!
//! actix-web gives a client a time for the head of its first request, and closes a connection that is silent after an
//! answer. A client that sends a byte of its second request now and then, or that does not read its answer, it would wait
//! for forever. Here, a connection that has had no request under way for too long is cut, whatever it does; and so is a new
//! one from where nearly all connections come from already, so that there is a place left for others.

use crate::TrustedProxies;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use actix_web::rt::{spawn, time};
use jeton_persistence::rate_limit::{Network, network};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::io;
use std::net::{self, Shutdown};
use std::os::fd::AsFd;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

/// One connection, as [`note`] gives it to its requests.
pub(crate) struct Connection {
    /// The same socket by another descriptor: the server's own is out of reach.
    socket: net::TcpStream,
    /// Where it comes from; `None`: from a proxy, or one cannot tell.
    network: Option<Network>,
    /// Since when it has had no request under way; `None`: it has one.
    free_since: Cell<Option<Instant>>,
}

impl Connection {
    pub(crate) fn begin_request(&self) {
        self.free_since.set(None);
    }

    pub(crate) fn end_request(&self) {
        self.free_since.set(Some(Instant::now()));
    }

    /// Whoever waits to read or write on it is told, and lets go of it.
    fn cut(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    fn free_for(&self, time: Duration) -> bool {
        self.free_since.get().is_some_and(|since| since.elapsed() > time)
    }
}

/// The connections of one of the server's threads.
#[derive(Default)]
struct Open {
    connections: RefCell<Vec<Weak<Connection>>>,
    watched: Cell<bool>,
}

thread_local! {
    static OPEN: Rc<Open> = Rc::default();
}

/// How long, and how many.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// A connection is cut once it has had no request under way for longer.
    pub(crate) free_for: Duration,
    /// The most connections of one thread.
    pub(crate) of_thread: usize,
    /// Whose connections are many people's.
    pub(crate) proxies: TrustedProxies,
}

impl Limits {
    /// The most that one network may have of a thread's connections: one in ten is left to others.
    fn of_network(&self) -> usize {
        self.of_thread - self.of_thread / 10
    }
}

/// For [`HttpServer::on_connect`](actix_web::HttpServer::on_connect): from now on the limits hold for the connection.
pub(crate) fn note(limits: Limits) -> impl Fn(&dyn Any, &mut Extensions) + Send + Sync + 'static {
    move |stream, extensions| {
        let Some(stream) = stream.downcast_ref::<TcpStream>() else {
            return;
        };
        match open(stream, &limits.proxies) {
            Ok(connection) => {
                let connection = Rc::new(connection);
                OPEN.with(|open| open.add(&connection, &limits));
                extensions.insert(connection);
            }
            Err(error) => tracing::warn!(%error, "a connection is not watched"),
        }
    }
}

fn open(stream: &TcpStream, proxies: &TrustedProxies) -> io::Result<Connection> {
    let peer = stream.peer_addr().map(|peer| peer.ip().to_canonical()).ok();
    let peer = peer.filter(|peer| !proxies.trust(*peer));
    Ok(Connection {
        socket: stream.as_fd().try_clone_to_owned()?.into(),
        network: peer.map(|peer| network(Some(peer))),
        free_since: Cell::new(Some(Instant::now())),
    })
}

impl Open {
    fn add(self: &Rc<Self>, connection: &Rc<Connection>, limits: &Limits) {
        if connection.network.is_some() && self.count(connection.network) >= limits.of_network() {
            tracing::debug!("cut a connection from where nearly all come from");
            connection.cut();
        }
        self.connections.borrow_mut().push(Rc::downgrade(connection));
        if !self.watched.replace(true) {
            spawn(self.clone().watch(limits.free_for));
        }
    }

    /// How many come from there that are still open.
    fn count(&self, network: Option<Network>) -> usize {
        let connections = self.connections.borrow();
        let open = connections.iter().filter_map(Weak::upgrade);
        open.filter(|one| one.network == network).count()
    }

    async fn watch(self: Rc<Self>, most: Duration) {
        let pause = (most / 4).min(Duration::from_secs(1));
        loop {
            time::sleep(pause).await;
            self.connections.borrow_mut().retain(|connection| {
                let Some(connection) = connection.upgrade() else {
                    return false;
                };
                let cut = connection.free_for(most);
                if cut {
                    tracing::debug!("cut a connection that had no request under way for too long");
                    connection.cut();
                }
                !cut
            });
        }
    }
}
