use secrecy::{ExposeSecret, SecretString};
use std::fmt;

/// Where the database is and how to sign in to it: a libpq connection URI (PostgreSQL documentation, §34.1.1.2).
#[derive(Clone)]
pub struct DatabaseUrl(SecretString);

/// Why a text cannot be used as the address of the database. Never quotes it: it holds a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// Not a URI of Postgres.
    #[error("must look like postgres://user:password@host:5432/database")]
    Form,
    /// Another machine, and not a word about encryption: libpq's default would fall back to clear text unnoticed.
    #[error(
        "the host {0} is not this machine: add ?sslmode=verify-full (or require), \
         or ?sslmode=disable to send everything in clear text"
    )]
    EncryptionNotStated(String),
    /// Encryption asked of a program that cannot do it.
    #[error("sslmode={0} needs a program built with --features tls")]
    BuiltWithoutTls(String),
}

/// How long to wait for a connection, and how soon to notice that the other side is gone: 3 seconds to connect,
/// about 25 on a silent connection, 10 for data that nobody acknowledges. libpq's own defaults are two hours and more.
const DEFAULTS: [(&str, &str); 7] = [
    ("connect_timeout", "3"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "10000"),
    // Of several hosts the primary; a standby is behind, and lets nobody write.
    ("target_session_attrs", "read-write"),
    ("fallback_application_name", "jeton"),
];

impl DatabaseUrl {
    /// Reads a URI, and adds time-outs where it names none.
    ///
    /// # Errors
    /// [`InvalidDatabaseUrl`], for a URI that would send a password over a network in clear text as well, unless it
    /// says `sslmode=disable`.
    pub fn parse(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        let rest = text
            .strip_prefix("postgres://")
            .or_else(|| text.strip_prefix("postgresql://"))
            .ok_or(InvalidDatabaseUrl::Form)?;
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(InvalidDatabaseUrl::Form);
        }
        let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
        let parameters: Vec<(&str, &str)> =
            query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let find = |name| {
            parameters
                .iter()
                .rev()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| *value)
        };

        // A service file may name any host, and so may a parameter that is not seen to be one.
        if find("service").is_some() || parameters.iter().any(|(name, _)| name.contains('%')) {
            return Err(InvalidDatabaseUrl::Form);
        }
        let mut hosts = hosts(address, find("host"), find("hostaddr"));
        // What libpq takes from its environment where the URI is silent.
        let inherited =
            ["PGHOST", "PGHOSTADDR", "PGSERVICE"].map(|name| std::env::var(name).unwrap_or_default());
        hosts.extend(inherited.iter().map(String::as_str));
        check_encryption(hosts, find("sslmode")).map_err(|error| {
            // Where a password has a `/` or `?` that is not escaped, what looks like a host may be a part of it.
            let authority = address.split('/').next().unwrap_or_default();
            if rest[authority.len()..].contains('@') {
                InvalidDatabaseUrl::Form
            } else {
                error
            }
        })?;

        let mut complete = text.to_owned();
        let mut separator = if text.contains('?') { '&' } else { '?' };
        for (name, value) in DEFAULTS {
            if find(name).is_none() {
                complete.push_str(&format!("{separator}{name}={value}"));
                separator = '&';
            }
        }
        Ok(Self(SecretString::from(complete)))
    }
}

fn hosts<'a>(address: &'a str, host: Option<&'a str>, hostaddr: Option<&'a str>) -> Vec<&'a str> {
    let authority = address.split('/').next().unwrap_or_default();
    let listed = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
    let without_port = |host: &'a str| match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let of_parameter = |list: Option<&'a str>| list.into_iter().flat_map(|list| list.split(','));
    listed
        .split(',')
        .map(without_port)
        .chain(of_parameter(host))
        .chain(of_parameter(hostaddr))
        .collect()
}

