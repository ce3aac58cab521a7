//! The document as tests read it, and what they have seen of it.

use jeton_proof_support::{RawRequest, RawResponse};
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What every answer may have, whatever is described.
const GENERAL_HEADERS: [&str; 5] = [
    "connection",
    "content-length",
    "content-type",
    "date",
    "transfer-encoding",
];

/// In place of a problem's slug: an error of OAuth's.
pub(crate) const OAUTH: &str = "oauth";

pub(crate) struct Document(pub(crate) Value);

/// A method, a path as the document writes it, a status, and a problem's slug or nothing.
pub(crate) type Outcome = (String, String, u16, String);

pub(crate) struct Operation<'a> {
    pub(crate) method: String,
    pub(crate) path: &'a str,
    pub(crate) described: &'a Value,
}

impl Document {
    pub(crate) fn read() -> Self {
        Self(serde_json::from_str(jeton_auth_api::openapi()).unwrap())
    }

    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let mut operations = Vec::new();
        for (path, methods) in self.0["paths"].as_object().unwrap() {
            for (method, described) in methods.as_object().unwrap() {
                if method != "parameters" {
                    let method = method.to_uppercase();
                    operations.push(Operation {
                        method,
                        path,
                        described,
                    });
                }
            }
        }
        operations
    }

    pub(crate) fn resolve<'a>(&'a self, node: &'a Value) -> &'a Value {
        match node.get("$ref").and_then(Value::as_str) {
            Some(reference) => self
                .0
                .pointer(&reference[1..])
                .unwrap_or_else(|| panic!("no {reference}")),
            None => node,
        }
    }

    /// What validates one schema of the document. Strictly: of the project's own answers nothing may be undescribed,
    /// which a client must not rely on, and therefore the document does not say.
    pub(crate) fn validator(&self, schema: &Value, strict: bool) -> Validator {
        let mut whole =
            json!({ "allOf": [schema], "components": { "schemas": self.0["components"]["schemas"] } });
        if strict {
            forbid_the_rest(&mut whole);
        }
        jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&whole)
            .unwrap()
    }

    /// Everything that the document says may happen.
    pub(crate) fn outcomes(&self) -> BTreeSet<Outcome> {
        let mut outcomes = BTreeSet::new();
        for Operation {
            method,
            path,
            described,
        } in self.operations()
        {
            for (status, response) in described["responses"].as_object().unwrap() {
                for slug in self.slugs(response) {
                    outcomes.insert((method.clone(), path.to_owned(), status.parse().unwrap(), slug));
                }
            }
        }
        outcomes
    }

    /// The problems that a response can be; one empty text for what is no problem.
    fn slugs(&self, response: &Value) -> Vec<String> {
        let content = &self.resolve(response)["content"];
        let types = content.pointer("/application~1problem+json/schema/properties/type/enum");
        let slug = |urn: &Value| urn.as_str().unwrap().replace("urn:jeton:problem:", "");
        let mut slugs: Vec<String> = types
            .and_then(Value::as_array)
            .map_or_else(Vec::new, |types| types.iter().map(slug).collect());
        if content
            .pointer("/application~1json/schema/properties/error")
            .is_some()
        {
            slugs.push(OAUTH.to_owned());
        }
        if slugs.is_empty() {
            slugs.push(String::new());
        }
        slugs
    }

    /// Holds an answer against what is described of the operation, and says what it was.
    pub(crate) fn check(&self, method: &str, path: &str, answer: &RawResponse) -> Outcome {
        let what = format!("{method} {path}: {answer:?}");
        let described = &self.0["paths"][path][method.to_lowercase()]["responses"][answer.status.to_string()];
        assert!(described.is_object(), "not described: {what}");
        let slug = self.check_response(described, answer, &what);
        (method.to_owned(), path.to_owned(), answer.status, slug)
    }

    pub(crate) fn check_response(&self, described: &Value, answer: &RawResponse, what: &str) -> String {
        let response = self.resolve(described);
        self.check_headers(&response["headers"], answer, what);
        let Some(content) = response["content"].as_object() else {
            assert!(answer.body.is_empty(), "a body: {what}");
            return String::new();
        };
        let sent = answer
            .header("Content-Type")
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap();
        let media = content.get(sent).unwrap_or_else(|| panic!("media type: {what}"));
        let value = if sent.ends_with("json") {
            serde_json::from_slice(&answer.body).unwrap()
        } else {
            Value::from(answer.text())
        };
        let errors: Vec<_> = self
            .validator(&media["schema"], true)
            .iter_errors(&value)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:?}: {what}");
        let is_problem = sent == "application/problem+json";
        let type_ = value["type"].as_str().filter(|_| is_problem);
        if answer.status >= 400 && !is_problem && value["error"].is_string() {
            return OAUTH.to_owned();
        }
        type_.unwrap_or_default().replace("urn:jeton:problem:", "")
    }

    fn check_headers(&self, headers: &Value, answer: &RawResponse, what: &str) {
        let nothing = Map::new();
        let headers = headers.as_object().unwrap_or(&nothing);
        for (name, header) in headers {
            let header = self.resolve(header);
            let Some(text) = answer.header(name) else {
                assert!(header["required"] != true, "no {name}: {what}");
                continue;
            };
            let number = text
                .parse::<u64>()
                .ok()
                .filter(|_| header["schema"]["type"] == "integer");
            let value = number.map_or_else(|| Value::from(text), Value::from);
            assert!(
                self.validator(&header["schema"], true).is_valid(&value),
                "{name}: {what}"
            );
        }
        for (name, _) in &answer.headers {
            let known = headers.keys().any(|key| key.eq_ignore_ascii_case(name))
                || GENERAL_HEADERS.contains(&name.to_lowercase().as_str());
            assert!(known, "{name} is not described: {what}");
        }
    }
}

/// No property but those that are described, in every object of a schema.
fn forbid_the_rest(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            // Beside a reference stand but some of the properties.
            if map
                .get("properties")
                .is_some_and(|properties| !properties.is_string())
                && !map.contains_key("$ref")
            {
                map.insert("additionalProperties".to_owned(), false.into());
            }
            // And in a condition.
            let whole = |name: &str| !["if", "then", "else"].contains(&name);
            map.iter_mut()
                .filter(|(name, _)| whole(name))
                .for_each(|(_, schema)| forbid_the_rest(schema));
        }
        Value::Array(items) => items.iter_mut().for_each(forbid_the_rest),
        _ => {}
    }
}

impl Operation<'_> {
    /// The request as the document's example has it, but for the ids in its path.
    pub(crate) fn example(&self, ids: &[&str]) -> RawRequest {
        let mut ids = ids.iter();
        let parts = self.path.split('/');
        let part = |part: &str| {
            if part.starts_with('{') {
                (*ids.next().unwrap()).to_owned()
            } else {
                part.to_owned()
            }
        };
        let target = parts.map(part).collect::<Vec<_>>().join("/");
        RawRequest::new(&self.method, &target)
    }

    pub(crate) fn body(&self) -> Option<(&str, &Value)> {
        let content = self.described["requestBody"]["content"].as_object()?;
        content
            .iter()
            .next()
            .map(|(media, body)| (media.as_str(), &body["example"]))
    }

    pub(crate) fn is_guarded(&self) -> bool {
        self.described["security"] != json!([])
    }

    /// Whether the status is described, and the problem with it.
    pub(crate) fn tells(&self, document: &Document, status: &str, slug: &str) -> bool {
        let response = &self.described["responses"][status];
        response.is_object() && document.slugs(response).iter().any(|one| one == slug)
    }
}
