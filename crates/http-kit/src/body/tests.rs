use super::*;
use actix_web::ResponseError;
use actix_web::body::to_bytes;
use jeton_api_types::{CreateTokenRequest, LoginRequest, Problem};

async fn problem_of<T: std::fmt::Debug>(result: Result<T, ProblemResponse>) -> Problem {
    let response = result.unwrap_err().error_response();
    serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap()
}

fn of(pointer: &str, detail: &str) -> Vec<FieldError> {
    vec![FieldError {
        pointer: pointer.to_owned(),
        detail: detail.to_owned(),
    }]
}

#[actix_web::test]
async fn fields_are_named_and_values_are_not_quoted() {
    for (body, errors) in [
        (r#"{"name": "x"}"#, of("/scopes", "is missing")),
        (
            r#"{"name": 7, "scopes": []}"#,
            of("/name", "is not of the right type"),
        ),
        (
            r#"{"name": "x", "scopes": ["a", 1]}"#,
            of("/scopes/1", "is not of the right type"),
        ),
        (
            r#"{"name": "x", "scopes": [], "expires_in": "sesame"}"#,
            of("/expires_in", "is not of the right type"),
        ),
        (
            r#"{"name": "x", "scopes": [], "expires_in": -1}"#,
            of("/expires_in", "is not of the right type"),
        ),
        (
            r#"{"name": "x", "name": "y", "scopes": []}"#,
            of("/name", "is given more than once"),
        ),
        (r#"["sesame"]"#, of("", "is not an object")),
        (r#"["sesame", ["a"]]"#, of("", "is not an object")),
    ] {
        let problem = problem_of(from_json::<CreateTokenRequest>(body.as_bytes())).await;
        assert_eq!(problem.errors, errors, "{body}");
        assert!(!format!("{problem:?}").contains("sesame"), "{body}");
    }
}

#[actix_web::test]
async fn a_body_that_is_no_json_is_malformed() {
    for body in [
        "",
        "{",
        "sesame",
        r#"{"name": "x", "scopes": []} x"#,
        "{\"name\": \"\u{1}\"}",
        "\u{feff}{}",
        // A field is found wrong before the end is seen.
        r#"["x", 7"#,
        r#"{"name": 7, "scopes": []"#,
        r#"{"name": 7} x"#,
        &"[".repeat(100_000),
    ] {
        let problem = problem_of(from_json::<CreateTokenRequest>(body.as_bytes())).await;
        assert_eq!(problem.kind(), Some(ProblemKind::MalformedBody), "{body:.40}");
    }
}

#[actix_web::test]
async fn forms_have_the_same_fields() {
    let login: LoginRequest = from_form(b"username=ada&password=p%20w&scopes=a+b&expires_in=60&other=1")
        .ok()
        .unwrap();
    assert_eq!(login.scopes.unwrap(), ["a", "b"]);
    assert_eq!(login.expires_in, Some(60));
    let problem = problem_of(from_form::<LoginRequest>(b"username=ada")).await;
    assert_eq!(problem.errors, of("/password", "is missing"));
    let problem = problem_of(from_form::<LoginRequest>(
        b"username=ada&password=x&expires_in=soon",
    ))
    .await;
    assert_eq!(problem.errors, of("/expires_in", "is not of the right type"));
    assert!(from_form::<LoginRequest>(b"\xff=\xfe&&&===").is_err());
}
