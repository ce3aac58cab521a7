//! From the bytes of a body to its type, and what is wrong with which field.

use crate::parameters::{TWICE, field_names, pointer_part, unknown_names};
use jeton_api_types::{FieldError, OTHER_NAMES, ProblemKind, ProblemResponse};
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_path_to_error::Segment;
use std::fmt;

/// The byte order mark, in UTF-8, which some programs begin texts with.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

pub(super) fn malformed() -> ProblemResponse {
    ProblemResponse::new(ProblemKind::MalformedBody, "The body cannot be read.")
}

/// What was read of a body, and the names of the fields that it had.
pub(super) type Decoded<T> = Result<(T, Vec<String>), ProblemResponse>;

pub(super) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Decoded<T> {
    // RFC 8259 §8.1 lets one ignore it.
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    // Serde would read an array as well, taking the fields in their order in the source.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        if serde_json::from_slice::<IgnoredAny>(bytes).is_err() {
            return Err(malformed());
        }
        let detail = "is not an object".to_owned();
        return Err(ProblemResponse::validation(vec![FieldError {
            pointer: String::new(),
            detail,
        }]));
    }
    // First of all, whether it is JSON to its end: a field may be found wrong before.
    let Keys(names) = serde_json::from_slice(bytes).map_err(|_| malformed())?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let unknown = unknown_fields::<T>(&names);
    from(&mut json, names, unknown, serde_json::Error::is_data)
}

fn unknown_fields<T: DeserializeOwned>(names: &[String]) -> Vec<FieldError> {
    let known = field_names::<T>();
    known.map_or_else(Vec::new, |known| {
        unknown_names(names.iter().map(String::as_str), known)
    })
}

/// The names of an object's fields.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// The names of the fields of an object in JSON, or of a form; none where it cannot be read.
pub(super) fn names(bytes: &[u8], is_form: bool) -> Vec<String> {
    if is_form {
        let pairs = form_urlencoded::parse(bytes);
        return pairs.map(|(name, _)| name.into_owned()).collect();
    }
    let json = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    serde_json::from_slice(json).map_or_else(|_| Vec::new(), |Keys(keys)| keys)
}

pub(super) fn from_form<T: DeserializeOwned>(bytes: &[u8]) -> Decoded<T> {
    let names = names(bytes, true);
    let unknown = unknown_fields::<T>(&names);
    read_form(bytes, names, unknown)
}

pub(super) fn from_form_of_oauth<T: DeserializeOwned>(bytes: &[u8]) -> Decoded<T> {
    read_form(bytes, names(bytes, true), Vec::new())
}

fn read_form<T: DeserializeOwned>(bytes: &[u8], names: Vec<String>, unknown: Vec<FieldError>) -> Decoded<T> {
    let form = serde_urlencoded::Deserializer::new(form_urlencoded::parse(bytes));
    // Any bytes are a form: what can be wrong is its fields.
    from(form, names, unknown, |_| true)
}

/// Reads a body that has fields of these names, some of them unknown: what is wrong is told of all of them at once.
fn from<'de, T, D>(
    deserializer: D,
    names: Vec<String>,
    unknown: Vec<FieldError>,
    is_about_a_field: impl Fn(&D::Error) -> bool,
) -> Decoded<T>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    let refused = match serde_path_to_error::deserialize(deserializer) {
        Ok(read) if unknown.is_empty() => return Ok((read, names)),
        Ok(_) => None,
        Err(error) if is_about_a_field(error.inner()) => Some(field_error(&error, &names)),
        Err(_) => return Err(malformed()),
    };
    Err(ProblemResponse::validation(
        refused.into_iter().chain(unknown).collect(),
    ))
}

/// What is wrong with which field. Serde's own words may quote what was sent, so only the field's name is taken from
/// them, which comes from the type.
fn field_error<E: std::fmt::Display>(error: &serde_path_to_error::Error<E>, names: &[String]) -> FieldError {
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
            pointer: format!("{parent}/{}", as_sent(&field, names)),
            detail: TWICE.to_owned(),
        };
    }
    FieldError {
        pointer: parent,
        detail: "is not of the right type".to_owned(),
    }
}

/// The name that a field was sent by, of a body that has these names.
pub(super) fn as_sent<'a>(field: &'a str, names: &[String]) -> &'a str {
    let is_sent = |name: &str| names.iter().any(|sent| sent == name);
    match OTHER_NAMES.into_iter().find(|(name, _)| *name == field) {
        Some((_, other)) if !is_sent(field) && is_sent(other) => other,
        _ => field,
    }
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Map { key } => pointer.push_str(&pointer_part(key)),
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}
