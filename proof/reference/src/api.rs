//! The auth API, from the OpenAPI document that the service makes of its endpoints.

use serde_json::Value;

const HEAD: &str = "# The auth API

JSON in and out. Every error is `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) with a
`type` that stays. *Token* means any valid one, *login* one that comes from signing in or up, and a scope a token of either
kind that has it. *Client* is an app that says who it is: by its secret, or where it has none by its `client_id` alone. What is
optional has a `?`.

Beyond what its row names, a request may be answered 400, 401, 403, 404, 408, 413, 415 or 422 for what is wrong with it, and
503 with `Retry-After` while the service or its database cannot do it.

This page is generated from the service, which describes itself in full: `GET /openapi.json` is an OpenAPI 3.1 document for
generators and tools, and `GET /docs` a page to read it and to try it.
";

/// The problems of any request that is wrong in the same way, or that comes at a bad moment.
const GENERAL: [&str; 13] = [
    "bad-request",
    "malformed-body",
    "malformed-query",
    "missing-token",
    "invalid-token",
    "insufficient-scope",
    "login-token-required",
    "request-timeout",
    "body-too-large",
    "unsupported-media-type",
    "validation",
    "internal",
    "unavailable",
];

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// `docs/API.md`
pub(crate) fn page() -> String {
    // Were it no JSON, the page would have no tables, and its test would say so.
    let document: Value = serde_json::from_str(jeton_auth_api::openapi()).unwrap_or_default();
    let mut page = HEAD.to_owned();
    for tag in array(&document["tags"]) {
        page += &format!("\n## {}\n", text(&tag["name"]));
        if let Some(description) = tag["description"].as_str() {
            page += &format!("\n{description}\n");
        }
        page += "\n| request | what it does | needs | takes | answers |\n|---|---|---|---|---|\n";
        let operations = operations(&document).filter(|one| one.described["tags"][0] == tag["name"]);
        page.extend(operations.map(|operation| operation.row()));
    }
    page
}

struct Operation<'a> {
    document: &'a Value,
    method: &'static str,
    path: &'a str,
    described: &'a Value,
}

fn operations(document: &Value) -> impl Iterator<Item = Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(move |(path, methods)| {
        METHODS.into_iter().filter_map(move |method| {
            Some(Operation {
                document,
                method,
                path,
                described: methods.get(method)?,
            })
        })
    })
}

impl Operation<'_> {
    fn row(&self) -> String {
        let method = self.method.to_uppercase();
        let summary = text(&self.described["summary"]);
        let what = match self.described["description"].as_str() {
            Some(description) => format!("**{summary}** {description}"),
            None => format!("**{summary}**"),
        };
        let row = [
            format!("`{method} {}`", self.path),
            what,
            self.needs(),
            self.takes(),
            self.answers(),
        ];
        format!("| {} |\n", row.map(|cell| cell.replace('|', "\\|")).join(" | "))
    }

    fn needs(&self) -> String {
        let needed = array(&self.described["security"]).filter_map(|one| {
            Some(match (one["token"].get(0), one.get("token"), one.get("client")) {
                (Some(scope), ..) => format!("`{}`", text(scope)),
                (_, Some(_), _) if self.problems("403").any(|slug| slug == "login-token-required") => {
                    "login".to_owned()
                }
                (_, Some(_), _) => "token".to_owned(),
                (.., Some(_)) => "client".to_owned(),
                _ => return None,
            })
        });
        needed.collect::<Vec<_>>().join(" or ")
    }

    /// The query's parameters, or the body's fields.
    fn takes(&self) -> String {
        let parameters = array(&self.described["parameters"]);
        let names: Vec<_> = parameters.map(|one| format!("{}=", text(&one["name"]))).collect();
        if !names.is_empty() {
            return format!("`?{}`", names.join("&"));
        }
        let content = &self.described["requestBody"]["content"];
        let media_types: Vec<_> = content
            .as_object()
            .into_iter()
            .flat_map(|media_types| media_types.keys())
            .map(|media_type| {
                if media_type.ends_with("json") {
                    "JSON"
                } else {
                    "form"
                }
            })
            .collect();
        let first = content.as_object().and_then(|content| content.values().next());
        let Some(body) = first else {
            return String::new();
        };
        let schema = resolve(self.document, &body["schema"]);
        let required = |name: &str| array(&schema["required"]).any(|one| one == name);
        let fields = schema["properties"].as_object().into_iter().flatten();
        let fields: Vec<_> = fields
            .map(|(name, _)| format!("`{name}{}`", if required(name) { "" } else { "?" }))
            .collect();
        format!("{}: {}", media_types.join(" or "), fields.join(", "))
    }

    fn answers(&self) -> String {
        let responses = self.described["responses"].as_object().into_iter().flatten();
        let answers = responses.filter_map(|(status, response)| {
            if status.starts_with('2') {
                let what = text(&response["description"]);
                return Some(format!("{status}: {}", what.trim_end_matches('.')));
            }
            let is_general =
                |slug: &str| GENERAL.contains(&slug) || slug == "not-found" && self.path.contains('{');
            let slugs: Vec<_> = self
                .problems(status)
                .filter(|slug| !is_general(slug))
                .map(|slug| format!("`{slug}`"))
                .collect();
            (!slugs.is_empty()).then(|| format!("{status} {}", slugs.join(", ")))
        });
        answers.collect::<Vec<_>>().join("; ")
    }

    /// What can be wrong where this is the status.
    fn problems(&self, status: &str) -> impl Iterator<Item = &str> {
        let response = resolve(self.document, &self.described["responses"][status]);
        let schema = &response["content"]["application/problem+json"]["schema"];
        let types = array(&schema["properties"]["type"]["enum"]);
        types.map(|urn| text(urn).rsplit(':').next().unwrap_or_default())
    }
}

fn resolve<'a>(document: &'a Value, node: &'a Value) -> &'a Value {
    let reference = node["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
    reference
        .and_then(|pointer| document.pointer(pointer))
        .unwrap_or(node)
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
