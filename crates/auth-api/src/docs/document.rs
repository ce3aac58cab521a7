use super::responses::{Problems, REQUEST_ID, add_oauth_errors, header, headers, shared_header};
use super::schemas::Schemas;
use crate::endpoint::{Access, Content, Endpoint, Resource, Tag};
use jeton_api_types::{Problem, ProblemResponse};
use jeton_http_kit::{method_not_allowed_problem, not_found_problem};
use serde_json::{Map, Value, json};

const TAGS: [(Tag, &str, Option<&str>); 8] = [
    (Tag::SigningIn, "Signing in", None),
    (Tag::Account, "Account", None),
    (Tag::Tokens, "Tokens", None),
    (
        Tag::Delegation,
        "Delegation",
        Some(
            "For apps that act for users, by their consent, as OAuth 2.1 has it; and for the page that asks them.",
        ),
    ),
    (
        Tag::ServicesAndGateways,
        "Services and gateways",
        Some("For those who check tokens by asking, in whatever language."),
    ),
    (
        Tag::Administration,
        "Administration",
        Some("With a token that has the scope `admin`, of either kind."),
    ),
    (
        Tag::Pages,
        "Pages",
        Some("For people: static, without cookies, and clients of this API like any other."),
    ),
    (Tag::Operation, "Operation", None),
];

/// The OpenAPI document of what is served.
pub(super) fn document(resources: &[Resource]) -> Value {
    let mut parts = Parts {
        schemas: Schemas::new(),
        problems: Problems::default(),
    };
    parts.schemas.answer::<Problem>();
    parts.problems.add(&not_found_problem());
    parts.problems.add(&method_not_allowed_problem("GET, HEAD, POST"));
    let paths: Map<String, Value> = resources
        .iter()
        .map(|resource| (resource.path.to_owned(), parts.path(resource)))
        .collect();
    let tags = TAGS.map(|(_, name, description)| match description {
        Some(description) => json!({ "name": name, "description": description }),
        None => json!({ "name": name }),
    });
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Jeton auth API",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Token authentication for teams that run several services on one Postgres.",
            "description": include_str!("description.md").trim_ascii_end(),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" }
        },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`Authorization: Bearer <token>`; Django's `Token <token>` is accepted as well. The \
                        names in a requirement are the scopes that the token needs."
                },
                "client": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "A client's id and secret, each encoded as in a form first (RFC 6749 §2.3.1); or both in \
                        the form, as `client_id` and `client_secret`. A public client says its `client_id` there alone."
                }
            },
            "parameters": {
                "RequestId": {
                    "name": REQUEST_ID,
                    "in": "header",
                    "description": "What the log, and the answer, are to name the request by: 1 to 64 letters, digits \
                        and `-_.:/+=@`. Anything else is taken for none.",
                    "schema": { "type": "string" },
                    "example": "checkout-4711"
                }
            },
            "headers": headers(),
            "responses": parts.problems.shared,
            "schemas": parts.schemas.finish(),
        }
    })
}

/// What the operations share.
struct Parts {
    schemas: Schemas,
    problems: Problems,
}

impl Parts {
    fn path(&mut self, resource: &Resource) -> Value {
        let mut path = Map::new();
        path.insert("parameters".to_owned(), path_parameters(resource.path));
        for endpoint in &resource.endpoints {
            let method = endpoint.method.as_str().to_lowercase();
            path.insert(method, self.operation(endpoint));
        }
        path.into()
    }

    fn operation(&mut self, endpoint: &Endpoint) -> Value {
        let mut operation = Map::new();
        let mut set = |key: &str, value: Value| operation.insert(key.to_owned(), value);
        let tag = TAGS.iter().find(|(tag, ..)| *tag == endpoint.tag);
        set("tags", json!([tag.map(|(_, name, _)| name)]));
        set("operationId", endpoint.id.into());
        set("summary", endpoint.summary.into());
        if !endpoint.description.is_empty() {
            set("description", endpoint.description.into());
        }
        set(
            "security",
            match endpoint.access {
                Access::Public if !endpoint.oauth_errors.is_empty() => json!([{ "client": [] }, {}]),
                Access::Public => json!([]),
                _ if !endpoint.oauth_errors.is_empty() => json!([{ "token": [] }, { "client": [] }]),
                Access::AnyToken | Access::LoginToken => json!([{ "token": [] }]),
                Access::Scope(scope) => json!([{ "token": [scope] }]),
            },
        );
        let queries = endpoint.request.queries.iter();
        let parameters: Vec<_> = queries.flat_map(|query| query(&mut self.schemas)).collect();
        if !parameters.is_empty() {
            set("parameters", parameters.into());
        }
        if let Some(body) = self.request_body(endpoint) {
            set("requestBody", body);
        }
        set("responses", self.responses(endpoint));
        operation.into()
    }

