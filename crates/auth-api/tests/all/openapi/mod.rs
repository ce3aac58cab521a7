//! `GET /openapi.json` and `GET /docs`: that what is described is what is served.

mod browser;
pub(crate) mod document;
mod page;
mod requests;
mod sdk;
mod walk;

use crate::support::Auth;
use document::{Document, Operation};
use jeton_client::{ExposeSecret, Problem, ProblemKind};
use jeton_domain::AuditAction;
use jeton_proof_support::{RawRequest, raw};
use serde_json::Value;

/// Asked by whatever method, since gateways ask by that of the request they ask about.
const BY_ANY_METHOD: &str = "/v1/verify";

/// The schema for OpenAPI 3.1 documents, as the OpenAPI Initiative publishes it (Apache-2.0).
const OPENAPI_3_1: &str = include_str!("oas-3.1-schema.json");

#[test]
fn the_document_is_openapi_3_1() {
    let document = Document::read().0;
    let schema = serde_json::from_str(OPENAPI_3_1).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&document)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}");
    }
}

#[test]
fn the_document_is_served_as_it_stands() {
    let auth = Auth::start();
    let answer = auth.send(&RawRequest::new("GET", "/openapi.json"));
    let served: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(served, Document::read().0);
}

#[test]
fn references_lead_somewhere_and_operations_have_names_of_their_own() {
    let document = Document::read();
    let mut left = vec![&document.0];
    while let Some(node) = left.pop() {
        document.resolve(node);
        match node {
            Value::Object(map) => left.extend(map.values()),
            Value::Array(items) => left.extend(items),
            _ => {}
        }
    }
    let mut ids: Vec<_> = document
        .operations()
        .iter()
        .map(|one| one.described["operationId"].to_string())
        .collect();
    let before = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), before);
}

/// Each media type, header and parameter has an example, and each example is as its schema says.
#[test]
fn everything_has_an_example_that_is_right() {
    let document = Document::read();
    let mut left = vec![("".to_owned(), &document.0)];
    let mut seen = 0;
    while let Some((place, node)) = left.pop() {
        let Value::Object(map) = node else { continue };
        let children = map
            .iter()
            .filter(|(key, _)| !["example", "examples"].contains(&key.as_str()));
        let arrays = map
            .iter()
            .filter_map(|(key, value)| Some((key, value.as_array()?)));
        left.extend(children.map(|(key, value)| (format!("{place}/{key}"), value)));
        left.extend(arrays.flat_map(|(key, items)| items.iter().map(move |item| (format!("{key}[]"), item))));
        let Some(schema) = map.get("schema") else { continue };
        let several = map.get("examples").and_then(Value::as_object);
        let one = map.get("example").into_iter();
        let examples: Vec<_> = one
            .chain(
                several
                    .into_iter()
                    .flat_map(|map| map.values().map(|one| &one["value"])),
            )
            .collect();
        assert!(!examples.is_empty(), "no example: {place}");
        let validator = document.validator(schema, true);
        for example in examples {
            assert!(validator.is_valid(example), "{place}: {example}");
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn problems_and_actions_are_those_of_the_code() {
    let document = Document::read().0;
    let texts = |place: &str| -> Vec<String> {
        let values = document.pointer(place).unwrap().as_array().unwrap();
        values
            .iter()
            .map(|one| one.as_str().unwrap().to_owned())
            .collect()
    };
    let kinds: Vec<_> = ProblemKind::ALL
        .iter()
        .map(|&kind| Problem::new(kind, "").type_)
        .collect();
    assert_eq!(texts("/components/schemas/Problem/properties/type/enum"), kinds);
    let actions: Vec<_> = AuditAction::ALL
        .iter()
        .map(|action| action.as_str().to_owned())
        .collect();
    assert_eq!(texts("/components/schemas/AuditAction/enum"), actions);
    let mut left = vec![&document];
    while let Some(node) = left.pop() {
        match node {
            Value::Object(map) => {
                if let Ok(problem) = serde_json::from_value::<Problem>(node.clone()) {
                    let kind = problem.kind().unwrap();
                    assert_eq!(
                        (problem.status, problem.title.as_str()),
                        (kind.status(), kind.title())
                    );
                }
                left.extend(map.values());
            }
            Value::Array(items) => left.extend(items),
            _ => {}
        }
    }
}

/// Every method of every path is asked: what is described must not be 405, and everything else must.
#[tokio::test]
async fn methods_are_those_that_are_described() {
    let auth = Auth::start();
    let token = auth.sign_up_with("ada", "tokens:introspect admin").await.token();
    let document = Document::read();
    let nobody = uuid::Uuid::now_v7().to_string();
    for path in document.0["paths"].as_object().unwrap().keys() {
        let mut known: Vec<_> = document
            .operations()
            .into_iter()
            .filter(|one| one.path == path)
            .map(|one| one.method)
            .collect();
        if known.contains(&"GET".to_owned()) {
            known.push("HEAD".to_owned());
        }
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
        ] {
            let operation = Operation {
                method: method.to_owned(),
                path,
                described: &Value::Null,
            };
            // With a body that is not taken anywhere, so that nothing is done where the method is right.
            let request = operation
                .example(&[&nobody, &nobody])
                .header("Authorization", format!("Bearer {}", token.expose_secret()))
                .header("Connection", "close");
            // A logout would end the token.
            if path.starts_with("/v1/logout") && method == "POST" {
                continue;
            }
            let answer = raw(auth.service.address(), &request.to_bytes());
            let right = known.iter().any(|one| one == method) || path == BY_ANY_METHOD;
            assert_eq!(answer.status != 405, right, "{method} {path}: {answer:?}");
            if answer.status == 405 && method != "HEAD" {
                let described = &document.0["components"]["responses"]["MethodNotAllowed"];
                assert_eq!(
                    document.check_response(described, &answer, path),
                    "method-not-allowed"
                );
                let mut allowed: Vec<_> = answer
                    .header("Allow")
                    .unwrap()
                    .split(", ")
                    .map(str::to_owned)
                    .collect();
                allowed.sort();
                known.sort();
                assert_eq!(allowed, known, "{path}");
            }
        }
    }
    let nothing = auth.send(&RawRequest::new("GET", "/v1/nothing"));
    document.check_response(
        &document.0["components"]["responses"]["NotFound"],
        &nothing,
        "nothing",
    );
}
