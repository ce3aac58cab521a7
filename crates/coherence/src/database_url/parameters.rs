//! What a connection can be told, as libpq names it (PostgreSQL documentation, §34.1.2 and §34.15), and what becomes of it.

use super::InvalidDatabaseUrl;
use std::collections::HashMap;

/// Something that libpq can be told by name.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// The environment variable that says it where the address is silent.
    pub(super) variable: Option<&'static str>,
    /// Why it is refused; `None`: it is honoured.
    pub(super) refused: Option<&'static str>,
}

const fn honoured(name: &'static str, variable: &'static str) -> Parameter {
    Parameter {
        name,
        variable: Some(variable),
        refused: None,
    }
}

const fn by_name_alone(name: &'static str) -> Parameter {
    Parameter {
        name,
        variable: None,
        refused: None,
    }
}

const fn refused(name: &'static str, variable: &'static str, why: &'static str) -> Parameter {
    Parameter {
        name,
        variable: Some(variable),
        refused: Some(why),
    }
}

const fn refused_by_name(name: &'static str, why: &'static str) -> Parameter {
    Parameter {
        name,
        variable: None,
        refused: Some(why),
    }
}

const SAY_IT_HERE: &str = "say it in the address itself";
pub(super) const NO_LISTS: &str = "lists of revoked certificates are not read";
const NO_KERBEROS: &str = "there is no GSSAPI here";
const NO_OAUTH: &str = "signing in to Postgres by OAuth is not supported";
const NO_CHOICE: &str = "the driver chooses it";

