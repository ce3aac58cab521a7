use crate::support::{in_process, problem};
use jeton_proof_support::{database, execute};

/// The database answers and has all migrations, and yet nobody can be let in.
#[test]
fn a_service_that_cannot_check_tokens_is_not_ready() {
    let (database, mut connection) = database();
    let service = in_process(&[("DATABASE_URL", database.url())]);
    let statuses = || ["/readyz", "/readyz?x=1", "/readyz/?x"].map(|target| service.get(target).status);
    assert_eq!(statuses(), [200; 3]);
    execute(
        &mut connection,
        "ALTER TABLE tokens RENAME COLUMN digest TO hidden",
    );
    assert_eq!(statuses(), [503; 3]);
    assert_eq!(problem(&service.get("/readyz")), (503, "unavailable".to_owned()));
    execute(
        &mut connection,
        "ALTER TABLE tokens RENAME COLUMN hidden TO digest",
    );
    assert_eq!(statuses(), [200; 3]);
}
