use crate::support::{connect_to, database, execute, settings};
use jeton_persistence::DatabaseError;
use jeton_proof_support::TestDatabase;
use jeton_verifier::{ConnectError, MOST_CACHE_TOKENS, Verifier, VerifierSettings};
use std::net::{Ipv4Addr, TcpListener};

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_is_refused_with_the_command_that_helps() {
    let database = TestDatabase::empty();
    let refused = Verifier::connect(settings(database.url())).await.unwrap_err();
    assert!(matches!(refused, ConnectError::NotMigrated(_)), "{refused:?}");
    let text = refused.to_string();
    for part in [
        "not up to date",
        "_accounts",
        "_coherence",
        "`scripts/migrate`",
        "`jeton migrate`",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // It only looked.
    let tables = crate::support::count(
        &mut connect_to(database.url()),
        "pg_class WHERE relnamespace = 'public'::regnamespace",
    );
    assert_eq!(tables, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_utf8_is_refused_by_name() {
    let database = TestDatabase::encoded("LATIN1");
    let refused = Verifier::connect(settings(database.url())).await.unwrap_err();
    assert!(
        matches!(&refused, ConnectError::Database(DatabaseError::NotUtf8 { encoding, .. }) if encoding == "LATIN1"),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_lacks_the_newest_migration_is_refused() {
    let (database, mut connection) = database();
    execute(
        &mut connection,
        "DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)",
    );
    let refused = Verifier::connect(settings(database.url())).await.unwrap_err();
    match &refused {
        ConnectError::NotMigrated(pending) => assert_eq!(pending.split(", ").count(), 1, "{pending}"),
        other => panic!("{other:?}"),
    }
}

/// Nor does it end the process, as taking the memory for them would.
#[tokio::test(flavor = "multi_thread")]
async fn more_tokens_than_can_be_remembered_are_refused() {
    // It is not even asked for.
    let nobody = "postgres://jeton@127.0.0.1:1/jeton";
    for cache_tokens in [MOST_CACHE_TOKENS + 1, usize::MAX] {
        let settings = VerifierSettings {
            cache_tokens,
            ..settings(nobody)
        };
        let refused = Verifier::connect(settings).await.unwrap_err();
        assert!(matches!(refused, ConnectError::CacheTokens), "{refused:?}");
        assert!(refused.to_string().contains("100000000 tokens"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_refused_without_its_password() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let url = format!("postgres://jeton:sesame@127.0.0.1:{port}/jeton");
    let refused = Verifier::connect(settings(&url)).await.unwrap_err();
    assert!(
        matches!(refused, ConnectError::Database(DatabaseError::Unavailable(_))),
        "{refused:?}"
    );
    let text = refused.to_string();
    assert!(
        text.contains("unavailable") && text.contains(&port.to_string()),
        "{text}"
    );
    assert!(!format!("{refused} {refused:?}").contains("sesame"), "{text}");
}
