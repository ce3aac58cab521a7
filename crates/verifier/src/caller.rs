use crate::permissions::{Permissions, VerifierId};
use jeton_coherence::BootTime;
use jeton_coherence::lookups::ValidToken;
use jeton_domain::{ClientId, Resource, ScopeSet, TokenDigest, TokenId, TokenKind, UserId};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Who is calling, by a token that was found valid. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Caller(Arc<Known>);

/// One allocation, as there may be a million of these: 104 bytes with the counts of the [`Arc`].
///
/// In this order: with the counts, what a check reads and writes are the first 40 bytes.
#[derive(Debug)]
#[repr(C)]
struct Known {
    key: Key,
    state: State,
    permissions: Arc<Permissions>,
    user_id: UserId,
    token_id: TokenId,
    username: Name,
}

/// The second half of a digest: 128 bits, by which tokens that are remembered are told from others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key([u8; 16]);

impl Key {
    pub(crate) fn of(digest: &TokenDigest) -> Self {
        let (_, half) = digest.as_bytes().split_at(16);
        Self(half.try_into().unwrap_or_default())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// What changes about a token, and what is asked along with it, in one word: from the lowest bit on whether it was asked
/// for lately, what it is for, the minute for which a use was noted last, and when it expires.
struct State(AtomicU64);

impl State {
    const RECENT: u64 = 1;
    const PERSONAL: u64 = 1 << 1;
    const DELEGATED: u64 = 1 << 2;
    const MINUTE_AT: u32 = 3;
    /// Minutes wrap around after 4 years.
    const MINUTES: u64 = (1 << 21) - 1;
    /// Moments are kept as so many of these bits, the low ones of the nanoseconds left out: it is 17 ms between two. A token
    /// is forgotten as much too early, never too late.
    const EXPIRY_AT: u32 = 24;

    fn new(kind: TokenKind, expires_at: BootTime) -> Self {
        let kind = match kind {
            TokenKind::Login => 0,
            TokenKind::Personal => Self::PERSONAL,
            TokenKind::Delegated => Self::DELEGATED,
        };
        Self(AtomicU64::new(
            (expires_at.as_nanos() >> Self::EXPIRY_AT << Self::EXPIRY_AT) | kind,
        ))
    }

    fn load(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn kind(&self) -> TokenKind {
        match self.load() & (Self::PERSONAL | Self::DELEGATED) {
            0 => TokenKind::Login,
            Self::PERSONAL => TokenKind::Personal,
            _ => TokenKind::Delegated,
        }
    }

    fn has_expired(&self, now: BootTime) -> bool {
        now.as_nanos() >> Self::EXPIRY_AT >= self.load() >> Self::EXPIRY_AT
    }

    fn first_use_in_minute(&self, now: BootTime) -> bool {
        const MINUTE: u64 = Duration::from_secs(60).as_nanos() as u64;
        // From 1 on: 0 is for never.
        let minute = ((now.as_nanos() / MINUTE) % Self::MINUTES + 1) << Self::MINUTE_AT;
        let mask = Self::MINUTES << Self::MINUTE_AT;
        let noted = |state: u64| (state & mask != minute).then_some(state & !mask | minute);
        // Most of the time it is noted already, and a line that is only read can be in all processors' caches.
        noted(self.load()).is_some()
            && self
                .0
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, noted)
                .is_ok()
    }

    fn mark_recent(&self) {
        if self.load() & Self::RECENT == 0 {
            self.0.fetch_or(Self::RECENT, Ordering::Relaxed);
        }
    }

    fn take_recent(&self) -> bool {
        self.0.fetch_and(!Self::RECENT, Ordering::Relaxed) & Self::RECENT != 0
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("State").field(&self.kind()).finish()
    }
}

/// A user's name. Most are short, and have no allocation of their own.
#[derive(Debug)]
enum Name {
    Short { length: u8, bytes: [u8; Name::MOST] },
    Long(Box<str>),
}

impl Name {
    /// So many bytes fit where a pointer and a length do, one word more, and the mark of which it is.
    const MOST: usize = 22;

    fn new(text: String) -> Self {
        let mut bytes = [0; Self::MOST];
        match bytes.get_mut(..text.len()) {
            Some(start) => {
                start.copy_from_slice(text.as_bytes());
                Self::Short {
                    length: text.len() as u8,
                    bytes,
                }
            }
            None => Self::Long(text.into_boxed_str()),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            // They were a text's, all of it.
            Self::Short { length, bytes } => {
                std::str::from_utf8(&bytes[..usize::from(*length)]).unwrap_or_default()
            }
            Self::Long(text) => text,
        }
    }
}

impl Caller {
    /// The token was found by a query sent at that moment; the permissions are the token's, shared with others that have the
    /// same.
    pub(crate) fn new(
        digest: &TokenDigest,
        token: ValidToken,
        permissions: Arc<Permissions>,
        sent: BootTime,
    ) -> Self {
        let expires_at = token
            .remaining
            .map_or(BootTime::NEVER, |remaining| sent + remaining);
        Self(Arc::new(Known {
            key: Key::of(digest),
            state: State::new(token.kind, expires_at),
            permissions,
            user_id: token.user_id,
            token_id: token.token_id,
            username: Name::new(token.username),
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
        self.0.username.as_str()
    }

    /// Names the token without revealing it.
    #[must_use]
    pub fn token_id(&self) -> TokenId {
        self.0.token_id
    }

    /// What the token is for.
    #[must_use]
    pub fn token_kind(&self) -> TokenKind {
        self.0.state.kind()
    }

    /// What the caller may do: the token's scopes and its user's in common, and its client's.
    #[must_use]
    pub fn scopes(&self) -> &ScopeSet {
        &self.0.permissions.scopes
    }

    /// The client that the token was given to, where its kind is [`Delegated`](TokenKind::Delegated): it acts for the user, who may take
    /// that back. `None`: the token is the user's own.
    #[must_use]
    pub fn client_id(&self) -> Option<ClientId> {
        self.0.permissions.client_id
    }

    /// The one resource that accepts the token ([RFC 8707]). `None`: any.
    ///
    /// [RFC 8707]: https://www.rfc-editor.org/rfc/rfc8707
    #[must_use]
    pub fn audience(&self) -> Option<&str> {
        self.0.permissions.audience.as_deref()
    }

    /// Whether this verifier, which is for this resource, or for none in particular, may accept the token: another one's word
    /// does not count.
    pub(crate) fn is_for(&self, verifier: VerifierId, resource: Option<&Resource>) -> bool {
        let permissions = &self.0.permissions;
        permissions.found_by == verifier && permissions.are_for(resource)
    }

    /// Whether the digest is of this token, if the digests of both begin alike.
    pub(crate) fn has(&self, key: Key) -> bool {
        self.0.key == key
    }

    pub(crate) fn has_expired(&self, now: BootTime) -> bool {
        self.0.state.has_expired(now)
    }

    /// Whether this is the first use in its minute.
    pub(crate) fn first_use_in_minute(&self, now: BootTime) -> bool {
        self.0.state.first_use_in_minute(now)
    }

    /// It was asked for, see [`Table`](crate::table::Table).
    pub(crate) fn mark_recent(&self) {
        self.0.state.mark_recent();
    }

    /// Whether it was asked for since this was asked last.
    pub(crate) fn take_recent(&self) -> bool {
        self.0.state.take_recent()
    }
}

/// What a look-up may find, for tests to change.
#[cfg(test)]
pub(crate) fn any_valid_token() -> ValidToken {
    ValidToken {
        token_id: TokenId(uuid::Uuid::nil()),
        kind: TokenKind::Login,
        user_id: UserId(uuid::Uuid::nil()),
        username: "ada".to_owned(),
        scopes: ScopeSet::default(),
        client_id: None,
        audience: None,
        remaining: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: Duration) -> BootTime {
        BootTime::ZERO + time
    }

    #[test]
    fn a_million_callers_take_little_memory() {
        // And two counts.
        assert_eq!(size_of::<Known>() + 16, 104);
    }

    #[test]
    fn names_are_kept_whole_however_long() {
        for length in [0, 1, 21, 22, 23, 300] {
            let text = "x".repeat(length);
            assert_eq!(Name::new(text.clone()).as_str(), text);
        }
        for text in ["ä".repeat(11), "ä".repeat(12)] {
            assert_eq!(Name::new(text.clone()).as_str(), text);
        }
    }

    #[test]
    fn a_state_keeps_what_it_holds_apart() {
        let end = at(Duration::from_secs(1_000_000));
        for kind in [TokenKind::Login, TokenKind::Personal, TokenKind::Delegated] {
            let state = State::new(kind, end);
            for minute in [0, 1, 2, 1000, u64::from(u32::MAX), 3] {
                let now = at(Duration::from_secs(60 * minute));
                assert!(state.first_use_in_minute(now) && !state.first_use_in_minute(now));
                assert!(!state.take_recent());
                state.mark_recent();
                state.mark_recent();
                assert!(!state.first_use_in_minute(now));
                assert!(state.take_recent() && !state.take_recent());
                assert_eq!(state.kind(), kind);
                assert!(state.has_expired(end) && !state.has_expired(at(Duration::from_secs(999_999))));
            }
        }
    }

    #[test]
    fn a_token_expires_a_little_early_and_never_late() {
        for nanos in [1, 1 << 24, (1 << 24) + 1, u64::from(u32::MAX), 1 << 50] {
            let state = State::new(TokenKind::Login, BootTime::from_nanos(nanos));
            assert!(state.has_expired(BootTime::from_nanos(nanos)), "{nanos}");
            let before = nanos.saturating_sub(1 << 24);
            assert_eq!(state.has_expired(BootTime::from_nanos(before)), nanos < 1 << 24);
        }
        let for_ever = State::new(TokenKind::Login, BootTime::NEVER);
        assert!(!for_ever.has_expired(at(Duration::from_secs(500 * 365 * 86_400))));
    }
}
