//! That every path the service has is in the document, and no other: the router itself is asked.

use super::openapi;
use crate::Settings;
use crate::metrics::RevocationMetrics;
use crate::pages::ASSETS_PATH;
use crate::state::State;
use actix_web::test::{TestRequest, call_and_read_body, init_service};
use actix_web::{App, HttpRequest, web};
use clap::Parser;
use jeton_domain::{
    Email, LONGEST_LIFETIME_SECS, MAX_PASSWORD_CHARS, MAX_SCOPE_LENGTH, MAX_SCOPES, MIN_PASSWORD_CHARS,
    Scope, TokenName, Username,
};
use jeton_http_kit::{Metrics, health_routes};
use jeton_persistence::{Database, PoolSettings};
use jeton_proof_support::TestDatabase;
use jeton_revoker::Barrier;
use jeton_verifier::Verifier;
use serde_json::Value;
use std::collections::BTreeSet;

async fn state(database: &TestDatabase) -> State {
    let settings = Settings::parse_from(["test", "--database-url", database.url()]);
    let url = settings.database.database_url().unwrap();
    let verifier = Verifier::connect(settings.verifier.settings(url.clone()))
        .await
        .unwrap();
    let waits = RevocationMetrics::register(&mut Metrics::new("test", ""));
    let pool = Database::new(url.clone(), PoolSettings::default());
    State::new(
        &settings,
        pool,
        verifier,
        Barrier::start(url).unwrap(),
        waits,
        None,
    )
}

/// The paths in a router's debug output: an indented tree, in which a line that ends so comes before each pattern.
fn paths(router: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    // How deep each part of the present path stands, and the part.
    let mut above: Vec<(usize, &str)> = Vec::new();
    let mut lines = router.lines().peekable();
    while let Some(line) = lines.next() {
        let depth = line.len() - line.trim_start().len();
        match line.trim() {
            "patterns: Single(" => {
                above.retain(|(other, _)| *other < depth);
                above.push((depth, lines.next().unwrap().trim().trim_matches(['"', ','])));
            }
            // No scope but a resource: it has nothing below it.
            "nodes: None," => {
                paths.insert(above.iter().map(|(_, part)| *part).collect());
            }
            other => assert!(
                !other.starts_with("patterns: List("),
                "one resource, several paths"
            ),
        }
    }
    paths
}

#[actix_web::test]
async fn every_path_that_is_served_is_described_and_no_other() {
    let database = TestDatabase::create();
    let tell = |request: HttpRequest| async move { format!("{:#?}", request.resource_map()) };
    let app = App::new()
        .configure(health_routes)
        .configure(crate::routes::configure(state(&database).await))
        .default_service(web::to(tell));
    let app = init_service(app).await;
    let router = call_and_read_body(&app, TestRequest::with_uri("/nothing").to_request()).await;
    let mut served = paths(std::str::from_utf8(&router).unwrap());
    assert!(
        served.remove(ASSETS_PATH),
        "what pages are made of is no part of the API"
    );

    let document: Value = serde_json::from_str(openapi()).unwrap();
    let described = document["paths"].as_object().unwrap();
    assert_eq!(served, described.keys().cloned().collect());
    assert!(
        served.contains("/v1/tokens/{id}"),
        "the parsing sees the whole path"
    );
}

#[test]
fn the_document_is_of_this_version() {
    let document: Value = serde_json::from_str(openapi()).unwrap();
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

/// The schemas repeat what the rules say, and nothing else holds the two together.
#[test]
fn schemas_have_the_bounds_of_the_rules() {
    type Parse = fn(&str) -> bool;
    const TEXTS: [(&str, &str, Parse); 4] = [
        ("Username", "", |text| Username::parse(text).is_ok()),
        ("TokenName", "", |text| TokenName::parse(text).is_ok()),
        ("Scope", "", |text| Scope::parse(text).is_ok()),
        ("Email", "@example.org", |text| Email::parse(text).is_ok()),
    ];
    let document: Value = serde_json::from_str(openapi()).unwrap();
    let schemas = &document["components"]["schemas"];
    let bound = |schema: &Value, name: &str| schema[name].as_u64().map(|bound| bound as usize);
    for (name, end, parse) in TEXTS {
        let is_taken = |length: usize| parse(&("a".repeat(length - end.len()) + end));
        let longest = bound(&schemas[name], "maxLength").unwrap();
        assert!(is_taken(longest) && !is_taken(longest + 1), "{name}");
        if let Some(shortest) = bound(&schemas[name], "minLength") {
            assert!(is_taken(shortest) && !is_taken(shortest - 1), "{name}");
        }
    }
    let password = ["minLength", "maxLength"].map(|name| bound(&schemas["NewPassword"], name));
    assert_eq!(password, [Some(MIN_PASSWORD_CHARS), Some(MAX_PASSWORD_CHARS)]);
    assert_eq!(bound(&schemas["Scopes"], "maxItems"), Some(MAX_SCOPES));
    let text = schemas["ScopesText"]["pattern"].as_str().unwrap();
    let (each, others) = (
        format!("{{1,{MAX_SCOPE_LENGTH}}}"),
        format!("{{0,{}}}", MAX_SCOPES - 1),
    );
    assert!(text.contains(&each) && text.contains(&others), "{text}");
    for request in ["LoginRequest", "CreateTokenRequest"] {
        let expires_in = &schemas[request]["properties"]["expires_in"];
        let bounds = ["minimum", "maximum"].map(|name| expires_in[name].as_u64());
        assert_eq!(bounds, [Some(1), Some(LONGEST_LIFETIME_SECS)], "{request}");
    }
}
