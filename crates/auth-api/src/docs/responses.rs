use crate::delegation::OAuthError;
use jeton_api_types::{PROBLEM_JSON, ProblemKind, ProblemResponse};
use serde_json::{Map, Value, json};

/// The header that every answer has.
pub(super) const REQUEST_ID: &str = "X-Request-Id";

/// Refers to one of `components/headers`.
pub(crate) fn shared_header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// A header that an answer always has, as the document describes it.
pub(crate) fn header(description: &str, schema: Value, example: impl Into<Value>) -> Value {
    json!({ "description": description, "required": true, "schema": schema, "example": example.into() })
}

/// The headers of several answers. Those of problems are called as they are on the wire.
pub(super) fn headers() -> Value {
    let text = |text: &str| json!({ "const": text });
    json!({
        REQUEST_ID: header(
            "What the log names the request by: what was sent as `X-Request-Id`, if that is plain, or else a new one.",
            json!({ "type": "string", "minLength": 1, "maxLength": 64 }),
            json!("01a20a08-7410-7d5e-9d7a-0f4a8b1c2d3e")
        ),
        "WWW-Authenticate": header(
            "How to authenticate, and what was wrong ([RFC 6750 §3](https://www.rfc-editor.org/rfc/rfc6750#section-3)): \
                nothing more without a token, `error=\"invalid_token\"`, or `error=\"insufficient_scope\"` with the \
                `scope` that is missing. `Basic` where a client has not proved who it is.",
            json!({
                "type": "string",
                "pattern": r#"^(Basic realm="jeton"|Bearer realm="jeton"(, error="(invalid_token|insufficient_scope)"(, scope="[^"]+")?)?)$"#
            }),
            json!(r#"Bearer realm="jeton", error="invalid_token""#)
        ),
        "Retry-After": header(
            "When to try again, in seconds.",
            json!({ "type": "integer", "minimum": 1 }),
            json!(1)
        ),
        "Allow": header("The methods that the resource knows.", json!({ "type": "string" }), json!("GET, HEAD, POST")),
        "Accept-Encoding": header(
            "`identity`, where the body was sent with a `Content-Encoding`.",
            text("identity"),
            json!("identity")
        ),
        "Token": header(
            "The token, as in the body.",
            json!({ "$ref": "#/components/schemas/TokenText" }),
            json!("jtn_Fxkb5z4PTwPRu4jJpDdsXGzlU0uyL3fR32DfSw")
        ),
        "NoStore": header("No cache may keep it.", text("no-store"), json!("no-store")),
        "NoReferrer": header("Links do not tell where they were followed.", text("no-referrer"), json!("no-referrer")),
        "NoCache": header("Another version of the service has another.", text("no-cache"), json!("no-cache")),
    })
}

/// The document's answers that say what is wrong, those that several endpoints have by reference.
#[derive(Default)]
pub(super) struct Problems {
    pub(super) shared: Map<String, Value>,
}

impl Problems {
    /// By status, those that follow from an endpoint's access and request, and its own.
    pub(super) fn of(
        &mut self,
        general: Vec<ProblemResponse>,
        own: &[ProblemResponse],
    ) -> Vec<(String, Value)> {
        let status = |problem: &ProblemResponse| problem.problem().status;
        let mut statuses: Vec<u16> = general.iter().chain(own).map(status).collect();
        statuses.sort_unstable();
        statuses.dedup();
        let respond = |&wanted: &u16| {
            let of = |problem: &&ProblemResponse| status(problem) == wanted;
            let mut all: Vec<&ProblemResponse> = Vec::new();
            for problem in general.iter().chain(own).filter(of) {
                if all.iter().all(|other| other.problem() != problem.problem()) {
                    all.push(problem);
                }
            }
            let response = response(&all);
            let is_general = own.iter().all(|problem| status(problem) != wanted);
            (
                wanted.to_string(),
                if is_general {
                    self.share(&all, response)
                } else {
                    response
                },
            )
        };
        statuses.iter().map(respond).collect()
    }

    /// By the names of the problems; another that has the same name stays where it is.
    fn share(&mut self, problems: &[&ProblemResponse], response: Value) -> Value {
        let names: Vec<_> = kinds(problems).iter().map(|kind| format!("{kind:?}")).collect();
        let name = names.join("Or");
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        match self.shared.get(&name) {
            Some(other) if *other != response => response,
            Some(_) => reference,
            None => {
                self.shared.insert(name, response);
                reference
            }
        }
    }

    pub(super) fn add(&mut self, problem: &ProblemResponse) {
        let response = response(&[problem]);
        self.share(&[problem], response);
    }
}

/// Each once, in their order.
fn kinds(problems: &[&ProblemResponse]) -> Vec<ProblemKind> {
    let mut kinds: Vec<_> = problems.iter().filter_map(|one| one.problem().kind()).collect();
    kinds.sort_by_key(|kind| ProblemKind::ALL.iter().position(|one| one == kind));
    kinds.dedup();
    kinds
}

fn response(problems: &[&ProblemResponse]) -> Value {
    let descriptions: Vec<_> = kinds(problems).iter().map(|kind| kind.description()).collect();
    let types: Vec<_> = kinds(problems)
        .iter()
        .map(|kind| format!("urn:jeton:problem:{}", kind.slug()))
        .collect();
    let mut examples = Map::new();
    for problem in problems.iter().map(|one| one.problem()) {
        let slug = problem
            .kind()
            .map_or_else(String::new, |kind| kind.slug().to_owned());
        let key = if examples.contains_key(&slug) {
            format!("{slug}, too")
        } else {
            slug
        };
        examples.insert(key, json!({ "value": problem }));
    }
    json!({
        "description": descriptions.join(" "),
        "headers": headers_of(problems),
        "content": {
            PROBLEM_JSON: {
                "schema": {
                    "$ref": "#/components/schemas/Problem",
                    "properties": {
                        "type": { "enum": types },
                        "status": { "const": problems.first().map(|one| one.problem().status) }
                    }
                },
                "examples": examples
            }
        }
    })
}

/// Adds what clients are told, to answers that may be problems otherwise.
pub(super) fn add_oauth_errors(
    responses: &mut Map<String, Value>,
    shared: &Map<String, Value>,
    errors: &[OAuthError],
) {
    let mut statuses: Vec<_> = errors.iter().map(OAuthError::status).collect();
    statuses.sort_unstable();
    statuses.dedup();
    for status in statuses {
        let of: Vec<_> = errors.iter().filter(|error| error.status() == status).collect();
        let described = oauth_response(status, &of);
        let merged = match responses.get(&status.to_string()) {
            None => described,
            Some(problem) => beside(resolved(shared, problem), described),
        };
        responses.insert(status.to_string(), merged);
    }
}

fn resolved(shared: &Map<String, Value>, response: &Value) -> Value {
    let name = response["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    name.and_then(|name| shared.get(name)).unwrap_or(response).clone()
}

/// One of the two is answered: what only one of them has need not be there.
fn beside(mut problem: Value, oauth: Value) -> Value {
    problem["content"]["application/json"] = oauth["content"]["application/json"].clone();
    let described = headers();
    for (name, header) in oauth["headers"].as_object().into_iter().flatten() {
        if problem["headers"][name].is_null() {
            let key = header["$ref"].as_str().and_then(|path| path.rsplit('/').next());
            let mut optional = described[key.unwrap_or_default()].clone();
            optional["required"] = false.into();
            problem["headers"][name] = optional;
        }
    }
    problem
}

fn oauth_response(status: u16, errors: &[&OAuthError]) -> Value {
    let mut headers = Map::from_iter([
        (REQUEST_ID.to_owned(), shared_header(REQUEST_ID)),
        ("Cache-Control".to_owned(), shared_header("NoStore")),
    ]);
    match status {
        401 => headers.insert("WWW-Authenticate".to_owned(), shared_header("WWW-Authenticate")),
        429 | 503 => headers.insert("Retry-After".to_owned(), shared_header("Retry-After")),
        _ => None,
    };
    let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
    let examples: Map<_, _> = errors
        .iter()
        .map(|error| (error.code().to_owned(), json!({ "value": error.body() })))
        .collect();
    json!({
        "description": "What the client is told ([RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)).",
        "headers": headers,
        "content": { "application/json": {
            "schema": {
                "type": "object",
                "required": ["error", "error_description"],
                "properties": {
                    "error": { "enum": codes },
                    "error_description": { "type": "string", "description": "For a developer to read." }
                }
            },
            "examples": examples
        } }
    })
}

/// Those that all the problems have are always there.
fn headers_of(problems: &[&ProblemResponse]) -> Map<String, Value> {
    let described = headers();
    let mut headers = Map::from_iter([(REQUEST_ID.to_owned(), shared_header(REQUEST_ID))]);
    for (name, header) in described.as_object().into_iter().flatten() {
        let sent = |problem: &&ProblemResponse| {
            let mut headers = problem.headers().iter();
            let (_, value) = headers.find(|(one, _)| one.as_str().eq_ignore_ascii_case(name))?;
            Some(value.to_str().unwrap_or_default().to_owned())
        };
        let values: Vec<_> = problems.iter().filter_map(sent).collect();
        let Some(value) = values.first() else { continue };
        let mut described = shared_header(name);
        if values.len() < problems.len() {
            described = header.clone();
            described["required"] = false.into();
            described["example"] = value.as_str().into();
        }
        headers.insert(name.clone(), described);
    }
    headers
}
