use crate::docs::{Schemas, shared_header};
use crate::endpoint::{Access, Endpoint, Parameters, Request, Tag, Takes};
use crate::error::{ApiError, ApiResult};
use crate::state::State;
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderName, HeaderValue};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use jeton_domain::ScopeSet;
use jeton_http_kit::unknown_names;
use jeton_verifier::{Caller, Resource};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};
use std::future::{Ready, ready};

const X_AUTH_USER_ID: HeaderName = HeaderName::from_static("x-auth-user-id");
const X_AUTH_USERNAME: HeaderName = HeaderName::from_static("x-auth-username");
const X_AUTH_SCOPES: HeaderName = HeaderName::from_static("x-auth-scopes");
const X_AUTH_TOKEN_ID: HeaderName = HeaderName::from_static("x-auth-token-id");

const SCOPE: &str = "scope";
const RESOURCE: &str = "resource";

/// What of ASCII is encoded in a name: what nobody is given and a row may have all the same. A percent sign as well, so that
/// decoding is right for every name, and white space, which would be lost at the ends.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// What a query that cannot be read is answered with. A gateway must not let anybody through because of a slip of the pen.
const QUERY: &str = "Say the scopes that are required as ?scope=notes:read&scope=notes:write, and the resource that asks, once, as \
    &resource=https://notes.example.";

/// By any method, as Envoy asks by that of the request it asks about.
pub(crate) fn endpoint() -> Endpoint {
    let header = |description: &str, schema: Value, example: &str| json!({ "description": description, "required": true, "schema": schema, "example": example });
    let id = |description, example| {
        header(
            description,
            json!({ "type": "string", "format": "uuid" }),
            example,
        )
    };
    let text = |description, example| header(description, json!({ "type": "string" }), example);
    Endpoint::new(Method::GET, "/v1/verify", Access::AnyToken, verify)
        .by_any_method()
        .checks_token_itself()
        .named(
            Tag::ServicesAndGateways,
            "verify",
            "Verify a request's token",
        )
        .about(
            "For gateways, which ask this before they pass a request on: whether its token is valid and has these \
            scopes, and whose it is, in headers. A token that has a resource as its audience is valid where `resource` says this \
            one, and nowhere else. Any other method is answered alike, as gateways may ask by that of the \
            request.",
        )
        .answers("The token is valid and has the scopes.")
        .header("Cache-Control", shared_header("NoStore"))
        .header(
            "X-Auth-User-Id",
            id("The user's id.", "01a20a08-721c-71bf-b9fb-b59edca64a79"),
        )
        .header(
            "X-Auth-Username",
            text(
                "What the user is called, with percent-encoding for what is not ASCII.",
                "ada",
            ),
        )
        .header(
            "X-Auth-Scopes",
            text(
                "What the token may do: scopes with spaces between them.",
                "notes:read notes:write",
            ),
        )
        .header(
            "X-Auth-Token-Id",
            id("The token's id.", "01a20a08-721c-71bf-b9fb-b59fd8b911bd"),
        )
        .problems([ApiError::InsufficientScope("notes:read".to_owned())])
}

async fn verify(state: Data<State>, request: HttpRequest, required: Required) -> ApiResult<HttpResponse> {
    let headers = request.headers().get_all(AUTHORIZATION);
    let scopes: Vec<&str> = required.scopes.iter().collect();
    let verifier = match &required.resource {
        Some(resource) => &state.verifier.for_resource(resource),
        None => &state.verifier,
    };
    let decision = verifier.authorize(headers.map(HeaderValue::as_bytes), &scopes);
    Ok(match decision.outcome().await {
        Ok(caller) => described(&caller),
        Err(refusal) => refusal.error_response(),
    })
}

fn described(caller: &Caller) -> HttpResponse {
    let username = utf8_percent_encode(caller.username(), ENCODED).to_string();
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((X_AUTH_USER_ID, caller.user_id().to_string()))
        .insert_header((X_AUTH_USERNAME, username))
        .insert_header((X_AUTH_SCOPES, caller.scopes().to_string()))
        .insert_header((X_AUTH_TOKEN_ID, caller.token_id().to_string()))
        .finish()
}

/// What the query asks for.
#[derive(Debug)]
struct Required {
    scopes: ScopeSet,
    /// Which resource the gateway stands before.
    resource: Option<Resource>,
}

impl FromRequest for Required {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(required(request.query_string()))
    }
}

