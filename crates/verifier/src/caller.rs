use jeton_coherence::BootTime;
use jeton_coherence::lookups::ValidToken;
use jeton_domain::{ScopeSet, TokenDigest, TokenId, TokenKind, UserId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// Who is calling, by a token that was found valid. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Caller(Arc<Known>);

/// One allocation, and one for the name: there may be a million of these.
///
/// In this order: with the counts of the [`Arc`], what a check reads and writes are the first 64 bytes.
#[derive(Debug)]
#[repr(C)]
struct Known {
    digest: TokenDigest,
    expires_at: BootTime,
    /// The minute for which a use was noted last.
    used: AtomicU32,
    /// Whether it was asked for lately, see [`Table`](crate::table::Table).
    recent: AtomicBool,
    kind: TokenKind,
    scopes: Arc<ScopeSet>,
    username: Box<str>,
    user_id: UserId,
    token_id: TokenId,
}

impl Caller {
    /// The token was found by a query sent at that moment; `scopes` are the token's, shared with others who have the
    /// same.
    pub(crate) fn new(digest: TokenDigest, token: ValidToken, scopes: Arc<ScopeSet>, sent: BootTime) -> Self {
        Self(Arc::new(Known {
            digest,
            expires_at: token
                .remaining
                .map_or(BootTime::NEVER, |remaining| sent + remaining),
            used: AtomicU32::new(0),
            recent: AtomicBool::new(false),
            kind: token.kind,
            scopes,
            username: token.username.into_boxed_str(),
            user_id: token.user_id,
            token_id: token.token_id,
        }))
    }

    /// The user whose token it is.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        self.0.user_id
    }

    /// What that user is called, for a person to read: names can be given up and taken by others, ids cannot.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.0.username
    }

    /// Names the token without revealing it.
    #[must_use]
    pub fn token_id(&self) -> TokenId {
        self.0.token_id
    }

    /// What the token is for.
    #[must_use]
    pub fn token_kind(&self) -> TokenKind {
        self.0.kind
    }

    /// What the caller may do: the token's scopes and its user's in common.
    #[must_use]
    pub fn scopes(&self) -> &ScopeSet {
        &self.0.scopes
    }

    pub(crate) fn digest(&self) -> &TokenDigest {
        &self.0.digest
    }

    pub(crate) fn expires_at(&self) -> BootTime {
        self.0.expires_at
    }

    /// Whether this is the first use in its minute.
    pub(crate) fn first_use_in_minute(&self, now: BootTime) -> bool {
        const MINUTE: u64 = Duration::from_secs(60).as_nanos() as u64;
        // From 1 on: 0 is for never. Wraps around after 8,000 years.
        let minute = (now.as_nanos() / MINUTE + 1) as u32;
        self.0.used.load(Ordering::Relaxed) != minute && self.0.used.swap(minute, Ordering::Relaxed) != minute
    }

    /// It was asked for.
    pub(crate) fn mark_recent(&self) {
        // Most of the time it is marked already, and a line that is only read can be in all processors' caches.
        if !self.0.recent.load(Ordering::Relaxed) {
            self.0.recent.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was asked for since this was asked last.
    pub(crate) fn take_recent(&self) -> bool {
        self.0.recent.swap(false, Ordering::Relaxed)
    }
}
