use crate::schema::sql_types::{PgSnapshot, Xid8};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use std::io::Write;

/// A transaction of the database's, by the number that no other transaction of it ever has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, FromSqlRow, AsExpression)]
#[diesel(sql_type = Xid8)]
pub struct Xid(pub u64);

/// Which transactions a statement saw the work of: [`pg_snapshot`].
///
/// [`pg_snapshot`]: https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
#[derive(Debug, Clone, PartialEq, Eq, FromSqlRow, AsExpression)]
#[diesel(sql_type = PgSnapshot)]
pub struct Snapshot {
    /// All before this one had ended.
    xmin: u64,
    /// This one and all after it had not begun, or not ended.
    xmax: u64,
    /// Those between that had not ended, in order.
    in_progress: Vec<u64>,
}

impl Snapshot {
    /// The snapshot of these parts, which Postgres writes as `xmin:xmax:xip`: all before `xmin` had ended, none from
    /// `xmax` on, and of those between all but these.
    #[must_use]
    pub fn new(Xid(xmin): Xid, Xid(xmax): Xid, in_progress: impl IntoIterator<Item = Xid>) -> Self {
        let mut in_progress: Vec<u64> = in_progress.into_iter().map(|Xid(xid)| xid).collect();
        in_progress.sort_unstable();
        Self {
            xmin,
            xmax,
            in_progress,
        }
    }

    /// Whether what the transaction did can be seen in the snapshot, provided that it did commit: what Postgres's
    /// `pg_visible_in_snapshot` says.
    #[must_use]
    pub fn sees(&self, Xid(xid): Xid) -> bool {
        xid < self.xmin || (xid < self.xmax && self.in_progress.binary_search(&xid).is_err())
    }
}

impl FromSql<Xid8, Pg> for Xid {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(u64::from_be_bytes(value.as_bytes().try_into()?)))
    }
}

impl ToSql<Xid8, Pg> for Xid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&self.0.to_be_bytes())?;
        Ok(IsNull::No)
    }
}

// The binary form: a count of 4 bytes, then xmin, xmax and the counted ones in progress, of 8 bytes each.

impl FromSql<PgSnapshot, Pg> for Snapshot {
    fn from_sql(value: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = value.as_bytes();
        let (count, rest) = bytes.split_first_chunk::<4>().ok_or("a snapshot of no length")?;
        let (numbers, rest) = rest.as_chunks::<8>();
        let mut numbers = numbers.iter().map(|bytes| u64::from_be_bytes(*bytes));
        let (Some(xmin), Some(xmax)) = (numbers.next(), numbers.next()) else {
            return Err("a snapshot without bounds".into());
        };
        let in_progress: Vec<u64> = numbers.collect();
        if !rest.is_empty() || u32::from_be_bytes(*count) as usize != in_progress.len() {
            return Err("a snapshot of the wrong length".into());
        }
        Ok(Self {
            xmin,
            xmax,
            in_progress,
        })
    }
}

impl ToSql<PgSnapshot, Pg> for Snapshot {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&u32::try_from(self.in_progress.len())?.to_be_bytes())?;
        for number in [self.xmin, self.xmax].iter().chain(&self.in_progress) {
            out.write_all(&number.to_be_bytes())?;
        }
        Ok(IsNull::No)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "helpers of tests")]

    use super::*;
    use crate::PgConnection;
    use crate::functions::pg_current_snapshot;
    use diesel::dsl::sql;
    use diesel::sql_types::Text;
    use diesel::{Connection, IntoSql, RunQueryDsl, select};
    use jeton_proof_support::TestDatabase;

    diesel::define_sql_function! {
        fn pg_visible_in_snapshot(xid: Xid8, snapshot: PgSnapshot) -> Bool;
    }

    fn connect(database: &TestDatabase) -> PgConnection {
        PgConnection::establish(database.url()).unwrap()
    }

    /// Begins a transaction that has a number.
    fn begin(connection: &mut PgConnection) -> u64 {
        diesel::sql_query("BEGIN").execute(connection).unwrap();
        let Xid(number) = select(sql::<Xid8>("pg_current_xact_id()"))
            .get_result(connection)
            .unwrap();
        number
    }

    fn end(connection: &mut PgConnection, how: &str) {
        diesel::sql_query(how).execute(connection).unwrap();
    }

    fn sees_what_postgres_says(connection: &mut PgConnection, snapshot: &Snapshot, xid: u64) {
        let visible: bool = select(pg_visible_in_snapshot(Xid(xid), snapshot))
            .get_result(connection)
            .unwrap();
        assert_eq!(snapshot.sees(Xid(xid)), visible, "{xid} in {snapshot:?}");
    }

    fn there_and_back(connection: &mut PgConnection, snapshot: &Snapshot) {
        let back: Snapshot = select(snapshot.into_sql::<PgSnapshot>())
            .get_result(connection)
            .unwrap();
        assert_eq!(back, *snapshot);
    }

    #[test]
    fn a_snapshot_sees_what_postgres_says() {
        let database = TestDatabase::empty();
        let observer = &mut connect(&database);
        let mut others: Vec<PgConnection> = (0..8).map(|_| connect(&database)).collect();
        let xids: Vec<u64> = others.iter_mut().map(begin).collect();
        let (first, last) = (xids[0], xids[7]);
        for (ending, how) in [(6, "COMMIT"), (0, "COMMIT"), (3, "ROLLBACK"), (7, "COMMIT")] {
            end(&mut others[ending], how);
            let snapshot: Snapshot = select(pg_current_snapshot()).get_result(observer).unwrap();
            for xid in first - 3..last + 4 {
                sees_what_postgres_says(observer, &snapshot, xid);
            }
            assert!(snapshot.sees(Xid(xids[6])), "ended, whoever began before");
            assert!(!snapshot.sees(Xid(xids[5])), "open still");
            there_and_back(observer, &snapshot);
        }
    }

    /// Snapshots that no server of a test ever comes to.
    #[test]
    fn any_snapshot_reads_back_the_same() {
        let database = TestDatabase::empty();
        let connection = &mut connect(&database);
        let many: Vec<String> = (0..200)
            .map(|n| (5_000_000_000_u64 + n * 3).to_string())
            .collect();
        for text in [
            "1:1:".to_owned(),
            "10:11:10".to_owned(),
            "10:20:".to_owned(),
            "10:20:10,14,15,19".to_owned(),
            "4294967290:4294967300:4294967295,4294967296".to_owned(),
            format!("5000000000:5000000700:{}", many.join(",")),
        ] {
            let snapshot: Snapshot = select(sql::<PgSnapshot>(&format!("'{text}'::pg_snapshot")))
                .get_result(connection)
                .unwrap();
            for xid in snapshot.xmin.saturating_sub(2)..snapshot.xmax + 3 {
                sees_what_postgres_says(connection, &snapshot, xid);
            }
            there_and_back(connection, &snapshot);
            let written: String = select(sql::<Text>("").bind::<PgSnapshot, _>(&snapshot).sql("::text"))
                .get_result(connection)
                .unwrap();
            assert_eq!(written, text);
        }
    }

    #[test]
    fn a_transaction_goes_there_and_back() {
        let database = TestDatabase::empty();
        let connection = &mut connect(&database);
        for number in [0, 3, 1 << 31, 1 << 32, u64::MAX] {
            let (back, written): (Xid, String) = select((
                Xid(number).into_sql::<Xid8>(),
                sql::<Text>("").bind::<Xid8, _>(Xid(number)).sql("::text"),
            ))
            .get_result(connection)
            .unwrap();
            assert_eq!((back, written), (Xid(number), number.to_string()));
        }
    }
}
