use crate::{ServerIdentity, Xid};

/// A value that may be told only once what its transaction has revoked holds everywhere. `jeton_revoker` waits for that,
/// and gives the value: `Barrier::confirm`, or `confirm` on a connection of one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "what was revoked holds everywhere only once it has been waited for"]
pub struct Pending<T> {
    value: T,
    /// The transactions that wrote the log. A verifier has applied them when its snapshot sees them all.
    xids: Vec<Xid>,
    /// The server that they were committed on: another one's have the same numbers.
    server: Option<ServerIdentity>,
    is_nudged: bool,
}

impl<T> Pending<T> {
    pub(crate) fn new(value: T, xids: Vec<Xid>, server: ServerIdentity) -> Self {
        let server = Some(server);
        Self {
            value,
            xids,
            server,
            is_nudged: false,
        }
    }

    /// Verifiers were told to renew already.
    pub(crate) fn nudged(self, is_nudged: bool) -> Self {
        Self { is_nudged, ..self }
    }

    /// A value that nothing was revoked for, so that there is nothing to wait for.
    pub fn settled(value: T) -> Self {
        Self {
            value,
            xids: Vec::new(),
            server: None,
            is_nudged: false,
        }
    }

    /// Whether there is nothing to wait for.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.xids.is_empty()
    }

    /// Another value, which may be told no earlier.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Pending<U> {
        Pending {
            value: f(self.value),
            xids: self.xids,
            server: self.server,
            is_nudged: self.is_nudged,
        }
    }

    /// The server that has committed what is waited for; `None` where nothing was.
    #[must_use]
    pub fn server(&self) -> Option<ServerIdentity> {
        self.server
    }

    /// Whether verifiers were told to renew after it was committed, so that who waits need not tell them.
    #[must_use]
    pub fn is_nudged(&self) -> bool {
        self.is_nudged
    }

    /// The value, and what must be waited for before anybody is told: for who does the waiting, and for who promises
    /// nothing to anybody, as a test.
    #[must_use]
    pub fn into_unconfirmed(self) -> (T, Vec<Xid>) {
        (self.value, self.xids)
    }
}
