#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use super::parameters::{PARAMETERS, SESSION};
use super::password_file::{Account, password_of};
use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use tokio_postgres::config::{ChannelBinding, TargetSessionAttrs};

/// PostgreSQL documentation, §34.1.2, of versions 13 to 18, and what libpq knows beside.
const LIBPQ: &str = "host hostaddr port dbname user password passfile require_auth channel_binding connect_timeout \
    client_encoding options application_name fallback_application_name keepalives keepalives_idle keepalives_interval \
    keepalives_count tcp_user_timeout replication gssencmode sslmode requiressl sslnegotiation sslcompression sslcert \
    sslkey sslkeylogfile sslpassword sslcertmode sslrootcert sslcrl sslcrldir sslsni requirepeer ssl_min_protocol_version \
    ssl_max_protocol_version min_protocol_version max_protocol_version krbsrvname gsslib gssdelegation scram_client_key \
    scram_server_key service servicefile target_session_attrs load_balance_hosts oauth_issuer oauth_client_id \
    oauth_client_secret oauth_scope ssl authtype tty";

/// §34.15, but for where libpq's own files are.
const VARIABLES: &str = "PGHOST PGSSLNEGOTIATION PGHOSTADDR PGPORT PGDATABASE PGUSER PGPASSWORD PGPASSFILE PGREQUIREAUTH \
    PGCHANNELBINDING PGSERVICE PGSERVICEFILE PGOPTIONS PGAPPNAME PGSSLMODE PGREQUIRESSL PGSSLCOMPRESSION PGSSLCERT PGSSLKEY \
    PGSSLCERTMODE PGSSLROOTCERT PGSSLCRL PGSSLCRLDIR PGSSLSNI PGREQUIREPEER PGSSLMINPROTOCOLVERSION \
    PGSSLMAXPROTOCOLVERSION PGMINPROTOCOLVERSION PGMAXPROTOCOLVERSION PGGSSENCMODE PGKRBSRVNAME PGGSSLIB PGGSSDELEGATION \
    PGCONNECT_TIMEOUT PGCLIENTENCODING PGTARGETSESSIONATTRS PGLOADBALANCEHOSTS PGDATESTYLE PGTZ PGGEQO";

fn read_in(text: &str, environment: &[(&str, &str)]) -> Result<Target, InvalidDatabaseUrl> {
    let environment: BTreeMap<_, _> = environment.iter().copied().collect();
    Target::read(text, |name| environment.get(name).map(ToString::to_string))
}

