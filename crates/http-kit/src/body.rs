mod decode;

use crate::header_list;
use crate::parameters::unknown_name_problem;
use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use actix_web::rt::time::timeout;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, Responder, web};
use decode::{Decoded, as_sent, from_form, from_form_of_oauth, from_json, malformed};
use jeton_api_types::{FieldError, ProblemKind, ProblemResponse};
use serde::Serialize;
use serde::de::DeserializeOwned;
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
/// the JSON is well-formed. None of them quotes the body, but for the names of fields that `T` does not have: these are
/// refused as well. (Of an object within the body, `#[serde(deny_unknown_fields)]` on its type does it.)
#[derive(Debug)]
pub struct Json<T>(pub T);

/// As [`Json`], for a resource that needs none: without a body, or with an empty one of whatever type, it is what `T` is by default.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

/// As [`Json`], for a resource that takes HTML forms' URL encoding as well.
#[derive(Debug)]
pub struct JsonOrForm<T>(pub T);

/// As [`Json`], for a resource that takes forms alone, as those of OAuth do: fields that `T` does not have are ignored
/// ([RFC 6749 §3.2](https://www.rfc-editor.org/rfc/rfc6749#section-3.2)).
#[derive(Debug)]
pub struct Form<T>(pub T);

type Extraction<T> = Pin<Box<dyn Future<Output = Result<T, ProblemResponse>>>>;

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = ProblemResponse;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extract(request, payload, &[JSON], from_form, Self)
    }
}

/// And an answer in JSON: 200.
impl<T: Serialize> Responder for Json<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().json(self.0)
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = ProblemResponse;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(&request, payload).await?;
            if bytes.is_empty() {
                return Ok(Self(T::default()));
            }
            let media_type = readable(&request, &[JSON])?;
            decoded(&request, &media_type, &bytes, from_form).map(Self)
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for JsonOrForm<T> {
    type Error = ProblemResponse;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extract(request, payload, &[JSON, FORM], from_form, Self)
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = ProblemResponse;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extract(request, payload, &[FORM], from_form_of_oauth, Self)
    }
}

fn extract<T: DeserializeOwned + 'static, Body: 'static>(
    request: &HttpRequest,
    payload: &mut Payload,
    media_types: &'static [&'static str],
    read_form: fn(&[u8]) -> Decoded<T>,
    wrap: fn(T) -> Body,
) -> Extraction<Body> {
    let (request, payload) = (request.clone(), payload.take());
    Box::pin(async move {
        let media_type = readable(&request, media_types)?;
        let bytes = read(&request, payload).await?;
        decoded(&request, &media_type, &bytes, read_form).map(wrap)
    })
}

/// The body's media type, if it is one of these, and not compressed.
fn readable(request: &HttpRequest, media_types: &[&str]) -> Result<String, ProblemResponse> {
    let media_type = media_type(request);
    if !media_types.contains(&media_type.as_str()) {
        return Err(unsupported(&media_types.join(" or ")));
    }
    refuse_encoded(request)?;
    Ok(media_type)
}

fn decoded<T: DeserializeOwned>(
    request: &HttpRequest,
    media_type: &str,
    bytes: &[u8],
    read_form: fn(&[u8]) -> Decoded<T>,
) -> Result<T, ProblemResponse> {
    let (body, names) = if media_type == JSON {
        from_json(bytes)
    } else {
        read_form(bytes)
    }?;
    request.extensions_mut().insert(SentNames(names));
    Ok(body)
}

/// The names of the fields that a request's body had.
struct SentNames(Vec<String>);

/// What a handler refuses of fields of the request's body, each by the name that it was sent by: some have two.
#[must_use]
pub fn named_as_sent(request: &HttpRequest, errors: &[FieldError]) -> Vec<FieldError> {
    let data = request.extensions();
    let names = data.get().map_or(&[][..], |SentNames(names)| names.as_slice());
    let renamed = errors.iter().map(|error| FieldError {
        pointer: match error.pointer.strip_prefix('/') {
            Some(field) => format!("/{}", as_sent(field, names)),
            None => error.pointer.clone(),
        },
        detail: error.detail.clone(),
    });
    renamed.collect()
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
    // Any bytes are a form.
    let malformed = media_types.contains(&JSON).then(malformed);
    let others = [
        late(),
        too_large(),
        unsupported(&media_types.join(" or ")),
        encoded(),
        unknown_name_problem(),
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
    let lines = request.headers().get_all(CONTENT_ENCODING);
    let mut codings = lines.flat_map(|line| header_list::elements(line.as_bytes()));
    if codings.all(|coding| coding.eq_ignore_ascii_case(IDENTITY.as_bytes())) {
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
        .map_err(|_| malformed())?;
    let Timeout(patience) = request.app_data().copied().unwrap_or_default();
    match timeout(patience, payload.to_bytes_limited(MAX_BODY_BYTES)).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(_))) => Err(malformed()),
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

/// The names of the fields that a body has, whatever it is for; none where it cannot be read.
pub(crate) async fn names(request: &HttpRequest, payload: Payload) -> Vec<String> {
    let media_type = media_type(request);
    if ![JSON, FORM].contains(&media_type.as_str()) || refuse_encoded(request).is_err() {
        return Vec::new();
    }
    let read = read(request, payload).await;
    read.map_or_else(|_| Vec::new(), |bytes| decode::names(&bytes, media_type == FORM))
}

#[cfg(test)]
mod tests;
