//! Functions of Postgres's own that the statements call.

use diesel::sql_types::{Integer, Nullable, Text};

diesel::define_sql_function! {
    fn coalesce(value: Nullable<Text>, otherwise: Nullable<Text>) -> Nullable<Text>;
}
diesel::define_sql_function! {
    fn left(text: Nullable<Text>, length: Integer) -> Nullable<Text>;
}