fn read(text: &str) -> Target {
    read_in(text, &[]).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn with(query: &str) -> Target {
    read(&format!("postgres://u:p@localhost/db?{query}"))
}

fn places(text: &str) -> Vec<String> {
    let endpoints = read(text).endpoints;
    let place = |endpoint: &Endpoint| match &endpoint.place {
        Place::Name => format!("{} {}", endpoint.name, endpoint.port),
        Place::Address(address) => format!("{}={address} {}", endpoint.name, endpoint.port),
        Place::Socket(path) => format!("{} {}", path.display(), endpoint.port),
    };
    endpoints.iter().map(place).collect()
}

#[test]
fn every_parameter_and_variable_of_libpq_is_in_the_table() {
    let named: BTreeSet<_> = PARAMETERS.iter().map(|parameter| parameter.name).collect();
    assert_eq!(named, LIBPQ.split_whitespace().collect());
    assert_eq!(named.len(), PARAMETERS.len());
    let variables = PARAMETERS.iter().filter_map(|parameter| parameter.variable);
    // One is listed, and has no effect.
    let others = SESSION.map(|(variable, _)| variable).into_iter().chain(["PGTZ"]);
    let variables: BTreeSet<_> = variables.chain(others).collect();
    assert_eq!(variables, VARIABLES.split_whitespace().collect());
}

#[test]
fn what_is_refused_is_refused_by_its_name() {
    let refused = |parameter: &&super::parameters::Parameter| parameter.refused.is_some();
    for parameter in PARAMETERS.iter().filter(refused) {
        let said = |by: &str, error| match error {
            Err(InvalidDatabaseUrl::NotSupported { name, .. }) => assert_eq!(name, by),
            other => panic!("{by}: {:?}", other.err()),
        };
        said(
            parameter.name,
            read_in(&format!("postgres://localhost/db?{}=1", parameter.name), &[]),
        );
        if let Some(variable) = parameter.variable {
            said(variable, read_in("postgres://localhost/db", &[(variable, "1")]));
        }
    }
    for (query, said) in [
        ("no_such=1", "the parameter \"no_such\" is not known"),
        (
            "connect_timeout=soon",
            "connect_timeout must be a whole number of seconds",
        ),
        ("port=0", "port must be"),
        ("port=1,2", "port must be"),
        ("hostaddr=127.0.0.1,127.0.0.2", "hostaddr must be"),
        ("hostaddr=localhost", "hostaddr must be"),
        ("keepalives=yes", "keepalives must be 0 or 1"),
        ("tcp_user_timeout=-1", "tcp_user_timeout must be"),
        ("client_encoding=LATIN1", "client_encoding must be UTF8"),
        ("gssencmode=require", "gssencmode must be"),
        ("sslcompression=1", "sslcompression must be 0"),
        ("sslmode=on", "sslmode must be"),
        ("requiressl=yes", "requiressl must be"),
        ("ssl=false", "ssl must be"),
        ("target_session_attrs=read-only", "target_session_attrs must be"),
        (
            "target_session_attrs=prefer-standby",
            "target_session_attrs must be",
        ),
        ("keepalives_idle=32768", "keepalives_idle must be"),
        ("keepalives_interval=32768", "keepalives_interval must be"),
        ("keepalives_count=128", "keepalives_count must be"),
        ("tcp_user_timeout=2147483648", "tcp_user_timeout must be"),
        ("host=/run&hostaddr=127.0.0.1", "hostaddr must be left out"),
        (
            "ssl_max_protocol_version=TLSv1.1",
            "ssl_max_protocol_version must be",
        ),
        (
            "ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2",
            "ssl_min_protocol_version must be",
        ),
        ("sslrootcert=system&sslmode=prefer", "sslmode must be verify-full"),
        ("sslnegotiation=direct", "sslmode must be require"),
        ("sslcert=/c", "sslkey must be"),
        ("host=@abstract", "host must be"),
    ] {
        let error = read_in(&format!("postgres://localhost/db?{query}"), &[]).err();
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with(said), "{query}: {error}");
    }
}

