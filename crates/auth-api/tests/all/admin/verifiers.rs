use super::with_admin;
use jeton_proof_support::execute;
use uuid::Uuid;

/// Two of the same moment are in an order, too, and what comes meanwhile shifts nothing.
#[tokio::test]
async fn verifiers_are_listed_in_pages() {
    let (auth, root) = with_admin().await;
    let connection = &mut auth.connect();
    // After the service's own.
    let more = "INSERT INTO verifiers (id, name, lease_ms) SELECT \
        ('ffffffff-0000-7000-8000-00000000000' || n)::uuid, 'test-' || n, 60000 FROM generate_series(1, 5) AS n";
    execute(connection, more);
    let mut names = Vec::new();
    let mut after: Option<Uuid> = None;
    loop {
        let page = root.admin().verifiers(Some(2), after).await.unwrap();
        assert!(page.verifiers.len() <= 2);
        names.extend(page.verifiers.into_iter().map(|one| one.name));
        if names.len() == 2 {
            let newer = "INSERT INTO verifiers (id, name, lease_ms) \
                VALUES ('ffffffff-0000-7000-8000-000000000009', 'newer', 60000)";
            execute(connection, newer);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(names[..5], ["test-5", "test-4", "test-3", "test-2", "test-1"]);
    assert_eq!(names.len(), 6, "{names:?}");
    execute(
        connection,
        "DELETE FROM verifiers WHERE id > 'ffffffff-0000-7000-8000-000000000000'",
    );
}
