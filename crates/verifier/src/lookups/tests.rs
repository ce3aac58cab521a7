use super::*;
use crate::caller::any_valid_token;
use jeton_coherence::DatabaseUrl;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Panics whenever something is logged but for an error: in the middle of all that goes wrong.
struct Panicking(Arc<AtomicUsize>);

impl Subscriber for Panicking {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if *event.metadata().level() != Level::ERROR {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("by the test");
        }
    }
}

fn caller() -> Caller {
    Caller::new(
        &TokenDigest::from([7; 32]),
        any_valid_token(),
        Arc::default(),
        BootTime::now(),
    )
}

/// Neither in answering nor in writing uses, both of which fail here: nobody listens where the database should be.
#[test]
fn no_panic_ends_the_thread_or_leaves_anybody_without_an_answer() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = DatabaseUrl::parse(&format!("postgres://jeton@127.0.0.1:{port}/jeton")).unwrap();
    let shared = Shared {
        state: Mutex::default(),
        work: Notify::new(),
        memory: Arc::new(Memory::new(0)),
        permissions: SharedPermissions::new(),
        failing: AtomicBool::new(false),
    };
    let uses = Arc::new(Uses::new());
    uses.note(&caller(), BootTime::now());
    let (reply, mut answer) = oneshot::channel();
    let (done, mut written) = oneshot::channel();
    {
        let mut state = shared.lock();
        let digest = TokenDigest::from([8; 32]);
        state.waiting.push(Waiting { digest, reply });
        state.flushing.push(done);
        // Once all that waits is done.
        state.closed = true;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let panics = Arc::new(AtomicUsize::new(0));
    tracing::subscriber::with_default(Panicking(panics.clone()), || {
        let writer = UsesWriter::new(uses, Duration::from_secs(60));
        shared.answer(&runtime, Reconnecting::new(url), 10, Some(writer));
    });
    assert_eq!(panics.load(Ordering::Relaxed), 2);
    // Both have been dropped.
    for gone in [
        answer.try_recv().map(|_| ()).unwrap_err(),
        written.try_recv().unwrap_err(),
    ] {
        assert_eq!(gone, oneshot::error::TryRecvError::Closed);
    }
}
