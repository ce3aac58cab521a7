use crate::TokenSeries;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use jeton_persistence::{PgConnection, migrations};
use jeton_proof_support::{TestDatabase, try_connect};

/// How many tokens one statement inserts.
const BATCH: usize = 20_000;
/// A user has so many tokens: a telephone, a browser, and what was forgotten.
const TOKENS_A_USER: usize = 10;
/// Beyond it, indexes are made after the rows rather than with them.
const MANY: usize = 200_000;

/// A database of the run, dropped with this value.
pub struct BenchDatabase(TestDatabase);

/// What is in a table of tokens.
#[derive(Debug, Clone, Copy)]
pub struct Rows {
    /// Which tokens.
    pub series: TokenSeries,
    /// From the first one, so many.
    pub count: usize,
}

impl BenchDatabase {
    /// Makes a database with all migrations applied, on the server of this address.
    ///
    /// # Errors
    /// The server cannot be reached, or lets nobody make databases.
    pub fn create(server: &str) -> anyhow::Result<Self> {
        let database = Self(TestDatabase::empty_on(server)?);
        migrations::apply(&mut database.connect()?)?;
        Ok(database)
    }

    /// Its address, as for `DATABASE_URL`.
    pub fn url(&self) -> &str {
        self.0.url()
    }

    /// A connection to it.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub fn connect(&self) -> anyhow::Result<PgConnection> {
        try_connect(self.url())
    }

    /// Inserts users and their tokens, and leaves the table as a server at rest has it: vacuumed, analysed and written
    /// to disk.
    ///
    /// # Errors
    /// Whatever the server says.
    pub fn fill(&self, rows: Rows) -> anyhow::Result<()> {
        let mut connection = self.connect()?;
        insert_users(&mut connection, rows.count / TOKENS_A_USER + 1, None)?;
        if rows.count < MANY {
            insert_tokens(&mut connection, rows)?;
        } else {
            without_indexes(&mut connection, |connection| insert_tokens(connection, rows))?;
        }
        settle(&mut connection, "users, tokens")
    }

    /// Gives the first users a password.
    pub(crate) fn set_password(&self, users: usize, hash: &str) -> anyhow::Result<()> {
        insert_users(&mut self.connect()?, users, Some(hash))
    }

    /// What one setting of the server, or its version, is.
    pub(crate) fn setting(&self, name: &str) -> anyhow::Result<String> {
        let shown: Shown = sql_query("SELECT current_setting($1) AS definition")
            .bind::<Text, _>(name)
            .get_result(&mut self.connect()?)?;
        Ok(shown.definition)
    }
}

/// The name of a user that [`BenchDatabase::fill`] made.
pub(crate) fn username(number: usize) -> String {
    format!("user{number:08}")
}

pub(crate) fn insert_users(
    connection: &mut PgConnection,
    count: usize,
    password_hash: Option<&str>,
) -> anyhow::Result<()> {
    sql_query(
        "INSERT INTO users (id, username, username_key, password_hash, scopes) \
        SELECT ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, name, name, $2, \
            '{notes:read,notes:write}' \
        FROM generate_series(0, $1 - 1) n, LATERAL (SELECT 'user' || lpad(n::text, 8, '0') AS name) names \
        ON CONFLICT (id) DO UPDATE SET password_hash = excluded.password_hash",
    )
    .bind::<BigInt, _>(i64::try_from(count)?)
    .bind::<Nullable<Text>, _>(password_hash)
    .execute(connection)?;
    Ok(())
}

fn insert_tokens(connection: &mut PgConnection, rows: Rows) -> anyhow::Result<()> {
    let users = rows.count / TOKENS_A_USER + 1;
    for start in (0..rows.count).step_by(BATCH) {
        let end = rows.count.min(start + BATCH);
        let digests: Vec<Vec<u8>> = (start..end)
            .map(|number| rows.series.digest(number).as_bytes().to_vec())
            .collect();
        sql_query(
            "INSERT INTO tokens (id, user_id, digest, kind, name, scopes, expires_at) \
            SELECT ('00000000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid, \
                ('00000000-0000-7000-9000-' || lpad(to_hex(n % $3), 12, '0'))::uuid, \
                digest, 'login', 'login', '{notes:read,notes:write}', now() + interval '30 days' \
            FROM unnest($1) WITH ORDINALITY AS one (digest, position), LATERAL (SELECT $2 + position - 1 AS n) ids",
        )
        .bind::<Array<Binary>, _>(&digests)
        .bind::<BigInt, _>(i64::try_from(start)?)
        .bind::<BigInt, _>(i64::try_from(users)?)
        .execute(connection)?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Shown {
    #[diesel(sql_type = Text)]
    definition: String,
}

/// Drops the foreign key and all indexes of `tokens`, does the work, and makes them again as the migrations made them.
fn without_indexes(
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let read = |connection: &mut PgConnection, query: &str| -> anyhow::Result<Vec<String>> {
        let shown: Vec<Shown> = sql_query(query).load(connection)?;
        Ok(shown.into_iter().map(|one| one.definition).collect())
    };
    const OWN_INDEXES: &str = "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
        WHERE i.indrelid = 'tokens'::regclass \
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)";
    const CONSTRAINTS: &str =
        "FROM pg_constraint WHERE conrelid = 'tokens'::regclass AND contype IN ('f', 'p', 'u')";
    let mut again = read(
        connection,
        &format!("SELECT pg_get_indexdef(i.indexrelid) AS definition {OWN_INDEXES}"),
    )?;
    again.extend(read(
        connection,
        &format!(
            "SELECT format('ALTER TABLE tokens ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)) \
            AS definition {CONSTRAINTS} ORDER BY contype DESC"
        ),
    )?);
    let mut drop = read(
        connection,
        &format!("SELECT format('DROP INDEX %I', c.relname) AS definition {OWN_INDEXES}"),
    )?;
    drop.extend(read(
        connection,
        &format!(
            "SELECT format('ALTER TABLE tokens DROP CONSTRAINT %I', conname) AS definition {CONSTRAINTS}"
        ),
    )?);
    for statement in &drop {
        connection.batch_execute(statement)?;
    }
    work(connection)?;
    for statement in &again {
        connection.batch_execute(statement)?;
    }
    Ok(())
}

/// Has the server do now what it would do by itself at a worse time.
pub(crate) fn settle(connection: &mut PgConnection, tables: &str) -> anyhow::Result<()> {
    connection.batch_execute(&format!("VACUUM (ANALYZE) {tables}"))?;
    // Not everybody may.
    if let Err(error) = connection.batch_execute("CHECKPOINT") {
        crate::say(&format!("no checkpoint: {error}"));
    }
    Ok(())
}
