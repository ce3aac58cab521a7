//! Query strings, and the place in the audit log that one of them holds.

use super::body::{as_form, sent};
use actix_web::web::Query;
use jeton_api_types::{AuditQuery, UserQuery};
use jeton_http_kit::Page;
use jeton_persistence::audit::AuditCursor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

pub fn check(data: &[u8]) {
    let query = &*String::from_utf8_lossy(data);
    read_back::<UserQuery>(query);
    read_back::<AuditQuery>(query);
    if let Ok(page) = Query::<Page>::from_query(query) {
        assert!((1..=100).contains(&page.limit.get()));
    }
    if let Ok(cursor) = query.parse::<AuditCursor>() {
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }
}

/// What was read is read again from what is sent of it.
fn read_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(query: &str) {
    if let Ok(Query(read)) = Query::<T>::from_query(query) {
        let again = Query::<T>::from_query(&as_form(&sent(&read)));
        assert_eq!(again.ok().map(Query::into_inner), Some(read));
    }
}