    fn request_body(&mut self, endpoint: &Endpoint) -> Option<Value> {
        let mut content = Map::new();
        let mut example = Value::Null;
        for (media_type, add) in &endpoint.request.bodies {
            let schema = add(&mut self.schemas);
            if example.is_null() {
                example = self.schemas.example(&schema);
            }
            content.insert(
                (*media_type).to_owned(),
                json!({ "schema": schema, "example": example }),
            );
        }
        (!content.is_empty())
            .then(|| json!({ "required": !endpoint.request.needs_no_body, "content": content }))
    }

    fn responses(&mut self, endpoint: &Endpoint) -> Value {
        let mut responses = Map::new();
        responses.insert(endpoint.answer.status.to_string(), self.success(endpoint));
        if let Some(when) = endpoint.answer.redirects {
            responses.insert("302".to_owned(), redirect(when));
        }
        let of_clients_alone = endpoint.access == Access::Public && !endpoint.oauth_errors.is_empty();
        if !of_clients_alone {
            let mut general = endpoint.access.problems();
            general.extend(endpoint.request.problems.iter().cloned());
            general.push(ProblemResponse::internal());
            responses.extend(self.problems.of(general, &endpoint.problems));
        }
        add_oauth_errors(&mut responses, &self.problems.shared, &endpoint.oauth_errors);
        responses.into()
    }

    fn success(&mut self, endpoint: &Endpoint) -> Value {
        let answer = &endpoint.answer;
        let mut headers = Map::from_iter([(REQUEST_ID.to_owned(), shared_header(REQUEST_ID))]);
        let own = answer.headers.iter();
        headers.extend(own.map(|(name, header)| ((*name).to_owned(), header.clone())));
        let mut response = json!({ "description": answer.description, "headers": headers });
        let (media_type, schema) = match &answer.content {
            Some(Content::Json(add)) => ("application/json", add(&mut self.schemas)),
            Some(Content::Plain(media_type, schema)) => (*media_type, schema.clone()),
            None => return response,
        };
        let example = answer
            .example
            .clone()
            .unwrap_or_else(|| self.schemas.example(&schema));
        response["content"] = match &answer.other_example {
            Some((name, other, value)) => json!({ media_type: {
                "schema": schema,
                "examples": { *name: { "value": example }, *other: { "value": value } }
            } }),
            None => json!({ media_type: { "schema": schema, "example": example } }),
        };
        response
    }
}

fn redirect(when: &str) -> Value {
    let location = header(
        "Where.",
        json!({ "type": "string", "format": "uri" }),
        "https://login.example.org/device",
    );
    json!({
        "description": when,
        "headers": {
            REQUEST_ID: shared_header(REQUEST_ID),
            "Location": location,
            "Cache-Control": shared_header("NoStore"),
            "Referrer-Policy": shared_header("NoReferrer")
        }
    })
}

/// The ids in a path, each named by what comes before it, and what every request may have.
fn path_parameters(path: &str) -> Value {
    let parts: Vec<_> = path.split('/').collect();
    let id = |pair: &[&str]| {
        let name = pair.get(1)?.strip_prefix('{')?.strip_suffix('}')?;
        let whose = pair.first()?.trim_end_matches('s');
        if whose == "authorization" {
            return Some(json!({
                "name": name,
                "in": "path",
                "required": true,
                "description": "What the request was named when it was put.",
                "schema": { "type": "string", "pattern": "^[!-.0-~]+$" },
                "example": "jta_4f9mXcV1qR7tB2yN8kLw3sZpD6hJ0aGe1uQ5vT"
            }));
        }
        let example = match whose {
            "user" => "01a20a08-721c-71bf-b9fb-b59edca64a79",
            "client" => "01a20a08-7e44-7b10-9c3d-6a1f0e5d2b77",
            _ => "01a20a08-738f-751b-8481-9455bd50dae2",
        };
        Some(json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": format!("The {whose}'s id."),
            "schema": { "type": "string", "format": "uuid" },
            "example": example
        }))
    };
    let ids = parts.windows(2).filter_map(id);
    ids.chain([json!({ "$ref": "#/components/parameters/RequestId" })])
        .collect()
}
