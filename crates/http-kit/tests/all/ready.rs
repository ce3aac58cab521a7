use crate::support::{in_process, problem};
use jeton_proof_support::{database, execute};

/// The database answers and has all migrations, and yet nobody can be let in.
#[test]
fn a_service_that_cannot_check_tokens_is_not_ready() {
    let (database, mut connection) = database();
    let service = in_process(&[("DATABASE_URL", database.url())]);
    let readyz = || service.get("/readyz");
    assert_eq!(readyz().status, 200);
    execute(
        &mut connection,
        "ALTER TABLE tokens RENAME COLUMN digest TO hidden",
    );
    assert_eq!(problem(&readyz()), (503, "unavailable".to_owned()));
    execute(
        &mut connection,
        "ALTER TABLE tokens RENAME COLUMN hidden TO digest",
    );
    assert_eq!(readyz().status, 200);
}