/// One line for every parameter that is honoured.
#[test]
fn what_is_honoured_has_its_effect() {
    let config = |query: &str| with(query).config;
    let seconds = Duration::from_secs;
    let mut seen = BTreeSet::new();
    let mut check = |name: &'static str, holds: bool| {
        assert!(holds, "{name}");
        seen.insert(name);
    };
    check(
        "host",
        places("postgres:///db?host=a&sslmode=disable") == ["a 5432"],
    );
    check(
        "hostaddr",
        places("postgres://a/db?hostaddr=::1") == ["a=::1 5432"],
    );
    check("port", with("port=1").endpoints[0].port == 1);
    check("dbname", with("dbname=other").dbname == "other");
    check("user", with("user=other").user == "other");
    let password = with("password=other").password.unwrap();
    check("password", password.expose_secret() == "other");
    check(
        "passfile",
        with("passfile=/f").password_file.unwrap() == Path::new("/f"),
    );
    let binding = config("channel_binding=require").get_channel_binding();
    check("channel_binding", binding == ChannelBinding::Require);
    check(
        "connect_timeout",
        with("connect_timeout=9").connect_timeout == Some(seconds(9))
            && with("connect_timeout=0").connect_timeout.is_none(),
    );
    check(
        "client_encoding",
        read_in("postgres:///?client_encoding=utf-8", &[]).is_ok(),
    );
    check(
        "options",
        config("options=-c%20a%3Db").get_options() == Some("-c a=b"),
    );
    check(
        "application_name",
        config("application_name=x&fallback_application_name=y").get_application_name() == Some("x"),
    );
    check(
        "fallback_application_name",
        config("fallback_application_name=y").get_application_name() == Some("y"),
    );
    check("keepalives", !config("keepalives=0").get_keepalives());
    let idle = |query| config(query).get_keepalives_idle();
    let system = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_keepalive_time");
    let system = system.map_or(7200, |seconds| seconds.trim().parse().unwrap());
    check(
        "keepalives_idle",
        idle("keepalives_idle=7") == seconds(7) && idle("keepalives_idle=0") == seconds(system),
    );
    let interval = |query| config(query).get_keepalives_interval();
    check(
        "keepalives_interval",
        interval("keepalives_interval=7") == Some(seconds(7)) && interval("keepalives_interval=0").is_none(),
    );
    let count = |query| config(query).get_keepalives_retries();
    check(
        "keepalives_count",
        count("keepalives_count=7") == Some(7) && count("keepalives_count=0").is_none(),
    );
    let unacknowledged = |query| config(query).get_tcp_user_timeout().copied();
    check(
        "tcp_user_timeout",
        unacknowledged("tcp_user_timeout=70") == Some(Duration::from_millis(70))
            && unacknowledged("tcp_user_timeout=0").is_none(),
    );
    check(
        "gssencmode",
        read_in("postgres:///?gssencmode=disable", &[]).is_ok(),
    );
    check(
        "sslcompression",
        read_in("postgres:///?sslcompression=0", &[]).is_ok(),
    );
    let attributes = config("target_session_attrs=any").get_target_session_attrs();
    let primary = config("target_session_attrs=primary").get_target_session_attrs();
    check(
        "target_session_attrs",
        [attributes, primary] == [TargetSessionAttrs::Any; 2],
    );
    check(
        "load_balance_hosts",
        with("load_balance_hosts=random").random_order,
    );
    let tls = cfg!(feature = "tls");
    let mode =
        |query: &str| read_in(&format!("postgres://localhost/db?{query}"), &[]).map(|target| target.mode);
    let is = |query, wanted: Mode| match mode(query) {
        Ok(mode) => mode == if tls { wanted } else { Mode::Disable },
        Err(error) => !tls && matches!(error, InvalidDatabaseUrl::BuiltWithoutTls(_)),
    };
    check(
        "sslmode",
        is("", Mode::Prefer)
            && is("sslmode=allow", Mode::Allow)
            && is("sslmode=verify-ca&sslrootcert=/r", Mode::VerifyCa)
            && is("sslmode=disable&sslmode=require", Mode::Require)
            && is("sslmode=require&sslmode=disable", Mode::Disable),
    );
    check("ssl", is("ssl=true", Mode::Require));
    check(
        "requiressl",
        is("requiressl=1", Mode::Require) && is("requiressl=0", Mode::Prefer),
    );
    check("sslrootcert", is("sslrootcert=system", Mode::VerifyFull));
    assert_eq!(with("sslrootcert=/r").tls.roots, Roots::File("/r".into()));
    let own = with("sslcert=/c&sslkey=/k").tls.own.unwrap();
    check("sslcert", own.0 == Path::new("/c"));
    check("sslkey", own.1 == Path::new("/k"));
    check("sslsni", !with("sslsni=0").tls.sni);
    check("sslnegotiation", !with("sslnegotiation=postgres").tls.direct);
    check(
        "ssl_min_protocol_version",
        !with("ssl_min_protocol_version=TLSv1.3").tls.tls12,
    );
    check(
        "ssl_max_protocol_version",
        !with("ssl_max_protocol_version=TLSv1.2").tls.tls13,
    );
    let honoured = PARAMETERS.iter().filter(|parameter| parameter.refused.is_none());
    assert_eq!(seen, honoured.map(|parameter| parameter.name).collect());
}

