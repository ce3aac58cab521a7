//! Names that a request has and nobody knows: a slip, which is told and not ignored. One who asks with `scope` where it is
//! `scopes` would get more than was meant.

use crate::body;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, ResponseError, Route};
use jeton_api_types::{FieldError, ProblemResponse};
use jeton_domain::PlainToken;
use serde::de::value;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use std::rc::Rc;

/// How many unknown names an answer tells at the most, and how many characters of each.
const MOST: usize = 16;
const LONGEST: usize = 64;

/// What is said of a name that is not known.
pub(crate) const UNKNOWN: &str = "is not known here";
/// What is said of a name that comes more than once: which is meant, nobody knows.
pub(crate) const TWICE: &str = "is given more than once";

/// The names of a struct's fields, as serde reads them, the other spellings of them included; `None` for what is no struct,
/// or takes any names.
#[must_use]
pub fn field_names<'de, T: Deserialize<'de>>() -> Option<&'static [&'static str]> {
    let mut names = None;
    // Whoever asks for a struct says which fields it has, and is given none.
    let _ = T::deserialize(Names(&mut names));
    names
}

struct Names<'a>(&'a mut Option<&'static [&'static str]>);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, value::Error> {
        *self.0 = Some(fields);
        Err(value::Error::custom(""))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, value::Error> {
        Err(value::Error::custom(""))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// A route whose query may have these parameters, each once, and no others: what else is there is a 422 that names it. What
/// is wrapped around it later is asked before.
pub fn taking(parameters: &[&'static str], route: Route) -> Route {
    let known: Rc<[&'static str]> = parameters.into();
    route.wrap(from_fn(move |request, next| {
        refuse_unknown(known.clone(), request, next)
    }))
}

async fn refuse_unknown<B: MessageBody>(
    known: Rc<[&'static str]>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match check(request.query_string(), &known) {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(problem) => Ok(request
            .into_response(problem.error_response())
            .map_into_right_body()),
    }
}

/// A route that takes no body: fields that one has all the same are a 422 that names them, as those of whoever asks a logout to
/// be one everywhere. An empty one (`{}`), and what is neither JSON nor a form, is let through as ever.
pub fn without_body(route: Route) -> Route {
    route.wrap(from_fn(refuse_fields))
}

async fn refuse_fields<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    // That of a GET means nothing (RFC 9110 §9.3.1).
    if !request.method().is_safe() {
        let payload = request.parts_mut().1.take();
        let names = body::names(request.request(), payload).await;
        let errors = unknown_names(names.iter().map(String::as_str), &[]);
        if !errors.is_empty() {
            let refusal = ProblemResponse::validation(errors).error_response();
            return Ok(request.into_response(refusal).map_into_right_body());
        }
    }
    Ok(next.call(request).await?.map_into_left_body())
}

fn check(query: &str, known: &[&str]) -> Result<(), ProblemResponse> {
    if query.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = form_urlencoded::parse(query.as_bytes())
        .map(|(name, _)| name)
        .collect();
    let is_twice = |name: &&&str| names.iter().filter(|one| one == *name).count() > 1;
    let twice = known.iter().filter(is_twice).map(|name| FieldError {
        pointer: format!("/{name}"),
        detail: TWICE.to_owned(),
    });
    let errors: Vec<_> = twice
        .chain(unknown_names(names.iter().map(AsRef::as_ref), known))
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(ProblemResponse::validation(errors))
    }
}

/// Of these names, those that are not known: each once, in their order, and cut where they are long or many.
#[must_use]
pub fn unknown_names<'a>(names: impl Iterator<Item = &'a str>, known: &[&str]) -> Vec<FieldError> {
    let mut found: Vec<&str> = Vec::new();
    for name in names {
        if found.len() < MOST && !known.contains(&name) && !found.contains(&name) {
            found.push(name);
        }
    }
    found.into_iter().map(unknown_name).collect()
}

/// What was sent is quoted here, and nowhere else: without it, nobody finds the slip. A token in the wrong place is not.
fn unknown_name(name: &str) -> FieldError {
    let shown = match name.char_indices().nth(LONGEST) {
        _ if name.contains(PlainToken::PREFIX) => "…".to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    };
    FieldError {
        pointer: pointer_part(&shown),
        detail: UNKNOWN.to_owned(),
    }
}

/// A name as part of a JSON pointer (RFC 6901).
pub(crate) fn pointer_part(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// What a name that is not known is answered with, for the documentation.
#[must_use]
pub fn unknown_name_problem() -> ProblemResponse {
    ProblemResponse::validation(vec![unknown_name("nmae")])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Page;
    use jeton_api_types::LoginRequest;

    #[test]
    fn a_type_tells_its_fields() {
        assert_eq!(field_names::<Page>(), Some(["limit", "after"].as_slice()));
        let login = field_names::<LoginRequest>().unwrap();
        for name in ["username", "password", "name", "scopes", "scope", "expires_in"] {
            assert!(login.contains(&name), "{name}: {login:?}");
        }
        assert_eq!(login.len(), 6);
        assert_eq!(field_names::<Vec<String>>(), None);
    }

    fn refused(query: &str) -> Vec<(String, String)> {
        let problem = check(query, &["limit", "after"]).err();
        let errors = problem.map(|problem| problem.problem().errors.clone());
        let errors = errors.unwrap_or_default().into_iter();
        errors.map(|error| (error.pointer, error.detail)).collect()
    }

    #[test]
    fn parameters_that_are_not_known_are_named() {
        for fine in ["", "limit=1", "after=x&limit=", "&limit=1&", "lim%69t=1"] {
            assert_eq!(refused(fine), [], "{fine}");
        }
        let of = |pointer: &str, detail: &str| (pointer.to_owned(), detail.to_owned());
        for (query, names) in [
            ("email=x", vec![of("/email", UNKNOWN)]),
            ("Limit=1&limit=1", vec![of("/Limit", UNKNOWN)]),
            ("a=1&b&a=2", vec![of("/a", UNKNOWN), of("/b", UNKNOWN)]),
            ("=x", vec![of("/", UNKNOWN)]),
            ("a%2Fb~=", vec![of("/a~1b~0", UNKNOWN)]),
            ("limit=1&x&limit=2", vec![of("/limit", TWICE), of("/x", UNKNOWN)]),
            ("jtn_abc", vec![of("/…", UNKNOWN)]),
        ] {
            assert_eq!(refused(query), names, "{query}");
        }
        let long = format!("/{}…", "x".repeat(64));
        assert_eq!(refused(&"x".repeat(65)), [of(&long, UNKNOWN)]);
        let many: Vec<_> = (0..100).map(|number| format!("p{number}")).collect();
        assert_eq!(refused(&many.join("&")).len(), MOST);
    }
}
