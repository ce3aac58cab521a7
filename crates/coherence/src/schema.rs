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
    authorization_codes (digest) {
        digest -> Bytea,
        grant_id -> Uuid,
        scopes -> Array<Nullable<Text>>,
        audience -> Nullable<Text>,
        redirect_uri -> Text,
        code_challenge -> Text,
        used_at -> Nullable<Timestamptz>,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    authorizations (id) {
        id -> Uuid,
        client_id -> Uuid,
        handle -> Nullable<Bytea>,
        scopes -> Array<Nullable<Text>>,
        audience -> Nullable<Text>,
        redirect_uri -> Nullable<Text>,
        state -> Nullable<Text>,
        code_challenge -> Nullable<Text>,
        device_code -> Nullable<Bytea>,
        user_code -> Nullable<Text>,
        interval_secs -> Nullable<Int4>,
        polled_at -> Nullable<Timestamptz>,
        grant_id -> Nullable<Uuid>,
        denied -> Bool,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
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
    clients (id) {
        id -> Uuid,
        name -> Text,
        secret_digest -> Nullable<Bytea>,
        redirect_uris -> Array<Nullable<Text>>,
        scopes -> Array<Nullable<Text>>,
        grant_types -> Array<Nullable<Text>>,
        service_account_id -> Nullable<Uuid>,
        first_party -> Bool,
        created_at -> Timestamptz,
        disabled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    delegable_scopes (name) {
        name -> Text,
        title -> Text,
        description -> Text,
        resource -> Nullable<Text>,
    }
}

diesel::table! {
    grants (id) {
        id -> Uuid,
        user_id -> Uuid,
        client_id -> Uuid,
        scopes -> Array<Nullable<Text>>,
        created_at -> Timestamptz,
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
    refresh_tokens (family) {
        family -> Bytea,
        grant_id -> Uuid,
        digest -> Bytea,
        salt -> Bytea,
        rotations -> Array<Nullable<Timestamptz>>,
        is_used -> Bool,
        scopes -> Array<Nullable<Text>>,
        audience -> Nullable<Text>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
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
        client_id -> Nullable<Uuid>,
        grant_id -> Nullable<Uuid>,
        audience -> Nullable<Text>,
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
        is_service_account -> Bool,
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

diesel::joinable!(authorization_codes -> grants (grant_id));
diesel::joinable!(authorizations -> clients (client_id));
diesel::joinable!(authorizations -> grants (grant_id));
diesel::joinable!(clients -> users (service_account_id));
diesel::joinable!(grants -> clients (client_id));
diesel::joinable!(grants -> users (user_id));
diesel::joinable!(refresh_tokens -> grants (grant_id));
diesel::joinable!(tokens -> grants (grant_id));
diesel::joinable!(tokens -> users (user_id));

diesel::allow_tables_to_appear_in_same_query!(
    account_attempts,
    audit_events,
    authorization_codes,
    authorizations,
    cleanup_clock,
    clients,
    delegable_scopes,
    grants,
    locks,
    network_attempts,
    refresh_tokens,
    revocations,
    token_uses,
    tokens,
    users,
    verifiers,
);
