// @generated automatically by Diesel CLI.

pub mod sql_types {
    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "pg_snapshot", schema = "pg_catalog"))]
    pub struct PgSnapshot;

    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "xid8", schema = "pg_catalog"))]
    pub struct Xid8;
}

diesel::table! {
    account_attempts (account, network) {
        account -> Bytea,
        network -> Inet,
        failures -> Int4,
        blocked_until -> Timestamptz,
        last_at -> Timestamptz,
        in_flight -> Array<Nullable<Timestamptz>>,
        audited_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    audit_events (at, id) {
        id -> Uuid,
        at -> Timestamptz,
        action -> Text,
        actor_id -> Nullable<Uuid>,
        actor_label -> Nullable<Text>,
        subject_id -> Nullable<Uuid>,
        subject_username -> Nullable<Text>,
        token_id -> Nullable<Uuid>,
        address -> Nullable<Inet>,
        request_id -> Nullable<Text>,
        detail -> Jsonb,
    }
}

diesel::table! {
    cleanup_clock (only_row) {
        only_row -> Bool,
        shows -> Timestamptz,
        checked_at -> Timestamptz,
    }
}

diesel::table! {
    locks (name) {
        name -> Text,
    }
}

diesel::table! {
    network_attempts (network) {
        network -> Inet,
        failures -> Float8,
        last_at -> Timestamptz,
        in_flight -> Array<Nullable<Timestamptz>>,
        audited_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::Xid8;

    revocations (xid, digest) {
        xid -> Xid8,
        digest -> Bytea,
    }
}

diesel::table! {
    token_uses (token_id, owner) {
        token_id -> Uuid,
        last_used_at -> Timestamptz,
        owner -> Text,
    }
}

diesel::table! {
    tokens (id) {
        id -> Uuid,
        user_id -> Uuid,
        digest -> Bytea,
        kind -> Text,
        name -> Text,
        scopes -> Array<Nullable<Text>>,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        idle_ttl_secs -> Nullable<Int4>,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        username -> Text,
        username_key -> Text,
        email -> Nullable<Text>,
        password_hash -> Nullable<Text>,
        scopes -> Array<Nullable<Text>>,
        created_at -> Timestamptz,
        disabled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::PgSnapshot;

    verifiers (id) {
        id -> Uuid,
        name -> Text,
        version -> Int8,
        applied -> PgSnapshot,
        offered -> PgSnapshot,
        lease_ms -> Int4,
        created_at -> Timestamptz,
        owner -> Text,
        place -> Nullable<Int2>,
    }
}

diesel::joinable!(tokens -> users (user_id));

diesel::allow_tables_to_appear_in_same_query!(
    account_attempts,
    audit_events,
    cleanup_clock,
    locks,
    network_attempts,
    revocations,
    token_uses,
    tokens,
    users,
    verifiers,
);