#[test]
fn the_environment_speaks_where_the_address_is_silent() {
    let environment = [
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", "7"),
        ("PGUSER", "eve"),
        ("PGPASSWORD", "p"),
        ("PGAPPNAME", "shop"),
        ("PGTARGETSESSIONATTRS", "any"),
        ("PGCONNECT_TIMEOUT", "8"),
        ("PGOPTIONS", "-c a=b"),
        ("PGDATESTYLE", "ISO,\t DMY"),
        ("PGGEQO", "Default"),
        ("PGTZ", "nowhere"),
        ("PGCHANNELBINDING", ""),
    ];
    let target = read_in("postgres://", &environment).unwrap();
    assert_eq!(
        (target.endpoints[0].name.as_str(), target.endpoints[0].port),
        ("127.0.0.1", 7)
    );
    assert_eq!((target.user.as_str(), target.dbname.as_str()), ("eve", "eve"));
    assert_eq!(target.config.get_application_name(), Some("shop"));
    assert_eq!(
        target.config.get_options(),
        Some("-c a=b -c DateStyle=ISO,\\\t\\ DMY")
    );
    assert_eq!(target.connect_timeout, Some(Duration::from_secs(8)));
    let target = read_in("postgres://ada:q@localhost:9/db?application_name=x", &environment).unwrap();
    assert_eq!(
        (target.endpoints[0].name.as_str(), target.endpoints[0].port),
        ("localhost", 9)
    );
    assert_eq!((target.user.as_str(), target.dbname.as_str()), ("ada", "db"));
    assert_eq!(target.config.get_application_name(), Some("x"));
    assert_eq!(target.password.unwrap().expose_secret(), "q");
    // What it says of hosts and of encryption is held to the same.
    let far = read_in("postgres:///db", &[("PGHOST", "db.example.org")]).err();
    assert_eq!(
        far,
        Some(InvalidDatabaseUrl::EncryptionNotStated(
            "db.example.org".to_owned()
        ))
    );
    let said = [("PGHOST", "db.example.org"), ("PGSSLMODE", "disable")];
    assert!(read_in("postgres:///db", &said).is_ok());
    for (variable, value) in [("PGPORT", "no"), ("PGHOST", "@abstract"), ("PGHOSTADDR", "no")] {
        let error = read_in("postgres:///db", &[(variable, value)]).err().unwrap();
        assert!(
            error.to_string().starts_with(&format!("{variable} must be")),
            "{error}"
        );
    }
    // A list of hosts has said of each that its port is the usual one.
    let several = read_in("postgres://localhost,127.0.0.1/db", &environment).unwrap();
    let ports: Vec<_> = several.endpoints.iter().map(|endpoint| endpoint.port).collect();
    assert_eq!(ports, [5432, 5432]);
}

#[test]
fn what_is_missing_is_as_jeton_has_it() {
    let target = read("postgres://localhost/db");
    assert_eq!(target.connect_timeout, Some(Duration::from_secs(3)));
    assert_eq!(target.config.get_keepalives_idle(), Duration::from_secs(10));
    assert_eq!(
        target.config.get_keepalives_interval(),
        Some(Duration::from_secs(5))
    );
    assert_eq!(target.config.get_keepalives_retries(), Some(3));
    assert_eq!(
        target.config.get_tcp_user_timeout(),
        Some(&Duration::from_secs(10))
    );
    assert_eq!(
        target.config.get_target_session_attrs(),
        TargetSessionAttrs::ReadWrite
    );
    assert_eq!(target.config.get_application_name(), Some("jeton"));
    assert_eq!(target.user, whoami::username().unwrap());
    assert_eq!(read("postgres://eve@localhost").dbname, "eve");
}

#[test]
fn hosts_and_ports_are_read_as_libpq_reads_them() {
    let default = default_socket();
    for (text, expected) in [
        ("postgres://127.0.0.1/db", vec!["127.0.0.1=127.0.0.1 5432"]),
        ("postgres://u:p@[::1]:5433/db", vec!["::1=::1 5433"]),
        ("postgres://%2Fvar%2Frun:7/db", vec!["/var/run 7"]),
        ("postgresql:///db?host=/a,/b&port=7", vec!["/a 7", "/b 7"]),
        (
            "postgres://localhost:1,localhost,localhost:3/",
            vec!["localhost 1", "localhost 5432", "localhost 3"],
        ),
        ("postgres://a/db?hostaddr=127.0.0.1", vec!["a=127.0.0.1 5432"]),
        (
            "postgres:///db?hostaddr=127.0.0.1,::1&port=1,2",
            vec!["127.0.0.1=127.0.0.1 1", "::1=::1 2"],
        ),
        (
            "postgres://localhost/db?host=127.0.0.1&host=localhost",
            vec!["localhost 5432"],
        ),
    ] {
        assert_eq!(places(text), expected, "{text}");
    }
    assert_eq!(places("postgres:///db"), [format!("{default} 5432")]);
    let decoded = read("postgres://a%40b:p%2F%3F@localhost/d%20b");
    assert_eq!((decoded.user.as_str(), decoded.dbname.as_str()), ("a@b", "d b"));
    assert_eq!(decoded.password.unwrap().expose_secret(), "p/?");
}

