use super::InvalidDatabaseUrl;
use super::parameters::Said;

/// What `sslmode` says (PostgreSQL documentation, §34.19.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Disable,
    /// Encrypted if the server asks for it.
    Allow,
    /// Encrypted if the server can.
    Prefer,
    /// Encrypted, whoever the server is, unless authorities are named.
    Require,
    /// Its certificate is of an authority that is trusted.
    VerifyCa,
    /// And is for the host that was meant.
    VerifyFull,
}

const MODES: [(&str, Mode); 6] = [
    ("disable", Mode::Disable),
    ("allow", Mode::Allow),
    ("prefer", Mode::Prefer),
    ("require", Mode::Require),
    ("verify-ca", Mode::VerifyCa),
    ("verify-full", Mode::VerifyFull),
];

impl Mode {
    pub(super) fn read(said: &Said) -> Result<Self, InvalidDatabaseUrl> {
        const EXPECTED: &str = "disable, allow, prefer, require, verify-ca or verify-full";
        let mode = said.one_of("sslmode", EXPECTED, &MODES)?;
        // Anybody can have a certificate of one of the system's authorities, for a host of their own.
        if said.get("sslrootcert") == Some("system") {
            return match mode.unwrap_or(Self::VerifyFull) {
                Self::VerifyFull => Ok(Self::VerifyFull),
                _ => Err(InvalidDatabaseUrl::Value {
                    name: "sslmode",
                    expected: "verify-full where sslrootcert is system",
                }),
            };
        }
        Ok(mode.unwrap_or(Self::Prefer))
    }

    pub(super) fn name(self) -> &'static str {
        let found = MODES.iter().find(|(_, mode)| *mode == self);
        found.map_or("", |(name, _)| name)
    }

    /// Whether nothing is ever sent in clear text.
    pub(super) fn encrypts(self) -> bool {
        matches!(self, Self::Require | Self::VerifyCa | Self::VerifyFull)
    }
}