impl Takes for Required {
    fn describe(request: &mut Request) {
        let parameter = |_: &mut Schemas| {
            let scope = json!({
                "name": SCOPE,
                "in": "query",
                "description": "A scope that is required; may come again, or hold several with spaces between them.",
                "schema": { "type": "array", "items": { "$ref": "#/components/schemas/Scope" } },
                "example": ["notes:read"]
            });
            let resource = json!({
                "name": RESOURCE,
                "in": "query",
                "description": "The resource that asks (RFC 8707): accepts the tokens as well that are for it alone.",
                "schema": { "type": "string", "format": "uri", "maxLength": 1024 },
                "example": "https://notes.example"
            });
            vec![scope, resource]
        };
        request.queries.push(parameter);
        request.parameters = Parameters::Read;
        request.problems.push(ApiError::MalformedQuery(QUERY).problem());
    }
}

/// What a query asks for; refused is anything that could be meant to ask for something, and does not. What
/// follows `uri=` is not looked at: Envoy appends the path and query of the request, which are its sender's to choose.
fn required(query: &str) -> ApiResult<Required> {
    let (mut texts, mut resources, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    let mut empty = false;
    let ours = query.split('&').take_while(|part| !part.starts_with("uri="));
    for (name, value) in ours.flat_map(|part| form_urlencoded::parse(part.as_bytes())) {
        if name == RESOURCE {
            resources.push(Resource::parse(&value));
            continue;
        }
        if name != SCOPE {
            unknown.push(name);
            continue;
        }
        let before = texts.len();
        let words = value.split(' ').filter(|text| !text.is_empty());
        texts.extend(words.map(str::to_owned));
        empty |= texts.len() == before;
    }
    if !unknown.is_empty() {
        return Err(ApiError::Validation(unknown_names(
            unknown.iter().map(AsRef::as_ref),
            &[SCOPE, RESOURCE],
        )));
    }
    let scopes = ScopeSet::from_texts(texts).ok().filter(|_| !empty);
    let resource = match resources.len() {
        0 | 1 => resources.pop().transpose().ok(),
        _ => None,
    };
    let required = scopes.zip(resource);
    let required = required.map(|(scopes, resource)| Required { scopes, resource });
    required.ok_or(ApiError::MalformedQuery(QUERY))
}

#[cfg(test)]
mod tests {
    use super::{Resource, required};
    use crate::error::ApiError;

    fn read(query: &str) -> Option<String> {
        required(query).ok().map(|required| required.scopes.to_string())
    }

    #[test]
    fn scopes_one_by_one_or_together() {
        for (query, scopes) in [
            ("", ""),
            ("scope=a", "a"),
            ("scope=a&scope=b", "a b"),
            ("scope=a+b&scope=c%20d", "a b c d"),
            ("scope=notes%3Aread", "notes:read"),
            ("&scope=a&", "a"),
        ] {
            assert_eq!(read(query).as_deref(), Some(scopes), "{query}");
        }
    }

    #[test]
    fn a_query_that_asks_for_nothing_by_mistake_is_refused() {
        for query in [
            "scopes=a",
            "scope",
            "scope=",
            "scope=+",
            "Scope=a",
            "a",
            "=a",
            "scope=a&scope=",
            "scope=a&x=y",
            "scope=%22",
            "resource=",
            "resource=notes",
            "resource=https://notes.example&resource=https://notes.example",
            "Resource=https://notes.example",
            "uri",
        ] {
            assert_eq!(read(query), None, "{query}");
        }
    }

    #[test]
    fn one_resource_is_said_byte_by_byte() {
        for (query, resource) in [
            ("scope=a", None),
            (
                "resource=https://notes.example/&scope=a",
                Some("https://notes.example/"),
            ),
            (
                "resource=https%3A%2F%2Fnotes.example",
                Some("https://notes.example"),
            ),
            ("uri=/&resource=https://notes.example", None),
        ] {
            let read = required(query).unwrap().resource;
            assert_eq!(read.as_ref().map(Resource::as_str), resource, "{query}");
        }
    }

    #[test]
    fn parameters_that_are_not_known_are_named() {
        let Err(ApiError::Validation(errors)) = required("scope=a&scopes=b&x&scopes=c&uri=/?y=z") else {
            panic!("not refused");
        };
        let names: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(names, ["/scopes", "/x"]);
    }

    #[test]
    fn a_query_after_uri_is_the_clients() {
        for query in ["scope=a&uri=/notes?scope=b&scopes=c", "scope=a&uri="] {
            assert_eq!(read(query).as_deref(), Some("a"), "{query}");
        }
        assert_eq!(read("uri=/&scope=b").as_deref(), Some(""));
    }
}
