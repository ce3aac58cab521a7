//! What a server is told of the session, and how soon it is noticed that the other side is gone.

use super::InvalidDatabaseUrl;
use super::parameters::{SESSION, Said};
use std::str::FromStr;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, TargetSessionAttrs};

/// How long to wait for a connection, and how soon to notice that the other side is gone: 3 seconds to connect,
/// about 25 on a silent connection, 10 for data that nobody acknowledges. The system's own defaults are two hours and more.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const KEEPALIVES_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVES_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVES_COUNT: u32 = 3;
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);
/// What connections are called in `pg_stat_activity`, where nobody says otherwise.
const APPLICATION_NAME: &str = "jeton";

/// The session, and how long one address may take until there is one.
pub(super) fn read(
    said: &Said,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<(Config, Option<Duration>), InvalidDatabaseUrl> {
    check_what_is_fixed(said)?;
    let mut config = Config::new();
    let name = said
        .get("application_name")
        .or(said.get("fallback_application_name"));
    config.application_name(name.unwrap_or(APPLICATION_NAME));
    let mut options = said.get("options").unwrap_or_default().to_owned();
    for (variable, setting) in SESSION {
        let is_said = |value: &String| !value.is_empty() && !value.eq_ignore_ascii_case("default");
        if let Some(value) = environment(variable).filter(is_said) {
            options.push_str(&format!(" -c {setting}={}", escaped(&value)));
        }
    }
    if !options.is_empty() {
        config.options(options);
    }
    let attributes = said.one_of(
        "target_session_attrs",
        "read-write, primary or any: a standby is behind, and lets nobody write",
        &[
            ("read-write", TargetSessionAttrs::ReadWrite),
            // Each server is asked in any case whether it is a standby, and refused if it is.
            ("primary", TargetSessionAttrs::Any),
            ("any", TargetSessionAttrs::Any),
        ],
    )?;
    config.target_session_attrs(attributes.unwrap_or(TargetSessionAttrs::ReadWrite));
    let binding = said.one_of(
        "channel_binding",
        "disable, prefer or require",
        &[
            ("disable", ChannelBinding::Disable),
            ("prefer", ChannelBinding::Prefer),
            ("require", ChannelBinding::Require),
        ],
    )?;
    config.channel_binding(binding.unwrap_or(ChannelBinding::Prefer));
    set_time_outs(&mut config, said)?;
    let connect = said.read("connect_timeout", "a whole number of seconds", number::<i32>)?;
    // Zero, and less, is for ever.
    let connect = connect.map_or(Some(CONNECT_TIMEOUT), |seconds| {
        u64::try_from(seconds)
            .ok()
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs)
    });
    Ok((config, connect))
}

/// As the server takes the options apart: at spaces that no backslash precedes.
fn escaped(value: &str) -> String {
    let mut escaped = String::new();
    for c in value.chars() {
        if c == '\\' || c.is_ascii_whitespace() {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// What may be said of what can only be one way.
fn check_what_is_fixed(said: &Said) -> Result<(), InvalidDatabaseUrl> {
    said.read("client_encoding", "UTF8: no other is spoken", |text| {
        let name = text.to_ascii_uppercase().replace('-', "");
        ["UTF8", "UNICODE", "AUTO"].contains(&name.as_str()).then_some(())
    })?;
    said.one_of(
        "gssencmode",
        "disable or prefer: there is no GSSAPI here",
        &[("disable", ()), ("prefer", ())],
    )?;
    said.one_of("sslcompression", "0: nothing is compressed", &[("0", ())])?;
    Ok(())
}

fn set_time_outs(config: &mut Config, said: &Said) -> Result<(), InvalidDatabaseUrl> {
    let seconds = |name, default| {
        let expected = "a whole number of seconds, 32767 at most";
        let said = said.read(name, expected, |text| {
            number(text).filter(|seconds| *seconds <= 32_767)
        })?;
        Ok::<_, InvalidDatabaseUrl>(said.map_or(default, Duration::from_secs))
    };
    let on = said.one_of("keepalives", "0 or 1", &[("0", false), ("1", true)])?;
    config.keepalives(on.unwrap_or(true));
    let idle = seconds("keepalives_idle", KEEPALIVES_IDLE)?;
    config.keepalives_idle(if idle.is_zero() { system_idle() } else { idle });
    let interval = seconds("keepalives_interval", KEEPALIVES_INTERVAL)?;
    if !interval.is_zero() {
        config.keepalives_interval(interval);
    }
    let count = said.read("keepalives_count", "a whole number, 127 at most", |text| {
        number(text).filter(|count| *count <= 127)
    })?;
    if let Some(count) = Some(count.unwrap_or(KEEPALIVES_COUNT)).filter(|count| *count > 0) {
        config.keepalives_retries(count);
    }
    let unacknowledged = said.read(
        "tcp_user_timeout",
        "a whole number of milliseconds, 2147483647 at most",
        |text| number::<u32>(text).filter(|millis| i32::try_from(*millis).is_ok()),
    )?;
    let unacknowledged =
        unacknowledged.map_or(TCP_USER_TIMEOUT, |millis| Duration::from_millis(millis.into()));
    if !unacknowledged.is_zero() {
        config.tcp_user_timeout(unacknowledged);
    }
    Ok(())
}

/// The driver has no word for leaving it to the system.
fn system_idle() -> Duration {
    let said = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_keepalive_time").ok();
    let seconds = said.and_then(|text| number(text.trim()));
    Duration::from_secs(seconds.unwrap_or(2 * 60 * 60))
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}
