#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use super::channel_binding::tls_server_end_point;
use crate::database_url::Target;
use crate::open::open;
use crate::{ConnectionLimits, DatabaseError, DatabaseUrl, establish};
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl as _;
use jeton_local_postgres::LocalPostgres;
use jeton_proof_support::find_program;
use proptest::prelude::*;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Authorities, and what they have signed.
struct Certificates(tempfile::TempDir);

impl Certificates {
    /// `None`, and a word about it, where there is no program to make them with.
    fn make() -> Option<Self> {
        find_program(&["openssl"], "version")?;
        let certificates = Self(tempfile::tempdir().unwrap());
        for (name, key) in [
            ("ca", "ec -pkeyopt ec_paramgen_curve:P-256"),
            ("other", "rsa:2048"),
        ] {
            certificates.openssl(&format!(
                "req -x509 -newkey {key} -nodes -subj /CN={name} -days 2 -keyout {name}.key -out {name}.crt"
            ));
        }
        Some(certificates)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn openssl(&self, arguments: &str) {
        let mut openssl = Command::new("openssl");
        let output = openssl
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// A certificate for `name`, signed by `ca`, for so many days and by such a hash, and its key beside it.
    fn sign(&self, name: &str, extension: &str, days: i32, hash: &str) {
        self.sign_by("ca", name, extension, days, hash);
    }

    fn sign_by(&self, authority: &str, name: &str, extension: &str, days: i32, hash: &str) {
        self.openssl(&format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        fs::write(self.path("extension"), extension).unwrap();
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {authority}.crt -CAkey {authority}.key -CAcreateserial -days {days} -{hash} \
            -extfile extension -out {name}.crt"
        ));
        fs::set_permissions(
            self.path(&format!("{name}.key")),
            fs::Permissions::from_mode(0o600),
        )
        .unwrap();
    }

    /// What names the certificates of an authority in an address.
    fn roots(&self, name: &str) -> String {
        format!("&sslrootcert={}", self.path(&format!("{name}.crt")).display())
    }
}

/// Lets `jeton` in by TLS alone, `plain` without it alone, and `certified` by a certificate.
struct Server(LocalPostgres);

impl Server {
    fn start(certificates: &Certificates) -> Self {
        let postgres = LocalPostgres::temporary().unwrap();
        let url = DatabaseUrl::parse(&postgres.url()).unwrap();
        let mut connection = establish(&url, ConnectionLimits::NONE).unwrap();
        for statement in [
            "ALTER ROLE jeton PASSWORD 'p'",
            "CREATE ROLE plain LOGIN PASSWORD 'p'",
            "CREATE ROLE certified LOGIN",
            "ALTER SYSTEM SET ssl = on",
            "ALTER SYSTEM SET ssl_ca_file = 'ca.crt'",
        ] {
            connection.batch_execute(statement).unwrap();
        }
        let server = Self(postgres);
        server.give(&certificates.path("ca.crt"), "ca.crt");
        let rules = "hostssl all certified 127.0.0.1/32 cert\nhostssl all jeton 127.0.0.1/32 scram-sha-256\n\
            hostnossl all plain 127.0.0.1/32 scram-sha-256\n";
        fs::write(server.data().join("pg_hba.conf"), rules).unwrap();
        server
    }

    fn data(&self) -> PathBuf {
        self.0.directory().join("data")
    }

