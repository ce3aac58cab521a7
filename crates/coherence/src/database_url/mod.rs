mod mode;
mod parameters;
mod password_file;
mod session;
#[cfg(test)]
mod tests;
mod tls_settings;
mod uri;

use crate::standing::Standing;
pub(crate) use mode::Mode;
use parameters::Said;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
#[cfg(any(feature = "tls", test))]
pub(crate) use tls_settings::Roots;
pub(crate) use tls_settings::TlsSettings;
use tokio_postgres::Config;

const HOME: &str = "HOME";

/// Where the database is and how to sign in to it: a connection URI as libpq has it (PostgreSQL documentation, §34.1.1.2).
/// What libpq can be told, by the URI or by the environment, is honoured, or refused by its name.
///
/// Of several hosts, clones remember together which has worked last, and try that one first.
#[derive(Clone)]
pub struct DatabaseUrl(Arc<Target>);

/// Why a text cannot be used as the address of the database. Never quotes it: it holds a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDatabaseUrl {
    /// Not a URI of Postgres.
    #[error(
        "must look like postgres://user:password@host:5432/database, with %40 for @ in each of them, and %2F for /"
    )]
    Form,
    /// Another machine, and not a word about encryption: libpq's default would fall back to clear text unnoticed.
    #[error(
        "the host {0} is not this machine: add ?sslmode=verify-full (or require), \
         or ?sslmode=disable to send everything in clear text"
    )]
    EncryptionNotStated(String),
    /// Encryption asked of a program that cannot do it.
    #[error("sslmode={0} needs a program built with the feature tls")]
    BuiltWithoutTls(String),
    /// What libpq does not know, either.
    #[error("the parameter {0:?} is not known")]
    Unknown(String),
    /// What libpq would have honoured, and nothing here can.
    #[error("{name} is not supported: {why}")]
    NotSupported {
        /// The parameter, or the variable of the environment.
        name: &'static str,
        /// The reason.
        why: &'static str,
    },
    /// A value that the parameter cannot have.
    #[error("{name} must be {expected}")]
    Value {
        /// The parameter, or the variable of the environment.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
    },
}

/// All that is known of how to connect.
pub(crate) struct Target {
    /// What is told to every server alike.
    pub(crate) config: Config,
    pub(crate) endpoints: Vec<Endpoint>,
    /// Whether the endpoints are to be tried in any order.
    pub(crate) random_order: bool,
    pub(crate) mode: Mode,
    pub(crate) tls: TlsSettings,
    /// How long one address may take, from looking it up until signed in; `None`: as long as it takes.
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) standing: Standing,
    user: String,
    dbname: String,
    password: Option<SecretString>,
    password_file: Option<PathBuf>,
}

/// One of several servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// What a certificate has to be for, and the password file has it by.
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// To be looked up.
    Name,
    Address(IpAddr),
    /// The directory of a Unix socket.
    Socket(PathBuf),
}

impl DatabaseUrl {
    /// Reads a URI, and what libpq would read of the environment where it is silent; adds time-outs where none are named. Of
    /// several hosts the one that accepts writes is taken, unless `target_session_attrs` says otherwise.
    ///
    /// # Errors
    /// [`InvalidDatabaseUrl`], for a URI that would send a password over a network in clear text as well, unless it
    /// says `sslmode=disable`.
    pub fn parse(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        let environment = |name: &str| {
            // Where it is not set, the home directory is the one in the list of users, as for libpq.
            let value = match name {
                HOME => std::env::home_dir()?.into_os_string(),
                _ => std::env::var_os(name)?,
            };
            Some(value.to_string_lossy().into_owned())
        };
        match Target::read(text, environment) {
            Err(_) if uri::is_doubtful(text) => Err(InvalidDatabaseUrl::Form),
            target => Ok(Self(Arc::new(target?))),
        }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.0
    }
}