#[test]
fn a_url_of_another_machine_needs_tls() {
    for bad in [
        "postgres://u:p@db.example.org/x",
        "postgres://u:p@localhost,10.0.0.2/x",
        "postgres:///x?host=db.example.org",
        "postgres://u:p@[2001:db8::1]/x?sslmode=prefer",
        "postgres://u:p@[2001:db8::1]/x?sslmode=allow",
        "postgres://localhost@db.example.org/x",
        "postgres://localhost/x?hostaddr=10.0.0.2",
    ] {
        let error = read_in(bad, &[]).err().unwrap();
        assert!(
            matches!(error, InvalidDatabaseUrl::EncryptionNotStated(_)),
            "{bad}: {error}"
        );
    }
    assert!(read_in("postgres://u:p@db.example.org/x?sslmode=disable", &[]).is_ok());
    let required = read_in("postgres://u:p@db.example.org/x?sslmode=verify-full", &[]);
    match required {
        Ok(target) => assert!(cfg!(feature = "tls") && target.tls.roots == Roots::System),
        Err(error) => assert_eq!(
            error,
            InvalidDatabaseUrl::BuiltWithoutTls("verify-full".to_owned())
        ),
    }
}

/// A parameter that a template has left empty takes nothing away that the environment asks for.
#[test]
fn an_empty_value_leaves_the_word_to_what_else_says_something() {
    let read = |query: &str, variable| read_in(&format!("postgres://u@localhost/db?{query}"), &[variable]);
    let told = |query: &str, variable| read(query, variable).err().map(|error| error.to_string());
    for variable in ["PGSSLCRL", "PGREQUIREPEER"] {
        let parameter = PARAMETERS
            .iter()
            .find(|parameter| parameter.variable == Some(variable));
        let refused = told("", (variable, "x"));
        assert!(refused.is_some(), "{variable}");
        let empty = format!("{}=", parameter.unwrap().name);
        assert_eq!(told(empty.as_str(), (variable, "x")), refused);
    }
    let binding = read("channel_binding=", ("PGCHANNELBINDING", "disable")).unwrap();
    assert_eq!(binding.config.get_channel_binding(), ChannelBinding::Disable);
    let twice = read(
        "channel_binding=disable&channel_binding=",
        ("PGCHANNELBINDING", ""),
    )
    .unwrap();
    assert_eq!(twice.config.get_channel_binding(), ChannelBinding::Disable);
    let mode = |query| read(query, ("PGSSLMODE", "verify-full")).map(|target| target.mode);
    assert_eq!(mode("sslmode="), mode(""));
    assert_ne!(mode("sslmode="), mode("sslmode=disable"));
}

/// The directory that a process happens to be in is nobody's home.
#[test]
fn an_empty_home_is_none() {
    let target = read_in("postgres://u@localhost/db", &[("HOME", "")]).unwrap();
    assert_eq!(target.password_file, None);
}

/// Found out at once, not by connections that fail for ever.
#[test]
fn a_zone_of_an_address_is_refused() {
    for zone in ["[fe80::1%25lo]", "[fe80::1%25eth0]:5433"] {
        let error = read_in(&format!("postgres://u@{zone}/db?sslmode=disable"), &[]).err();
        let error = error.unwrap().to_string();
        assert!(error.contains("zone"), "{error}");
    }
}

