use super::*;
use actix_web::ResponseError;
use actix_web::body::to_bytes;
use jeton_api_types::{CreateTokenRequest, FieldError, LoginRequest, PresentedToken, Problem};

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
        ("\u{feff}{\"name\": \"x\"}", of("/scopes", "is missing")),
        (
            r#"{"name": "x", "scopes": [], "surprise": "sesame"}"#,
            of("/surprise", "is not known here"),
        ),
        (
            r#"{"name": "x", "scopes": [], "scope": "a"}"#,
            of("/scopes", "is given more than once"),
        ),
        (
            r#"{"name": "x", "scope": "a", "scope": "b"}"#,
            of("/scope", "is given more than once"),
        ),
        (
            r#"{"name": "x", "scope": 7}"#,
            of("/scope", "is not of the right type"),
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
        "\u{feff}\u{feff}{}",
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
    let (login, _) = from_form::<LoginRequest>(b"username=ada&password=p%20w&scopes=a+b&expires_in=60&")
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
    let twice = b"username=ada&password=x&scope=a&scope=b";
    let problem = problem_of(from_form::<LoginRequest>(twice)).await;
    assert_eq!(problem.errors, of("/scope", "is given more than once"));
    assert!(from_form::<LoginRequest>(b"\xff=\xfe&&&===").is_err());
}

#[actix_web::test]
async fn every_unknown_field_is_named_together_with_what_else_is_wrong() {
    let names = |problem: Problem| -> Vec<String> {
        assert_eq!(problem.kind(), Some(ProblemKind::Validation));
        problem.errors.into_iter().map(|error| error.pointer).collect()
    };
    let json = br#"{"usrname": "ada", "password": "x", "a/b": {"c": 1}, "usrname": "twice"}"#;
    let expected = ["/username", "/usrname", "/a~1b"];
    assert_eq!(names(problem_of(from_json::<LoginRequest>(json)).await), expected);
    let form = b"usrname=ada&password=x&a/b=1&usrname=twice";
    assert_eq!(names(problem_of(from_form::<LoginRequest>(form)).await), expected);
}

#[test]
fn scopes_may_be_spelled_as_oauth_does() {
    let asked = [
        from_json::<LoginRequest>(br#"{"username": "ada", "password": "x", "scope": "a b"}"#),
        from_form::<LoginRequest>(b"username=ada&password=x&scope=a+b"),
    ];
    for login in asked {
        assert_eq!(login.ok().unwrap().0.scopes.unwrap(), ["a", "b"]);
    }
    let token = from_json::<CreateTokenRequest>(br#"{"name": "x", "scope": "a b"}"#);
    assert_eq!(token.ok().unwrap().0.scopes, ["a", "b"]);
}

/// RFC 6749 §3.2, which RFC 7009 and RFC 7662 follow.
#[actix_web::test]
async fn forms_of_oauth_may_have_more_fields() {
    let read = |form: &[u8]| from_form_of_oauth::<PresentedToken>(form);
    assert!(read(b"token=x&token_type_hint=access_token&a=1&a=2").is_ok());
    let problem = problem_of(read(b"token=x&token=y")).await;
    assert_eq!(problem.errors, of("/token", "is given more than once"));
}
