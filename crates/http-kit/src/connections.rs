//! Connections that hold a place and use it for nothing.
//!
//! actix-web gives a client a time for the head of its first request, and closes a connection that is silent after an
//! answer. A client that sends a byte of its second request now and then, or that does not read its answer, it would wait
//! for forever. Here, a connection that has had no request under way for too long is cut, whatever it does.

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use actix_web::rt::{spawn, time};
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

/// For [`HttpServer::on_connect`](actix_web::HttpServer::on_connect): from now on the connection is cut once it has had
/// no request under way for longer than `most`.
pub(crate) fn note(most: Duration) -> impl Fn(&dyn Any, &mut Extensions) + Send + Sync + 'static {
    move |stream, extensions| {
        let Some(stream) = stream.downcast_ref::<TcpStream>() else {
            return;
        };
        match open(stream) {
            Ok(connection) => {
                let connection = Rc::new(connection);
                OPEN.with(|open| open.add(&connection, most));
                extensions.insert(connection);
            }
            Err(error) => tracing::warn!(%error, "a connection is not watched"),
        }
    }
}

fn open(stream: &TcpStream) -> io::Result<Connection> {
    Ok(Connection {
        socket: stream.as_fd().try_clone_to_owned()?.into(),
        free_since: Cell::new(Some(Instant::now())),
    })
}

impl Open {
    fn add(self: &Rc<Self>, connection: &Rc<Connection>, most: Duration) {
        self.connections.borrow_mut().push(Rc::downgrade(connection));
        if !self.watched.replace(true) {
            spawn(self.clone().watch(most));
        }
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
                    // Whoever waits to read or write on it is told, and lets go of it.
                    let _ = connection.socket.shutdown(Shutdown::Both);
                }
                !cut
            });
        }
    }
}
