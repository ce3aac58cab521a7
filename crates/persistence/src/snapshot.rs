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
pub struct Xid(pub(crate) u64);

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
