//! A database whose log of revocations can be read at a glance: the digest of a token is its name, 32 times.

use crate::support::{create_user, database, execute, issue_this, new_token, text};
use jeton_domain::{NewToken, TokenDigest, TokenId, TokenName, UserId};
use jeton_persistence::PgConnection;
use jeton_proof_support::TestDatabase;

/// Ada has the tokens a, b and c, Bob has d. c never expires.
pub(crate) struct Setting {
    pub(crate) ada: UserId,
    pub(crate) bob: UserId,
}

pub(crate) fn setting() -> (TestDatabase, PgConnection, Setting) {
    let (database, mut connection) = database();
    let ada = create_user(&mut connection, "ada").id;
    let bob = create_user(&mut connection, "bob").id;
    for (owner, letter) in [(ada, 'a'), (ada, 'b'), (ada, 'c'), (bob, 'd')] {
        issue_this(&mut connection, owner, &token(letter));
    }
    execute(
        &mut connection,
        "UPDATE tokens SET expires_at = NULL WHERE name = 'c'",
    );
    (database, connection, Setting { ada, bob })
}

pub(crate) fn digest(letter: char) -> TokenDigest {
    TokenDigest::from([u8::try_from(letter).unwrap(); 32])
}

/// To be issued.
pub(crate) fn token(letter: char) -> NewToken {
    NewToken {
        name: TokenName::parse(&letter.to_string()).unwrap(),
        digest: digest(letter),
        ..new_token()
    }
}

pub(crate) fn id_of(connection: &mut PgConnection, letter: char) -> TokenId {
    let id = text(
        connection,
        &format!("SELECT id FROM tokens WHERE name = '{letter}'"),
    );
    TokenId(id.parse().unwrap())
}

/// What stands in the log, one letter a row, in order; `*` is the row for every token.
pub(crate) fn log(connection: &mut PgConnection) -> String {
    text(
        connection,
        "SELECT coalesce(string_agg(
            CASE digest WHEN '' THEN '*' ELSE chr(get_byte(digest, 0)) END, '' ORDER BY digest), '')
            FROM revocations",
    )
}

/// What the statements log that are done in one transaction, which is then taken back.
pub(crate) fn logged_by(connection: &mut PgConnection, statements: &str) -> String {
    execute(connection, &format!("BEGIN; {statements}"));
    let log = log(connection);
    execute(connection, "ROLLBACK");
    log
}
