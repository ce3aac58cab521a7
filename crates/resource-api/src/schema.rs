//! The tables of the service's own schema.

diesel::table! {
    demo.__diesel_schema_migrations (version) {
        version -> Text,
    }
}

diesel::table! {
    demo.notes (id) {
        id -> Uuid,
        user_id -> Uuid,
        title -> Text,
        body -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}
