use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use actix_web::rt::time::timeout;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, web};
use jeton_api_types::{FieldError, ProblemKind, ProblemResponse};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserializer, Serialize};
use serde_path_to_error::Segment;
use std::pin::Pin;
use std::time::Duration;

/// The largest body that is read, in bytes. Ten times what the longest password takes with every character escaped.
pub const MAX_BODY_BYTES: usize = 128 * 1024;

/// The content coding that is none (RFC 9110 §8.4.1).
const IDENTITY: &str = "identity";

/// How long a client may take to send the body, where the app has that as its data.
#[derive(Clone, Copy)]
pub(crate) struct Timeout(pub(crate) Duration);

impl Default for Timeout {
    fn default() -> Self {
        Self(Duration::from_secs(10))
    }
}

/// The media type that [`Json`] takes.
pub const JSON: &str = "application/json";
/// The media type that [`Form`] takes.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// A body in JSON, read into `T`. What cannot be read is a problem: 400, 413 or 415, and 422 that names the field where
/// the JSON is well-formed. None of them quotes the body.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// As [`Json`], for a resource that takes HTML forms' URL encoding as well.
#[derive(Debug)]
pub struct JsonOrForm<T>(pub T);

/// As [`Json`], for a resource that takes forms alone, as those of OAuth do.
#[derive(Debug)]
pub struct Form<T>(pub T);

type Extraction<T> = Pin<Box<dyn Future<Output = Result<T, ProblemResponse>>>>;

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = ProblemResponse;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extract(request, payload, &[JSON], Self)
    }
}

/// And an answer in JSON: 200.
impl<T: Serialize> Responder for Json<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().json(self.0)
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for JsonOrForm<T> {
    type Error = ProblemResponse;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extract(request, payload, &[JSON, FORM], Self)
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = ProblemResponse;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extract(request, payload, &[FORM], Self)
    }
}

fn extract<T: DeserializeOwned + 'static, Body: 'static>(
    request: &HttpRequest,
    payload: &mut Payload,
    media_types: &'static [&'static str],
    wrap: fn(T) -> Body,
) -> Extraction<Body> {
    let (request, payload) = (request.clone(), payload.take());
    Box::pin(async move {
        let media_type = media_type(&request);
        if !media_types.contains(&media_type.as_str()) {
            return Err(unsupported(&media_types.join(" or ")));
        }
        refuse_encoded(&request)?;
        let bytes = read(&request, payload).await?;
        let body = if media_type == JSON {
            from_json(&bytes)
        } else {
            from_form(&bytes)
        };
        body.map(wrap)
    })
}

fn media_type(request: &HttpRequest) -> String {
    let header = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    header
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// What reading a body of these media types can end with, for the documentation; of fields, one that is refused.
#[must_use]
pub fn body_problems(media_types: &[&str]) -> Vec<ProblemResponse> {
    let refused = FieldError {
        pointer: "/name".to_owned(),
        detail: "is missing".to_owned(),
    };
    // Any bytes are a form.
    let malformed = media_types.contains(&JSON).then(|| malformed("The body"));
    let others = [
        late(),
        too_large(),
        unsupported(&media_types.join(" or ")),
        encoded(),
        ProblemResponse::validation(vec![refused]),
    ];
    malformed.into_iter().chain(others).collect()
}

fn unsupported(wanted: &str) -> ProblemResponse {
    ProblemResponse::new(
        ProblemKind::UnsupportedMediaType,
        format!("Send the body as {wanted}."),
    )
}

/// What is compressed is not read as if it were not ([RFC 9110 §8.4]), nor unpacked: a small body could become a huge one.
///
/// [RFC 9110 §8.4]: https://www.rfc-editor.org/rfc/rfc9110#section-8.4
fn refuse_encoded(request: &HttpRequest) -> Result<(), ProblemResponse> {
    let mut codings = request.headers().get_all(CONTENT_ENCODING);
    if codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(IDENTITY.as_bytes())) {
        return Ok(());
    }
    Err(encoded())
}

fn encoded() -> ProblemResponse {
    let detail = "Send the body as it is, without a Content-Encoding.";
    ProblemResponse::new(ProblemKind::UnsupportedMediaType, detail)
        .with_header(ACCEPT_ENCODING, HeaderValue::from_static(IDENTITY))
}

async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Bytes, ProblemResponse> {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        return Err(too_large());
    }
    let payload = web::Payload::from_request(request, &mut payload)
        .await
        .map_err(|_| malformed("The body"))?;
    let Timeout(patience) = request.app_data().copied().unwrap_or_default();
    match timeout(patience, payload.to_bytes_limited(MAX_BODY_BYTES)).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(_))) => Err(malformed("The body")),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(late()),
    }
}

fn too_large() -> ProblemResponse {
    let detail = format!("A body has at most {MAX_BODY_BYTES} bytes here.");
    ProblemResponse::new(ProblemKind::BodyTooLarge, detail)
}

fn late() -> ProblemResponse {
    ProblemResponse::new(ProblemKind::RequestTimeout, "The body did not come in time.")
}

fn malformed(what: &str) -> ProblemResponse {
    ProblemResponse::new(ProblemKind::MalformedBody, format!("{what} cannot be read."))
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ProblemResponse> {
    let is_json = || serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
    // Serde would read an array as well, taking the fields in their order in the source.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        if !is_json() {
            return Err(malformed("The body"));
        }
        let detail = "is not an object".to_owned();
        return Err(ProblemResponse::validation(vec![FieldError {
            pointer: String::new(),
            detail,
        }]));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    // A field may be found wrong before the end is seen, and what comes there be no JSON.
    let value = from(&mut json, |error: &serde_json::Error| {
        error.is_data() && is_json()
    })?;
    json.end().map_err(|_| malformed("The JSON"))?;
    Ok(value)
}

fn from_form<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ProblemResponse> {
    // Any bytes are a form: what can be wrong is its fields.
    from(
        serde_urlencoded::Deserializer::new(form_urlencoded::parse(bytes)),
        |_| true,
    )
}

fn from<'de, T, D>(
    deserializer: D,
    is_about_a_field: impl Fn(&D::Error) -> bool,
) -> Result<T, ProblemResponse>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        if !is_about_a_field(error.inner()) {
            return malformed("The body");
        }
        ProblemResponse::validation(vec![field_error(&error)])
    })
}

/// What is wrong with which field. Serde's own words may quote what was sent, so only the field's name is taken from
/// them, which comes from the type.
fn field_error<E: std::fmt::Display>(error: &serde_path_to_error::Error<E>) -> FieldError {
    let message = error.inner().to_string();
    let named = |prefix: &str| {
        message
            .strip_prefix(prefix)
            .and_then(|rest| rest.split('`').next().map(str::to_owned))
    };
    let parent = pointer(error.path());
    if let Some(field) = named("missing field `") {
        return FieldError {
            pointer: format!("{parent}/{field}"),
            detail: "is missing".to_owned(),
        };
    }
    if let Some(field) = named("duplicate field `") {
        return FieldError {
            pointer: format!("{parent}/{field}"),
            detail: "is given more than once".to_owned(),
        };
    }
    FieldError {
        pointer: parent,
        detail: "is not of the right type".to_owned(),
    }
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Map { key } => {
                pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1")))
            }
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests;