fn check_encryption(hosts: Vec<&str>, sslmode: Option<&str>) -> Result<(), InvalidDatabaseUrl> {
    let encrypted = match sslmode {
        Some("disable") => return Ok(()),
        Some(mode @ ("require" | "verify-ca" | "verify-full")) => Some(mode),
        _ => None,
    };
    match (encrypted, hosts.into_iter().find(|host| !is_this_machine(host))) {
        (Some(mode), _) if !cfg!(feature = "tls") => {
            Err(InvalidDatabaseUrl::BuiltWithoutTls(mode.to_owned()))
        }
        (None, Some(host)) => Err(InvalidDatabaseUrl::EncryptionNotStated(host.to_owned())),
        _ => Ok(()),
    }
}

/// A loopback address, or the path of a Unix socket (or nothing, which means the default one).
fn is_this_machine(host: &str) -> bool {
    host.is_empty()
        || host == "localhost"
        || host.starts_with('/')
        || host.to_ascii_lowercase().starts_with("%2f")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

impl ExposeSecret<str> for DatabaseUrl {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn adds_what_is_missing_and_keeps_what_is_there() {
        let url = DatabaseUrl::parse("postgres://u:p@localhost/db?connect_timeout=9").unwrap();
        assert!(
            url.expose_secret()
                .starts_with("postgres://u:p@localhost/db?connect_timeout=9&keepalives_idle=10")
        );
        assert_eq!(url.expose_secret().matches("connect_timeout").count(), 1);
        assert!(
            DatabaseUrl::parse("postgresql:///db")
                .unwrap()
                .expose_secret()
                .contains("/db?connect_timeout=3")
        );
    }

    #[test]
    fn this_machine_needs_no_encryption() {
        for good in [
            "postgres://127.0.0.1:5433/db",
            "postgres://u:p@[::1]:5433/db",
            "postgres://u:p%40ss@localhost/db",
            "postgres://%2Fvar%2Frun/db",
            "postgres:///db?host=/var/run",
        ] {
            assert!(DatabaseUrl::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_url_of_another_machine_needs_tls() {
        for bad in [
            "postgres://u:p@db.example.org/x",
            "postgres://u:p@localhost,10.0.0.2/x",
            "postgres:///x?host=db.example.org",
            "postgres://u:p@[2001:db8::1]/x?sslmode=prefer",
            "postgres://localhost@db.example.org/x",
            "postgres://localhost/x?hostaddr=10.0.0.2",
        ] {
            let error = DatabaseUrl::parse(bad).unwrap_err();
            assert!(
                matches!(error, InvalidDatabaseUrl::EncryptionNotStated(_)),
                "{bad}: {error}"
            );
        }
        assert!(DatabaseUrl::parse("postgres://u:p@db.example.org/x?sslmode=disable").is_ok());
        let required = DatabaseUrl::parse("postgres://u:p@db.example.org/x?sslmode=verify-full");
        assert_eq!(required.is_ok(), cfg!(feature = "tls"));
    }

    #[test]
    fn nothing_shows_the_password() {
        assert_eq!(
            format!(
                "{:?}",
                DatabaseUrl::parse("postgres://u:sesame@localhost/x").unwrap()
            ),
            "DatabaseUrl([REDACTED])"
        );
        for bad in [
            "mysql://u:sesame@localhost/x",
            "host=localhost password=sesame",
            "postgres://u:sesame@far/x",
            "postgres://u:a@sesame/b@far/x",
            "postgres://u:a,sesame/b@far/x",
            "postgres://localhost:a,sesame/b@far/x",
            "postgres://localhost:a?host=sesame@far/x",
            "",
        ] {
            assert!(!format!("{0} {0:?}", DatabaseUrl::parse(bad).unwrap_err()).contains("sesame"));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_kept_as_it_begins(text in "(postgres://)?\\PC{0,40}") {
            match DatabaseUrl::parse(&text) {
                Ok(url) => prop_assert!(url.expose_secret().starts_with(&text)),
                Err(error) => prop_assert!(text.len() < 8 || !error.to_string().contains(&text)),
            }
        }
    }
}
