//! One table of cases, for every front end: [`Server::send`] compares what they answer byte by byte.

use crate::server::{Server, request};
use crate::support::{
    Issued, connect_to, database, execute, expire, issue, settings, unknown, user_with_token,
};
use jeton_domain::AuditContext;
use jeton_local_postgres::LocalPostgres;
use jeton_persistence::{PgConnection, users};
use jeton_proof_support::migrate;
use jeton_verifier::{LONGEST_LEASE, VerifierSettings};

/// `Authorization` headers, and where they are sent.
type Case<'a> = (&'static str, Vec<&'a [u8]>, &'static str);

struct Tokens {
    valid: Issued,
    expired: Issued,
    revoked: Issued,
    of_disabled: Issued,
    unknown: String,
}

impl Tokens {
    fn issue(connection: &mut PgConnection) -> Self {
        let (ada, valid) = user_with_token(connection, "ada");
        let (expired, revoked) = (issue(connection, ada.id), issue(connection, ada.id));
        let (bob, of_disabled) = user_with_token(connection, "bob");
        expire(connection, &expired);
        execute(
            connection,
            &format!("DELETE FROM tokens WHERE id = '{}'", revoked.id),
        );
        let _ = users::disable(connection, &AuditContext::cli(), bob.id).unwrap();
        Self {
            valid,
            expired,
            revoked,
            of_disabled,
            unknown: unknown(),
        }
    }

    fn headers(&self) -> Headers {
        let bearer = |text: &str| format!("Bearer {text}").into_bytes();
        Headers {
            valid: bearer(&self.valid.text),
            as_token: format!("token  {} ", self.valid.text).into_bytes(),
            twice: bearer(&format!("{0}, Bearer {0}", self.valid.text)),
            basic: format!("Basic {}", self.valid.text).into_bytes(),
            longer: bearer(&format!("{}x", self.valid.text)),
            expired: bearer(&self.expired.text),
            revoked: bearer(&self.revoked.text),
            of_disabled: bearer(&self.of_disabled.text),
            unknown: bearer(&self.unknown),
        }
    }
}

struct Headers {
    valid: Vec<u8>,
    as_token: Vec<u8>,
    twice: Vec<u8>,
    basic: Vec<u8>,
    longer: Vec<u8>,
    expired: Vec<u8>,
    revoked: Vec<u8>,
    of_disabled: Vec<u8>,
    unknown: Vec<u8>,
}

impl Headers {
    /// Each case with the status that is right: while the database is there, and while it is away and nothing is remembered.
    fn cases(&self) -> Vec<(Case<'_>, [u16; 2])> {
        let mut cases = Vec::new();
        let malformed: [(_, &[u8]); 5] = [
            ("malformed", b"Bearer jtn_mistyped"),
            ("no token at all", b"Bearer"),
            ("bytes that are not ASCII", b"Bearer \xff\xfe"),
            ("a token and more", &self.longer),
            ("two tokens in one header", &self.twice),
        ];
        for (what, header) in malformed {
            cases.extend(everywhere(what, &[header], [401, 401]));
        }
        let invalid: [(_, &[u8]); 4] = [
            ("unknown", &self.unknown),
            ("expired", &self.expired),
            ("revoked", &self.revoked),
            ("a disabled user's", &self.of_disabled),
        ];
        for (what, header) in invalid {
            cases.extend(everywhere(what, &[header], [401, 503]));
        }
        let pairs: [[&[u8]; 2]; 3] = [
            [&self.valid, &self.valid],
            [&self.valid, b"Basic eA=="],
            [b"x", b"y"],
        ];
        for two in pairs {
            cases.extend(everywhere("two headers", &two, [400, 400]));
        }
        cases.extend(self.missing());
        cases.extend(self.valid());
        cases
    }

    fn missing(&self) -> Vec<(Case<'_>, [u16; 2])> {
        let missing: [(_, &[&[u8]]); 4] = [
            ("missing", &[]),
            ("empty", &[b""]),
            ("another scheme", &[&self.basic]),
            ("no scheme", &[b"jtn_x"]),
        ];
        let paths = [
            ("/whoami", 401),
            ("/notes", 401),
            ("/nested/write", 401),
            ("/nested/optional", 401),
            ("/required-after-all", 401),
            ("/optional/write", 401),
            ("/optional/caller", 401),
            ("/optional", 200),
            ("/reports-if-any", 200),
            ("/forgotten", 500),
        ];
        let mut cases = Vec::new();
        for (what, headers) in missing {
            cases.extend(paths.map(|(path, status)| ((what, headers.to_vec(), path), [status; 2])));
        }
        cases
    }

