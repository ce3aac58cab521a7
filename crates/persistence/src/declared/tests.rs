use super::*;

#[test]
fn the_migrations_are_read() {
    let declared = declared();
    for table in [
        "users",
        "tokens",
        "token_uses",
        "revocations",
        "verifiers",
        "audit_events",
    ] {
        assert!(declared.tables.iter().any(|one| one == table), "{table}");
    }
    let columns_of = |table: &str| -> Vec<_> {
        let columns = declared.columns.iter().filter(|(of, _)| of == table);
        columns.map(|(_, column)| column.as_str()).collect()
    };
    assert_eq!(columns_of("locks"), ["name"]);
    assert_eq!(columns_of("revocations"), ["xid", "digest"]);
    assert_eq!(columns_of("token_uses"), ["token_id", "last_used_at", "owner"]);
    assert_eq!(columns_of("cleanup_clock"), ["only_row", "shows", "checked_at"]);
    assert!(
        declared
            .constraints
            .iter()
            .any(|one| one == "users_username_key_unique")
    );
    assert!(declared.indexes.iter().any(|one| one == "tokens_user_id_id"));
    let deleted = declared
        .functions
        .iter()
        .find(|one| one.name == "jeton_tokens_deleted");
    let deleted = deleted.unwrap();
    assert!(deleted.definer && deleted.pinned && deleted.body.contains("FROM gone"));
    let trigger = |name: &str| declared.triggers.iter().find(|one| one.name == name).unwrap();
    assert_eq!(trigger("tokens_deleted").state, 'A');
    assert_eq!(trigger("users_replicated").state, 'R');
    assert_eq!(trigger("users_updated").function, "jeton_users_updated");
    assert!(declared.triggers.iter().all(|trigger| trigger.state != 'O'));
    assert!(
        declared
            .private
            .iter()
            .any(|one| one == "jeton_delete_audit_events")
    );
    let has = |role: &str, privilege: &str, object: &str, column: &str| {
        declared.grants.contains(&Grant {
            role: role.to_owned(),
            privilege: privilege.to_owned(),
            object: object.to_owned(),
            column: column.to_owned(),
        })
    };
    assert!(has("jeton_verifier", "SELECT", "tokens", "digest"));
    assert!(!has("jeton_verifier", "SELECT", "tokens", ""));
    assert!(has("jeton_auth", "DELETE", "tokens", ""));
    assert!(has("jeton_auth", "EXECUTE", "jeton_delete_audit_events", ""));
}

#[test]
fn a_grant_is_read_with_its_columns() {
    let sql = "-- GRANT ALL ON x TO y;\nDO $$ BEGIN IF true THEN EXECUTE format('GRANT USAGE ON SCHEMA %I TO a', b); \
        GRANT SELECT (id, name), DELETE ON t, u TO a, b; GRANT EXECUTE ON FUNCTION f(uuid, text) TO c; END IF; END $$;";
    let grants = Declared::read(&[sql]).grants;
    let said: Vec<_> = grants
        .iter()
        .map(|one| format!("{} {} {} {}", one.role, one.privilege, one.object, one.column))
        .collect();
    assert_eq!(said.len(), 3 * 4 + 1, "{said:?}");
    assert!(said.contains(&"b SELECT u name".to_owned()));
    assert!(said.contains(&"a DELETE t ".to_owned()));
    assert!(said.contains(&"c EXECUTE f ".to_owned()));
}
