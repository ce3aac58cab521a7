//! Bodies as the services read them: by the extractors that the handlers have, short of the socket.

use actix_web::body::MessageBody;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::rt::Runtime;
use actix_web::test::TestRequest;
use actix_web::{FromRequest, ResponseError};
use jeton_api_types::{Problem, ProblemKind, ProblemResponse};
use serde_json::Value;

pub(crate) const JSON: &str = "application/json";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

thread_local! {
    // Extractors wait for the body, with a timer.
    static RUNTIME: Runtime = Runtime::new().expect("a runtime");
}

/// Reads a body as `Extractor` does.
pub(crate) fn extract<Extractor>(media_type: &str, body: &[u8]) -> Result<Extractor, Problem>
where
    Extractor: FromRequest<Error = ProblemResponse>,
{
    let request = TestRequest::post()
        .insert_header((CONTENT_TYPE, media_type))
        .set_payload(body.to_vec());
    let (request, mut payload) = request.to_http_parts();
    let extraction = Extractor::from_request(&request, &mut payload);
    let extracted = RUNTIME.with(|runtime| runtime.block_on(extraction));
    extracted.map_err(|response| {
        let bytes = response.error_response().into_body().try_into_bytes();
        serde_json::from_slice(&bytes.expect("a body that is no stream")).expect("a problem")
    })
}

/// A refusal says nothing but what stands in the source: the names of fields, and sentences about them. Of fields that are
/// not known it says the names.
pub(crate) fn check_refusal(problem: &Problem, fields: &[&str]) {
    let details = match problem.kind() {
        Some(ProblemKind::MalformedBody) => ["The body cannot be read."].as_slice(),
        Some(ProblemKind::BodyTooLarge) => &["A body has at most 131072 bytes here."],
        Some(ProblemKind::Validation) => &["Some fields are refused; see errors."],
        other => panic!("{other:?}"),
    };
    assert!(details.contains(&problem.detail.as_str()), "{problem:?}");
    for error in &problem.errors {
        if error.detail == "is not known here" {
            let name = error.pointer.strip_prefix('/').expect("a pointer");
            // A cut one, with what is escaped in it.
            assert!(
                !name.contains('/') && name.chars().count() <= 2 * 65,
                "{problem:?}"
            );
            assert!(!fields.contains(&name) && !name.contains("jtn_"), "{problem:?}");
            continue;
        }
        let mut path = error.pointer.split('/');
        assert_eq!(path.next(), Some(""), "{problem:?}");
        assert!(
            path.next().is_none_or(|field| fields.contains(&field)),
            "{problem:?}"
        );
        assert!(path.all(|index| index.parse::<usize>().is_ok()), "{problem:?}");
        let sentences = [
            "is missing",
            "is given more than once",
            "is not of the right type",
            "is not an object",
        ];
        assert!(sentences.contains(&error.detail.as_str()), "{problem:?}");
    }
}

/// What is sent of a body that was read, as JSON.
pub(crate) fn sent(body: &impl serde::Serialize) -> Value {
    serde_json::to_value(body).expect("a body that can be sent")
}

/// The same as a form, where it can be one: texts, numbers, and lists of words.
pub(crate) fn as_form(sent: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in sent.as_object().into_iter().flatten() {
        match value {
            Value::String(text) => form.append_pair(name, text),
            Value::Array(words) => {
                let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
                form.append_pair(name, &words.join(" "))
            }
            other => form.append_pair(name, &other.to_string()),
        };
    }
    form.finish()
}
