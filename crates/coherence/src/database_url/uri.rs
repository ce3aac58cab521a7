//! The parts of a connection URI (PostgreSQL documentation, §34.1.1.2), by the names of parameters.

use super::InvalidDatabaseUrl;
use percent_encoding::percent_decode_str;

type Pairs = Vec<(String, String)>;

/// `postgres://user:password@host:port,host:port/dbname?name=value&name=value`. Taken apart where libpq takes it apart: an
/// account ends at the first `@`, if that comes before the first `/`.
///
/// # Errors
/// [`InvalidDatabaseUrl::Form`].
pub(super) fn parts(text: &str) -> Result<Pairs, InvalidDatabaseUrl> {
    let (account, rest) = split(text)?;
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (hosts, dbname) = address.split_once('/').unwrap_or((address, ""));
    // A password with an `@` or `/` that is not escaped.
    if address.contains('@') {
        return Err(InvalidDatabaseUrl::Form);
    }
    let (user, password) = account.split_once(':').unwrap_or((account, ""));
    let (hosts, ports) = hosts_and_ports(hosts)?;
    let mut parts = Pairs::new();
    for (name, value) in [
        ("user", user),
        ("password", password),
        ("host", &hosts),
        ("port", &ports),
        ("dbname", dbname),
    ] {
        if !value.is_empty() {
            parts.push((name.to_owned(), decoded(value)?));
        }
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(InvalidDatabaseUrl::Form)?;
        parts.push((decoded(name)?, decoded(value)?));
    }
    Ok(parts)
}

/// Whether what comes after the account may be a part of a password, which no message is to quote.
pub(super) fn is_doubtful(text: &str) -> bool {
    split(text).is_ok_and(|(_, rest)| rest.contains('@'))
}

fn split(text: &str) -> Result<(&str, &str), InvalidDatabaseUrl> {
    let rest = text
        .strip_prefix("postgres://")
        .or_else(|| text.strip_prefix("postgresql://"))
        .ok_or(InvalidDatabaseUrl::Form)?;
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(InvalidDatabaseUrl::Form);
    }
    let authority = rest.split('/').next().unwrap_or_default();
    Ok(match authority.find('@') {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => ("", rest),
    })
}

/// Both as libpq has them: in one text, with commas between. No ports at all if none is said of one host; of several, it is then
/// said of each that its port is the usual one.
fn hosts_and_ports(text: &str) -> Result<(String, String), InvalidDatabaseUrl> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for one in text.split(',') {
        let (host, port) = match one.strip_prefix('[') {
            Some(v6) => {
                let (host, rest) = v6.split_once(']').ok_or(InvalidDatabaseUrl::Form)?;
                let port = match rest.strip_prefix(':') {
                    None if !rest.is_empty() => return Err(InvalidDatabaseUrl::Form),
                    port => port.unwrap_or_default(),
                };
                (host, port)
            }
            None => one.split_once(':').unwrap_or((one, "")),
        };
        hosts.push(host);
        ports.push(port);
    }
    Ok((hosts.join(","), ports.join(",")))
}

fn decoded(text: &str) -> Result<String, InvalidDatabaseUrl> {
    let bytes = text.as_bytes();
    let escape = |at: usize| {
        bytes
            .get(at + 1..at + 3)
            .is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    let escapes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    if escapes.into_iter().any(|(at, _)| !escape(at)) {
        return Err(InvalidDatabaseUrl::Form);
    }
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| InvalidDatabaseUrl::Form)?;
    // The protocol ends texts with it.
    if decoded.contains('\0') {
        return Err(InvalidDatabaseUrl::Form);
    }
    Ok(decoded.into_owned())
}