    fn valid(&self) -> Vec<(Case<'_>, [u16; 2])> {
        let paths = [
            ("/whoami", [200, 503]),
            ("/notes", [200, 503]),
            ("/both", [200, 503]),
            ("/nested", [200, 503]),
            ("/nested/write", [200, 503]),
            ("/nested/optional", [200, 503]),
            ("/optional", [200, 503]),
            ("/optional/write", [200, 503]),
            ("/optional/caller", [200, 503]),
            ("/required-after-all", [200, 503]),
            ("/reports", [403, 503]),
            ("/one-of-both", [403, 503]),
            ("/nested/admin", [403, 503]),
            ("/reports-if-any", [403, 503]),
            ("/no-scope", [500, 503]),
            ("/forgotten", [500, 500]),
        ];
        let headers: [&[u8]; 2] = [&self.valid, &self.as_token];
        let mut cases = Vec::new();
        for header in headers {
            cases.extend(paths.map(|(path, statuses)| (("valid", vec![header], path), statuses)));
        }
        cases
    }
}

fn everywhere<'a>(what: &'static str, headers: &[&'a [u8]], statuses: [u16; 2]) -> [(Case<'a>, [u16; 2]); 6] {
    [
        "/whoami",
        "/notes",
        "/nested/write",
        "/reports",
        "/optional",
        "/optional/write",
    ]
    .map(|path| ((what, headers.to_vec(), path), statuses))
}

fn ask_all(server: &Server, headers: &Headers, away: bool) {
    for ((what, sent, path), statuses) in headers.cases() {
        let answer = server.get(path, &sent);
        let right = statuses[usize::from(away)];
        assert_eq!(answer.status, right, "{what} at {path}: {}", answer.text());
        let is_problem = answer.header("Content-Type") == Some("application/problem+json");
        assert_eq!(is_problem, right != 200, "{what} at {path}");
    }
}

#[test]
fn a_request_is_answered_with_the_same_bytes_by_every_front_end() {
    let (database, mut connection) = database();
    let headers = Tokens::issue(&mut connection).headers();
    for cache_tokens in [0, 100] {
        let server = Server::start_with(&VerifierSettings {
            cache_tokens,
            lease: LONGEST_LEASE,
            ..settings(database.url())
        });
        // From the database, and then from memory where there is one.
        for _ in 0..2 {
            ask_all(&server, &headers, false);
        }
    }
}

#[test]
fn a_database_that_is_away_is_told_with_the_same_bytes_by_every_front_end() {
    let postgres = LocalPostgres::temporary().unwrap();
    migrate(&postgres.url());
    let headers = Tokens::issue(&mut connect_to(&postgres.url())).headers();
    let server = Server::start(&postgres.url());
    postgres.stop().unwrap();
    ask_all(&server, &headers, true);
    postgres.start().unwrap();
    ask_all(&server, &headers, false);
}

#[test]
fn any_method_on_a_kept_connection_is_answered_with_the_same_bytes_by_every_front_end() {
    let (database, mut connection) = database();
    let headers = Tokens::issue(&mut connection).headers();
    let server = Server::start(database.url());
    let sent: [(&[&[u8]], [u16; 2]); 4] = [
        (&[], [401, 200]),
        (&[&headers.revoked], [401, 401]),
        (&[&headers.valid, &headers.valid], [400, 400]),
        (&[&headers.valid], [403, 200]),
    ];
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let mut requests = Vec::new();
        let mut right = Vec::new();
        for (authorization, statuses) in sent {
            for (path, status) in ["/any-method", "/any-method/if-any"].into_iter().zip(statuses) {
                requests.push(request(method, path, authorization).body(""));
                right.push(status);
            }
        }
        let answers = server.send_on_one_connection(&requests);
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, right, "{method}");
        let has_body = answers.iter().all(|answer| !answer.body.is_empty());
        assert_eq!(has_body, method != "HEAD", "{method}");
    }
}