    /// A file that belongs to the server's account.
    fn give(&self, from: &Path, name: &str) {
        let to = self.data().join(name);
        fs::copy(from, &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
        let owner = self.data().metadata().unwrap();
        chown(&to, Some(owner.uid()), Some(owner.gid())).unwrap();
    }

    /// Starts it with this certificate.
    fn show(&self, certificates: &Certificates, name: &str) {
        self.0.stop().unwrap();
        for kind in ["crt", "key"] {
            self.give(
                &certificates.path(&format!("{name}.{kind}")),
                &format!("server.{kind}"),
            );
        }
        self.0.start().unwrap();
    }

    /// The version of TLS that is spoken, `none`, or why there is no connection.
    async fn ask(&self, user: &str, host: &str, query: &str) -> Result<String, String> {
        let url = format!("postgres://{user}:p@{host}:{}/jeton?{query}", self.0.port());
        let target = Target::read(&url, |_| None).unwrap_or_else(|error| panic!("{url}: {error}"));
        match open(&target, &ConnectionLimits::NONE).await {
            Ok(mut connection) => {
                let version = diesel::dsl::sql::<Text>(
                    "coalesce((SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()), 'none')",
                );
                Ok(diesel::select(version).get_result(&mut connection).await.unwrap())
            }
            Err(DatabaseError::Unavailable(reason)) => Err(reason),
            Err(other) => panic!("{other}"),
        }
    }

    async fn check(&self, cases: &[(&str, &str, String, Result<&str, &str>)]) {
        for (user, host, query, expected) in cases {
            let answer = self.ask(user, host, query).await;
            let as_expected = match (&answer, expected) {
                (Ok(version), Ok(expected)) => version == expected,
                (Err(reason), Err(expected)) => reason.contains(expected),
                _ => false,
            };
            assert!(
                as_expected,
                "{user} {host} {query}: {answer:?}, and not {expected:?}"
            );
        }
    }
}

const LOCALHOST: &str = "subjectAltName=DNS:localhost";
const UNTRUSTED: Result<&str, &str> = Err("UnknownIssuer");
const NO_RULE: Result<&str, &str> = Err("no pg_hba.conf entry");
const TLS: Result<&str, &str> = Ok("TLSv1.3");

#[tokio::test]
async fn sslmode_means_what_it_means_to_libpq() {
    let Some(certificates) = Certificates::make() else {
        return;
    };
    certificates.sign("server", LOCALHOST, 2, "sha256");
    let server = Server::start(&certificates);
    server.show(&certificates, "server");
    let (ca, other) = (certificates.roots("ca"), certificates.roots("other"));
    let said = |mode: &str, more: &str| format!("sslmode={mode}{more}");
    server
        .check(&[
            ("jeton", "localhost", said("verify-full", &ca), TLS),
            (
                "jeton",
                "127.0.0.1",
                said("verify-full", &ca),
                Err("not valid for name"),
            ),
            (
                "jeton",
                "db.example.org",
                said("verify-full", &format!("{ca}&hostaddr=127.0.0.1")),
                Err("not valid for name"),
            ),
            (
                "jeton",
                "localhost",
                said("verify-full", &format!("{ca}&hostaddr=127.0.0.1")),
                TLS,
            ),
            ("jeton", "localhost", said("verify-full", &other), UNTRUSTED),
            ("jeton", "127.0.0.1", said("verify-ca", &ca), TLS),
            ("jeton", "127.0.0.1", said("verify-ca", &other), UNTRUSTED),
            ("jeton", "127.0.0.1", said("require", ""), TLS),
            ("jeton", "127.0.0.1", said("require", &ca), TLS),
            ("jeton", "127.0.0.1", said("require", &other), UNTRUSTED),
            (
                "jeton",
                "127.0.0.1",
                said("require", "&sslrootcert=/nowhere"),
                Err("/nowhere: "),
            ),
            ("jeton", "127.0.0.1", said("prefer", ""), TLS),
            ("jeton", "127.0.0.1", said("allow", ""), TLS),
            ("jeton", "127.0.0.1", said("disable", ""), NO_RULE),
            ("plain", "127.0.0.1", said("disable", ""), Ok("none")),
            ("plain", "127.0.0.1", said("allow", ""), Ok("none")),
            ("plain", "127.0.0.1", said("prefer", ""), Ok("none")),
            ("plain", "127.0.0.1", said("prefer", &other), Ok("none")),
            ("plain", "127.0.0.1", said("require", ""), NO_RULE),
            (
                "jeton",
                "127.0.0.1",
                said("require", "&ssl_max_protocol_version=TLSv1.2"),
                Ok("TLSv1.2"),
            ),
            (
                "jeton",
                "127.0.0.1",
                said("require", "&ssl_min_protocol_version=TLSv1.3"),
                TLS,
            ),
            ("jeton", "localhost", said("require", "&sslsni=0"), TLS),
            // No name that there could be a certificate for.
            (
                "jeton",
                "db..internal",
                said("prefer", "&hostaddr=127.0.0.1"),
                TLS,
            ),
            (
                "jeton",
                "db..internal",
                said("verify-full", &format!("{ca}&hostaddr=127.0.0.1")),
                Err("invalid dns name"),
            ),
        ])
        .await;
}

#[tokio::test]
async fn what_a_server_shows_is_judged() {
    let Some(certificates) = Certificates::make() else {
        return;
    };
    let server = Server::start(&certificates);
    let full = format!("sslmode=verify-full{}", certificates.roots("ca"));
    certificates.sign("expired", LOCALHOST, -1, "sha256");
    server.show(&certificates, "expired");
    server
        .check(&[
            ("jeton", "localhost", full.clone(), Err("Expired")),
            ("jeton", "localhost", "sslmode=require".to_owned(), TLS),
        ])
        .await;
    // Its own authority: what the system trusts has not signed it.
    certificates.sign("address", "subjectAltName=IP:127.0.0.1", 2, "sha384");
    server.show(&certificates, "address");
    server
        .check(&[
            ("jeton", "127.0.0.1", full.clone(), TLS),
            ("jeton", "localhost", full, Err("not valid for name")),
        ])
        .await;
    let system = server
        .ask("jeton", "127.0.0.1", "sslmode=verify-full")
        .await
        .unwrap_err();
    assert!(
        system.contains("UnknownIssuer") || system.contains("sslrootcert=system"),
        "{system}"
    );
}

/// The server itself compares the hashes.
#[tokio::test]
async fn a_password_is_bound_to_the_certificate_that_was_seen() {
    let Some(certificates) = Certificates::make() else {
        return;
    };
    let server = Server::start(&certificates);
    for hash in ["sha256", "sha384", "sha512"] {
        certificates.sign("server", LOCALHOST, 2, hash);
        server.show(&certificates, "server");
        let bound = "sslmode=require&channel_binding=require".to_owned();
        server.check(&[("jeton", "127.0.0.1", bound, TLS)]).await;
    }
    for hash in ["sha256", "sha384", "sha512"] {
        let pss = format!("{hash} -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1");
        certificates.sign_by("other", "server", LOCALHOST, 2, &pss);
        server.show(&certificates, "server");
        let bound = format!(
            "sslmode=verify-full&channel_binding=require{}",
            certificates.roots("other")
        );
        server.check(&[("jeton", "localhost", bound, TLS)]).await;
    }
    server
        .check(&[
            (
                "plain",
                "127.0.0.1",
                "sslmode=disable&channel_binding=require".to_owned(),
                Err("channel binding"),
            ),
            (
                "jeton",
                "127.0.0.1",
                "sslmode=require&channel_binding=disable".to_owned(),
                TLS,
            ),
        ])
        .await;
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_a_server_that_asks() {
    let Some(certificates) = Certificates::make() else {
        return;
    };
    certificates.sign("server", LOCALHOST, 2, "sha256");
    certificates.sign("certified", "extendedKeyUsage=clientAuth", 2, "sha256");
    let server = Server::start(&certificates);
    server.show(&certificates, "server");
    let [certificate, key] = ["certified.crt", "certified.key"].map(|file| certificates.path(file));
    let shown = format!(
        "sslmode=require&sslcert={}&sslkey={}",
        certificate.display(),
        key.display()
    );
    let open = certificates.path("open.key");
    fs::copy(&key, &open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    let careless = format!(
        "sslmode=require&sslcert={}&sslkey={}",
        certificate.display(),
        open.display()
    );
    server
        .check(&[
            ("certified", "127.0.0.1", shown, TLS),
            (
                "certified",
                "127.0.0.1",
                "sslmode=require".to_owned(),
                Err("certificate"),
            ),
            ("certified", "127.0.0.1", careless, Err("others may read it")),
        ])
        .await;
}

#[test]
fn channel_binding_is_by_the_hash_of_the_signature() {
    let length_with = |oid: &[u8], parameters: &[u8]| {
        let oid = [&[0x06, oid.len() as u8], oid, parameters].concat();
        let algorithm = [&[0x30, oid.len() as u8], oid.as_slice()].concat();
        let certificate = [&[0x30, 0x00], algorithm.as_slice()].concat();
        let certificate = [&[0x30, 0x81, certificate.len() as u8], certificate.as_slice()].concat();
        tls_server_end_point(&certificate).map(|hash| hash.len())
    };
    let length = |oid: &[u8]| length_with(oid, &[]);
    const RSA: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    for (last, expected) in [
        (4, Some(32)),
        (5, Some(32)),
        (11, Some(32)),
        (12, Some(48)),
        (13, Some(64)),
        (10, None),
    ] {
        assert_eq!(length(&[&RSA[..], &[last]].concat()), expected, "{last}");
    }
    let of_pss = |parameters: &[u8]| {
        let parameters = [&[0x30, parameters.len() as u8], parameters].concat();
        length_with(&[&RSA[..], &[10]].concat(), &parameters)
    };
    let sha_1 = [0xa0, 0x09, 0x30, 0x07, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a];
    assert_eq!(of_pss(&[]), Some(32));
    assert_eq!(of_pss(&sha_1), Some(32));
    let ed25519 = [0x2b, 0x65, 0x70];
    assert_eq!(length(&ed25519), None);
}

proptest! {
    #[test]
    fn no_certificate_is_too_odd_to_be_looked_at(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = tls_server_end_point(&bytes);
        let _ = tls_server_end_point(&[&[0x30, 0x84], bytes.as_slice()].concat());
    }
}