impl Target {
    pub(crate) fn read(
        text: &str,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, InvalidDatabaseUrl> {
        let said = Said::new(uri::parts(text)?, &environment)?;
        let home = environment(HOME)
            .filter(|home| !home.is_empty())
            .map(PathBuf::from);
        let endpoints = endpoints(&said)?;
        let mode = checked(Mode::read(&said)?, &endpoints)?;
        // As the operating system calls whoever runs this.
        let user = said
            .get("user")
            .map(str::to_owned)
            .or_else(|| whoami::username().ok());
        let user = user
            .filter(|user| !user.is_empty())
            .ok_or(InvalidDatabaseUrl::Value {
                name: "user",
                expected: "said: the system has no name for whoever runs this",
            })?;
        let password_file = said.get("passfile").map(PathBuf::from);
        let (config, connect_timeout) = session::read(&said, &environment)?;
        Ok(Self {
            config,
            random_order: said
                .one_of(
                    "load_balance_hosts",
                    "disable or random",
                    &[("disable", false), ("random", true)],
                )?
                .unwrap_or(false),
            mode,
            tls: TlsSettings::read(&said, mode, home.as_deref())?,
            // However patient, it is not for the first of them alone.
            connect_timeout: connect_timeout.or((endpoints.len() > 1).then_some(session::CONNECT_TIMEOUT)),
            standing: Standing::default(),
            endpoints,
            dbname: said.get("dbname").unwrap_or(&user).to_owned(),
            user,
            password: said.get("password").map(SecretString::from),
            password_file: password_file.or_else(|| Some(home?.join(".pgpass"))),
        })
    }

    /// What the driver is told of one server, but for its place. The password file is read each time, as it changes.
    pub(crate) fn config_for(&self, endpoint: &Endpoint) -> Config {
        let mut config = self.config.clone();
        config.user(&self.user).dbname(&self.dbname).port(endpoint.port);
        let of_file = || {
            let account = password_file::Account {
                host: match &endpoint.place {
                    Place::Socket(directory) if directory == Path::new(default_socket()) => "localhost",
                    _ => &endpoint.name,
                },
                port: &endpoint.port.to_string(),
                dbname: &self.dbname,
                user: &self.user,
            };
            password_file::find(self.password_file.as_deref()?, &account)
        };
        if let Some(password) = self.password.clone().or_else(of_file) {
            config.password(password.expose_secret());
        }
        config
    }
}

/// Hosts, addresses and ports, each a list, of which one may be missing.
fn endpoints(said: &Said) -> Result<Vec<Endpoint>, InvalidDatabaseUrl> {
    let hosts: Vec<&str> = said.get("host").unwrap_or_default().split(',').collect();
    let address = |text: &str| match text {
        "" => Some(None),
        text => text.parse::<IpAddr>().ok().map(Some),
    };
    let addresses = said.read("hostaddr", "addresses, as 203.0.113.7 or 2001:db8::7", |text| {
        text.split(',').map(address).collect::<Option<Vec<_>>>()
    })?;
    let named = said.get("host").is_some();
    let count = if named {
        hosts.len()
    } else {
        addresses.as_ref().map_or(1, Vec::len)
    };
    if addresses
        .as_ref()
        .is_some_and(|addresses| addresses.len() != count)
    {
        return Err(InvalidDatabaseUrl::Value {
            name: said.by("hostaddr"),
            expected: "as many addresses as there are hosts",
        });
    }
    let port = |text: &str| match text {
        "" => Some(5432),
        text => text.parse().ok().filter(|port| *port != 0),
    };
    let ports = said.read(
        "port",
        "numbers of ports, one or as many as there are hosts",
        |text| {
            let ports = text.split(',').map(port).collect::<Option<Vec<u16>>>()?;
            (ports.len() == 1 || ports.len() == count).then_some(ports)
        },
    )?;
    let ports = ports.unwrap_or_else(|| vec![5432]);
    let endpoint = |at: usize| {
        let host = hosts.get(at).copied().unwrap_or_default();
        let address = addresses.as_ref().and_then(|addresses| addresses[at]);
        let place = match address.or_else(|| host.parse().ok()) {
            Some(_) if host.starts_with(['/', '@']) => {
                return Err(InvalidDatabaseUrl::Value {
                    name: said.by("hostaddr"),
                    expected: "left out where the host is a socket",
                });
            }
            Some(address) => Place::Address(address),
            None if host.is_empty() => Place::Socket(default_socket().into()),
            None if host.starts_with('/') => Place::Socket(host.into()),
            None if host.starts_with('@') => {
                return Err(InvalidDatabaseUrl::Value {
                    name: said.by("host"),
                    expected: "a name, an address or a directory: sockets without a path are not supported",
                });
            }
            None if host.contains(':') => {
                return Err(InvalidDatabaseUrl::Value {
                    name: said.by("host"),
                    expected: "an address without a zone: link-local ones are not supported",
                });
            }
            None => Place::Name,
        };
        let name = match &place {
            Place::Address(address) if host.is_empty() => address.to_string(),
            Place::Socket(directory) => directory.display().to_string(),
            _ => host.to_owned(),
        };
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        Ok(Endpoint { name, place, port })
    };
    (0..count).map(endpoint).collect()
}

/// Where Debian's servers listen, or where all others do.
fn default_socket() -> &'static str {
    let debian = "/var/run/postgresql";
    if Path::new(debian).is_dir() {
        debian
    } else {
        "/tmp"
    }
}

/// Another machine is not to be spoken to in clear text, unless somebody says so.
fn checked(mode: Mode, endpoints: &[Endpoint]) -> Result<Mode, InvalidDatabaseUrl> {
    let tls = cfg!(feature = "tls");
    match mode {
        Mode::Disable => Ok(mode),
        _ if mode.encrypts() && tls => Ok(mode),
        _ if mode.encrypts() => Err(InvalidDatabaseUrl::BuiltWithoutTls(mode.name().to_owned())),
        _ => match endpoints.iter().find(|endpoint| !endpoint.is_this_machine()) {
            Some(far) => Err(InvalidDatabaseUrl::EncryptionNotStated(far.name.clone())),
            None if tls => Ok(mode),
            None => Ok(Mode::Disable),
        },
    }
}

impl Endpoint {
    fn is_this_machine(&self) -> bool {
        match &self.place {
            Place::Name => self.name == "localhost",
            Place::Address(address) => address.is_loopback(),
            Place::Socket(_) => true,
        }
    }
}

/// As messages have it.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} port {}", self.name, self.port)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl([REDACTED])")
    }
}
