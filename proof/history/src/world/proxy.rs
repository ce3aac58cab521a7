//! What stands between one process and Postgres: a TCP proxy that can stop, slow down and break.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// One process' way to Postgres, or to each of several. Ends with this value.
#[derive(Debug)]
pub(crate) struct Proxy {
    ports: Vec<u16>,
    rules: watch::Sender<Rules>,
    /// How many replies are being held back.
    held: watch::Receiver<usize>,
    listeners: Vec<tokio::task::JoinHandle<()>>,
}

/// What happens to bytes.
#[derive(Debug, Clone, Default)]
struct Rules {
    /// Nothing passes, in either direction; sockets stay open.
    cut: bool,
    /// Changes when all connections there are are to be reset.
    resets: u64,
    /// How much later the server's bytes arrive.
    delay: Duration,
    /// A connection on which the client sends these bytes gets nothing from the server after that.
    hold: Option<Arc<[u8]>>,
}

struct Pipe {
    rules: watch::Receiver<Rules>,
    held: Arc<watch::Sender<usize>>,
    /// What the client has just sent is what is waited for.
    marked: watch::Sender<bool>,
}

enum Ended {
    Closed,
    Reset,
}

impl Proxy {
    /// Listens on a port of its own for each server.
    ///
    /// # Errors
    /// There is no port.
    pub(crate) async fn start(servers: &[SocketAddr]) -> io::Result<Self> {
        let (rules, seen) = watch::channel(Rules::default());
        let (counter, held) = watch::channel(0);
        let counter = Arc::new(counter);
        let (mut ports, mut listeners) = (Vec::new(), Vec::new());
        for &server in servers {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            ports.push(listener.local_addr()?.port());
            let (seen, counter) = (seen.clone(), counter.clone());
            listeners.push(tokio::spawn(async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(serve(client, server, seen.clone(), counter.clone()));
                }
            }));
        }
        Ok(Self {
            ports,
            rules,
            held,
            listeners,
        })
    }

    /// In the order of the servers.
    pub(crate) fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Black-holes both directions, or lets what has waited go on.
    pub(crate) fn cut(&self, cut: bool) {
        self.rules.send_modify(|rules| rules.cut = cut);
    }

    /// Breaks all connections.
    pub(crate) fn reset(&self) {
        self.rules.send_modify(|rules| rules.resets += 1);
    }

    /// Delays all that the server says.
    pub(crate) fn delay(&self, delay: Duration) {
        self.rules.send_modify(|rules| rules.delay = delay);
    }

    /// Holds back what the server says on a connection, from when the client has sent these bytes on it.
    pub(crate) fn hold(&self, bytes: &[u8]) {
        self.rules.send_modify(|rules| rules.hold = Some(bytes.into()));
    }

    /// Lets what was held back go on.
    pub(crate) fn release(&self) {
        self.rules.send_modify(|rules| rules.hold = None);
    }

    /// Returns when a reply is being held back; `false`: none was within `patience`.
    pub(crate) async fn holds(&self, patience: Duration) -> bool {
        let mut held = self.held.clone();
        let holds = held.wait_for(|held| *held > 0);
        matches!(tokio::time::timeout(patience, holds).await, Ok(Ok(_)))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listeners.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

async fn serve(
    client: TcpStream,
    server: SocketAddr,
    mut rules: watch::Receiver<Rules>,
    held: Arc<watch::Sender<usize>>,
) {
    let resets = rules.borrow().resets;
    // While cut, a connection is made by the kernel and leads nowhere.
    if rules.wait_for(|rules| !rules.cut).await.is_err() {
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else {
        let _ = client.set_zero_linger();
        return;
    };
    let _ = client.set_nodelay(true).and(server.set_nodelay(true));
    let (marked, _) = watch::channel(false);
    let pipe = Pipe { rules, held, marked };
    let (from_client, mut to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let mut watcher = pipe.rules.clone();
    let ended = tokio::select! {
        ended = pipe.up(from_client, &mut to_server) => ended,
        ended = pipe.down(from_server, &mut to_client) => ended,
        _ = watcher.wait_for(|rules| rules.resets != resets) => Ended::Reset,
    };
    if matches!(ended, Ended::Reset) {
        let (client, server): (&TcpStream, &TcpStream) = (to_client.as_ref(), to_server.as_ref());
        let _ = client.set_zero_linger().and(server.set_zero_linger());
        // Dropped, they would say good-bye first.
        to_client.forget();
        to_server.forget();
    }
}

impl Pipe {
    async fn up(&self, mut from: OwnedReadHalf, to: &mut OwnedWriteHalf) -> Ended {
        let mut buffer = vec![0; 64 * 1024];
        let mut rules = self.rules.clone();
        loop {
            let read = match from.read(&mut buffer).await {
                Ok(read) if read > 0 => read,
                _ => return Ended::Closed,
            };
            let wanted = rules.wait_for(|rules| !rules.cut).await.map(|r| r.hold.clone());
            let Ok(wanted) = wanted else {
                return Ended::Reset;
            };
            let sent = buffer.get(..read).unwrap_or_default();
            if wanted.is_some_and(|wanted| contains(sent, &wanted)) {
                self.marked.send_replace(true);
            }
            if to.write_all(sent).await.is_err() {
                return Ended::Closed;
            }
        }
    }

    async fn down(&self, mut from: OwnedReadHalf, to: &mut OwnedWriteHalf) -> Ended {
        let mut buffer = vec![0; 64 * 1024];
        let mut rules = self.rules.clone();
        loop {
            let read = match from.read(&mut buffer).await {
                Ok(read) if read > 0 => read,
                _ => return Ended::Closed,
            };
            let delay = rules.borrow().delay;
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            if *self.marked.borrow() {
                let _count = Held::new(&self.held);
                if rules.wait_for(|rules| rules.hold.is_none()).await.is_err() {
                    return Ended::Reset;
                }
                self.marked.send_replace(false);
            }
            if rules.wait_for(|rules| !rules.cut).await.is_err() {
                return Ended::Reset;
            }
            if to
                .write_all(buffer.get(..read).unwrap_or_default())
                .await
                .is_err()
            {
                return Ended::Closed;
            }
        }
    }
}

/// Counts one reply that is held back, for as long as it is.
struct Held<'a>(&'a watch::Sender<usize>);

impl<'a> Held<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len().max(1)).any(|window| window == wanted)
}