/// libpq looks for them in the home directory, and so do we.
#[test]
fn files_in_the_home_directory_count() {
    let home = tempfile::tempdir().unwrap();
    let files = home.path().join(".postgresql");
    std::fs::create_dir(&files).unwrap();
    for file in ["root.crt", "postgresql.crt", "postgresql.key"] {
        std::fs::write(files.join(file), "").unwrap();
    }
    let pass = home.path().join(".pgpass");
    std::fs::write(&pass, "localhost:5432:db:u:sesame\n").unwrap();
    let variables = [("HOME", home.path().to_str().unwrap())];
    let target = read_in("postgres://u@localhost/db", &variables).unwrap();
    assert_eq!(target.tls.roots, Roots::File(files.join("root.crt")));
    assert_eq!(
        target.tls.own,
        Some((files.join("postgresql.crt"), files.join("postgresql.key")))
    );
    let password = |mode| {
        std::fs::set_permissions(&pass, std::fs::Permissions::from_mode(mode)).unwrap();
        let config = target.config_for(&target.endpoints[0]);
        config.get_password().map(<[u8]>::to_vec)
    };
    assert_eq!(password(0o600), Some(b"sesame".to_vec()));
    assert_eq!(password(0o640), None);
    std::fs::write(&pass, b"# caf\xe9\nlocalhost:5432:db:u:sesame\n").unwrap();
    assert_eq!(password(0o600), Some(b"sesame".to_vec()));
    // A certificate that it revokes would be taken for a good one.
    std::fs::write(files.join("root.crl"), "").unwrap();
    let error = read_in("postgres://u@localhost/db", &variables).err().unwrap();
    assert!(
        error
            .to_string()
            .starts_with("~/.postgresql/root.crl is not supported"),
        "{error}"
    );
    std::fs::remove_file(files.join("root.crt")).unwrap();
    read_in("postgres://u@localhost/db", &variables).unwrap();
}

#[test]
fn the_password_file_is_read_as_libpq_reads_it() {
    let text = "# localhost:5432:db:u:comment\nlocalhost:5432:db:other:no\nlocalhost:5432:db:u\n\
        a\\:b:*:d\\\\b:u:p\\:q\\\\r\nlocalhost:*:*:u:found\n*:*:*:*:any\n";
    for (account, expected) in [
        (("localhost", "5432", "db", "u"), "found"),
        (("localhost", "5432", "db", "other"), "no"),
        (("a:b", "1", "d\\b", "u"), "p:q\\r"),
        (("elsewhere", "1", "x", "y"), "any"),
    ] {
        let (host, port, dbname, user) = account;
        let account = Account {
            host,
            port,
            dbname,
            user,
        };
        assert_eq!(password_of(text, &account).as_deref(), Some(expected));
    }
    let account = Account {
        host: "h",
        port: "1",
        dbname: "d",
        user: "u",
    };
    assert_eq!(password_of("h:1:d:v:p\nh:1:d:u:\n*:*:*:*:q\n", &account), None);
    assert_eq!(password_of("h:1:d:u:p\\", &account).as_deref(), Some("p\\"));
}

#[test]
fn nothing_shows_the_password() {
    let url = DatabaseUrl::parse("postgres://u:sesame@localhost/x").unwrap();
    assert_eq!(format!("{url:?}"), "DatabaseUrl([REDACTED])");
    for bad in [
        "mysql://u:sesame@localhost/x",
        "host=localhost password=sesame",
        "postgres://u:sesame@far/x",
        "postgres://u:sesame@b@far/x",
        "postgres://u:a@sesame/b@far/x",
        "postgres://u:a,sesame/b@far/x",
        "postgres://u:1,sesame/b?c@far/x",
        "postgres://u:1/b?sesame=c@far/x",
        "postgres://localhost:a,sesame/b@far/x",
        "postgres://localhost:a?host=sesame@far/x",
        "",
    ] {
        assert!(!format!("{0} {0:?}", DatabaseUrl::parse(bad).unwrap_err()).contains("sesame"));
    }
}

proptest! {
    #[test]
    fn any_text_is_refused_or_read(text in "(postgres://)?\\PC{0,40}") {
        if let Err(error) = DatabaseUrl::parse(&text) {
            prop_assert!(text.len() < 8 || !error.to_string().contains(&text));
        }
    }
}
