//! Functions of Postgres's own that the statements call.
#![allow(missing_docs, reason = "documented by Postgres")]

use crate::schema::sql_types::{PgSnapshot, Xid8};

diesel::define_sql_function! {
    fn pg_current_snapshot() -> PgSnapshot;
}
diesel::define_sql_function! {
    fn pg_current_xact_id_if_assigned() -> Nullable<Xid8>;
}
diesel::define_sql_function! {
    fn pg_snapshot_xmax(snapshot: PgSnapshot) -> Xid8;
}