/// All that libpq 13 to 18 knows.
pub(super) const PARAMETERS: [Parameter; 55] = [
    honoured("host", "PGHOST"),
    honoured("hostaddr", "PGHOSTADDR"),
    honoured("port", "PGPORT"),
    honoured("dbname", "PGDATABASE"),
    honoured("user", "PGUSER"),
    honoured("password", "PGPASSWORD"),
    honoured("passfile", "PGPASSFILE"),
    honoured("channel_binding", "PGCHANNELBINDING"),
    honoured("connect_timeout", "PGCONNECT_TIMEOUT"),
    honoured("client_encoding", "PGCLIENTENCODING"),
    honoured("options", "PGOPTIONS"),
    honoured("application_name", "PGAPPNAME"),
    by_name_alone("fallback_application_name"),
    by_name_alone("keepalives"),
    by_name_alone("keepalives_idle"),
    by_name_alone("keepalives_interval"),
    by_name_alone("keepalives_count"),
    by_name_alone("tcp_user_timeout"),
    honoured("sslmode", "PGSSLMODE"),
    honoured("requiressl", "PGREQUIRESSL"),
    by_name_alone("ssl"),
    honoured("sslnegotiation", "PGSSLNEGOTIATION"),
    honoured("sslcompression", "PGSSLCOMPRESSION"),
    honoured("sslcert", "PGSSLCERT"),
    honoured("sslkey", "PGSSLKEY"),
    honoured("sslrootcert", "PGSSLROOTCERT"),
    honoured("sslsni", "PGSSLSNI"),
    honoured("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    honoured("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    honoured("gssencmode", "PGGSSENCMODE"),
    honoured("target_session_attrs", "PGTARGETSESSIONATTRS"),
    honoured("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    refused("service", "PGSERVICE", SAY_IT_HERE),
    refused("servicefile", "PGSERVICEFILE", SAY_IT_HERE),
    refused_by_name("sslpassword", "keys that a password protects are not read"),
    refused("sslcrl", "PGSSLCRL", NO_LISTS),
    refused("sslcrldir", "PGSSLCRLDIR", NO_LISTS),
    refused("sslcertmode", "PGSSLCERTMODE", NO_CHOICE),
    refused_by_name("sslkeylogfile", "keys of sessions are not written anywhere"),
    refused(
        "requirepeer",
        "PGREQUIREPEER",
        "whose server it is that listens on a Unix socket is not asked",
    ),
    refused("require_auth", "PGREQUIREAUTH", NO_CHOICE),
    refused("min_protocol_version", "PGMINPROTOCOLVERSION", NO_CHOICE),
    refused("max_protocol_version", "PGMAXPROTOCOLVERSION", NO_CHOICE),
    refused("krbsrvname", "PGKRBSRVNAME", NO_KERBEROS),
    refused("gsslib", "PGGSSLIB", NO_KERBEROS),
    refused("gssdelegation", "PGGSSDELEGATION", NO_KERBEROS),
    refused_by_name("replication", "no replication is spoken here"),
    refused_by_name("scram_client_key", "a password is needed"),
    refused_by_name("scram_server_key", "a password is needed"),
    refused_by_name("oauth_issuer", NO_OAUTH),
    refused_by_name("oauth_client_id", NO_OAUTH),
    refused_by_name("oauth_client_secret", NO_OAUTH),
    refused_by_name("oauth_scope", NO_OAUTH),
    refused_by_name("authtype", "it has been without a meaning since PostgreSQL 7"),
    refused_by_name("tty", "it has been without a meaning since PostgreSQL 7"),
];

/// What libpq tells a session of the environment, and of nothing else: the variable, and Postgres's setting. `PGTZ` is left out,
/// since sessions are in UTC.
pub(super) const SESSION: [(&str, &str); 2] = [("PGDATESTYLE", "DateStyle"), ("PGGEQO", "geqo")];

/// What was said, by the names of parameters.
pub(super) struct Said(HashMap<&'static str, Saying>);

struct Saying {
    value: String,
    /// What a person would look for: the parameter's name, or that of the variable.
    by: &'static str,
}

impl Said {
    /// Of the parts of the address, the last word on each name counts; where it has none, the environment's does. An empty
    /// value says nothing.
    pub(super) fn new(
        address: impl IntoIterator<Item = (String, String)>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, InvalidDatabaseUrl> {
        let mut said = HashMap::new();
        for (name, value) in address {
            let known = PARAMETERS.iter().find(|parameter| parameter.name == name);
            let parameter = known.ok_or(InvalidDatabaseUrl::Unknown(name))?;
            if value.is_empty() {
                continue;
            }
            let saying = Saying {
                value,
                by: parameter.name,
            };
            let (name, saying) = today(parameter.name, saying)?;
            said.insert(name, saying);
        }
        for parameter in &PARAMETERS {
            if let Some(variable) = parameter.variable
                && let Some(value) = environment(variable).filter(|value| !value.is_empty())
            {
                let (name, saying) = today(parameter.name, Saying { value, by: variable })?;
                said.entry(name).or_insert(saying);
            }
        }
        for parameter in &PARAMETERS {
            if let (Some(why), Some(saying)) = (parameter.refused, said.get(parameter.name)) {
                return Err(InvalidDatabaseUrl::NotSupported { name: saying.by, why });
            }
        }
        Ok(Self(said))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        Some(&self.0.get(name)?.value)
    }

    /// What a value of this parameter that cannot be is to be told by.
    pub(super) fn by(&self, name: &'static str) -> &'static str {
        self.0.get(name).map_or(name, |saying| saying.by)
    }

    /// The value of a parameter as something else.
    pub(super) fn read<T>(
        &self,
        name: &str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, InvalidDatabaseUrl> {
        let Some(saying) = self.0.get(name) else {
            return Ok(None);
        };
        let value = read(saying.value.trim()).ok_or(InvalidDatabaseUrl::Value {
            name: saying.by,
            expected,
        })?;
        Ok(Some(value))
    }

    /// As [`Said::read`], where there are only so many values.
    pub(super) fn one_of<T: Copy>(
        &self,
        name: &str,
        expected: &'static str,
        values: &[(&str, T)],
    ) -> Result<Option<T>, InvalidDatabaseUrl> {
        self.read(name, expected, |said| {
            let value = values.iter().find(|(value, _)| *value == said);
            value.map(|(_, meaning)| *meaning)
        })
    }
}

/// What old names say is told to their successor, as libpq does: `requiressl=1`, and `ssl=true`, which is JDBC's.
fn today(name: &'static str, saying: Saying) -> Result<(&'static str, Saying), InvalidDatabaseUrl> {
    let (value, expected) = match (name, saying.value.as_str()) {
        ("ssl", "true") | ("requiressl", "1") => (Some("require"), ""),
        ("requiressl", "0") => (Some("prefer"), ""),
        ("ssl", _) => (None, "true, or better: sslmode"),
        ("requiressl", _) => (None, "0 or 1, or better: sslmode"),
        _ => return Ok((name, saying)),
    };
    let by = saying.by;
    let value = value.ok_or(InvalidDatabaseUrl::Value { name: by, expected })?;
    let value = value.to_owned();
    Ok(("sslmode", Saying { value, by }))
}
