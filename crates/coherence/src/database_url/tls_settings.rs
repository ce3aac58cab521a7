use super::parameters::{NO_LISTS, Said};
use super::{InvalidDatabaseUrl, Mode};
use std::path::{Path, PathBuf};

/// Whom to trust, what to show, and how to speak. Files are read for each connection: certificates are replaced before they
/// expire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsSettings {
    pub(crate) roots: Roots,
    /// The client's own certificate and its key.
    pub(crate) own: Option<(PathBuf, PathBuf)>,
    /// Whether the server is told by which name it is meant.
    pub(crate) sni: bool,
    /// Whether TLS is spoken without asking first, as Postgres 17 and later let one.
    pub(crate) direct: bool,
    pub(crate) tls12: bool,
    pub(crate) tls13: bool,
}

/// The authorities that may have signed a server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Roots {
    /// Whoever: the certificate is not looked at.
    Any,
    System,
    File(PathBuf),
}

impl TlsSettings {
    pub(super) fn read(said: &Said, mode: Mode, home: Option<&Path>) -> Result<Self, InvalidDatabaseUrl> {
        // Where libpq looks where nobody says where.
        let default = |file: &str| Some(home?.join(".postgresql").join(file)).filter(|path| path.is_file());
        let path = |name: &str, file: &str| said.get(name).map(PathBuf::from).or_else(|| default(file));
        let roots = match (path("sslrootcert", "root.crt"), mode) {
            (Some(path), _) if path == Path::new("system") => Roots::System,
            (Some(path), _) => Roots::File(path),
            (None, Mode::VerifyFull) => Roots::System,
            (None, Mode::VerifyCa) => {
                return Err(InvalidDatabaseUrl::Value {
                    name: "sslrootcert",
                    expected: "a file of certificates where sslmode is verify-ca",
                });
            }
            (None, _) => Roots::Any,
        };
        if !matches!(roots, Roots::Any) && default("root.crl").is_some() {
            return Err(InvalidDatabaseUrl::NotSupported {
                name: "~/.postgresql/root.crl",
                why: NO_LISTS,
            });
        }
        let own = match (
            path("sslcert", "postgresql.crt"),
            path("sslkey", "postgresql.key"),
        ) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (Some(_), None) => {
                return Err(InvalidDatabaseUrl::Value {
                    name: "sslkey",
                    expected: "the file of the key where there is sslcert",
                });
            }
            (None, _) => None,
        };
        let (tls12, tls13) = versions(said)?;
        let direct = said.one_of(
            "sslnegotiation",
            "postgres or direct",
            &[("postgres", false), ("direct", true)],
        )?;
        let direct = direct.unwrap_or(false);
        if direct && !mode.encrypts() {
            return Err(InvalidDatabaseUrl::Value {
                name: "sslmode",
                expected: "require, verify-ca or verify-full where sslnegotiation is direct",
            });
        }
        let sni = said.one_of("sslsni", "0 or 1", &[("0", false), ("1", true)])?;
        Ok(Self {
            roots,
            own,
            sni: sni.unwrap_or(true),
            direct,
            tls12,
            tls13,
        })
    }
}

/// Whether 1.2 and 1.3 may be spoken. Nothing older ever is.
fn versions(said: &Said) -> Result<(bool, bool), InvalidDatabaseUrl> {
    const VERSIONS: [(&str, u8); 4] = [("TLSv1", 0), ("TLSv1.1", 1), ("TLSv1.2", 2), ("TLSv1.3", 3)];
    let least = said.one_of(
        "ssl_min_protocol_version",
        "TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3",
        &VERSIONS,
    )?;
    let most = said.one_of("ssl_max_protocol_version", "TLSv1.2 or TLSv1.3", &VERSIONS[2..])?;
    let (least, most) = (least.unwrap_or(2), most.unwrap_or(3));
    if least > most {
        return Err(InvalidDatabaseUrl::Value {
            name: "ssl_min_protocol_version",
            expected: "no later than ssl_max_protocol_version",
        });
    }
    Ok((least <= 2, most >= 3))
}
