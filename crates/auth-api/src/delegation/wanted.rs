//! What an app asks for, and what is wrong with it: that, the app is told.

use super::parameters::{OAuthParameters, Unclear};
use jeton_domain::ScopeSet;
use jeton_domain::delegation::{Client, CodeChallenge, DelegableScope, GrantType, Resource};
use serde_json::{Value, json};

/// The longest `state` that goes along.
const LONGEST_STATE: usize = 4_096;

/// What is wrong with a request, for the client to know.
pub(super) struct ForClient {
    pub(super) error: &'static str,
    pub(super) description: &'static str,
}

fn for_client<T>(error: &'static str, description: &'static str) -> Result<T, ForClient> {
    Err(ForClient { error, description })
}

/// What is asked for.
pub(super) struct Wanted {
    pub(super) scopes: ScopeSet,
    /// Whether the request says them: otherwise they are all that the client may ask for.
    said: bool,
    pub(super) resource: Option<Resource>,
}

/// A parameter of a request that the client is told of.
fn text<'a>(parameters: &'a OAuthParameters, name: &str) -> Result<Option<&'a str>, ForClient> {
    parameters.get(name).map_err(|unclear| ForClient {
        error: "invalid_request",
        description: unclear.description(),
    })
}

/// What there is to a request by the page alone.
pub(super) fn code_challenge(
    client: &Client,
    parameters: &OAuthParameters,
) -> Result<CodeChallenge, ForClient> {
    let text = |name| text(parameters, name);
    if !client.may_use(GrantType::AuthorizationCode) {
        return for_client("unauthorized_client", "The client is not registered for this");
    }
    match text("response_type")? {
        Some("code") => {}
        Some(_) => return for_client("unsupported_response_type", "response_type is code"),
        None => return for_client("invalid_request", "response_type is missing"),
    }
    if text("response_mode")?.is_some_and(|mode| mode != "query") {
        return for_client("invalid_request", "response_mode is query");
    }
    if text("request")?.is_some() || text("request_uri")?.is_some() {
        return for_client("invalid_request", "Requests are not taken as objects");
    }
    if text("state")?.is_some_and(|state| state.len() > LONGEST_STATE || state.contains('\0')) {
        return for_client("invalid_request", "state is too long, or no text");
    }
    if text("code_challenge_method")? != Some("S256") {
        return for_client("invalid_request", "code_challenge_method is S256");
    }
    let Some(Ok(code_challenge)) = text("code_challenge")?.map(CodeChallenge::parse) else {
        return for_client(
            "invalid_request",
            "code_challenge is missing, or no SHA-256 in base64url",
        );
    };
    Ok(code_challenge)
}

impl Wanted {
    pub(super) fn read(client: &Client, parameters: &OAuthParameters) -> Result<Self, ForClient> {
        let text = |name| text(parameters, name);
        let Ok(said) = text("scope")?.map(ScopeSet::parse).transpose() else {
            return for_client("invalid_scope", "scope is no list of scopes");
        };
        let no_resource = "resource is no absolute URI without fragment";
        let resource = match parameters.get("resource") {
            Ok(resource) => resource.map(Resource::parse).transpose(),
            Err(Unclear::Twice) => return for_client("invalid_target", "One resource at a time"),
            Err(Unclear::NoText) => return for_client("invalid_target", no_resource),
        };
        let Ok(resource) = resource else {
            return for_client("invalid_target", no_resource);
        };
        let (said, scopes) = match said {
            Some(scopes) if !scopes.is_empty() => (true, scopes),
            _ => (false, client.scopes.delegable()),
        };
        if !scopes.is_subset(&client.scopes.delegable()) {
            return for_client("invalid_scope", "The client may not ask for one of the scopes");
        }
        Ok(Self {
            scopes,
            said,
            resource,
        })
    }

    /// Of the scopes, those that the catalogue has words for and that belong to the resource; all of them, where they are said.
    pub(super) fn delegable(&self, known: &[DelegableScope]) -> Result<(ScopeSet, Vec<Value>), ForClient> {
        let fits = |scope: &&DelegableScope| match (&scope.resource, &self.resource) {
            (Some(its), Some(wanted)) => its == wanted,
            _ => true,
        };
        let fitting: Vec<_> = known.iter().filter(fits).collect();
        if self.said && known.len() < self.scopes.iter().count() {
            return for_client("invalid_scope", "One of the scopes is not delegated here");
        }
        if fitting.is_empty() || (self.said && fitting.len() < known.len()) {
            return match fitting.len() < known.len() {
                true => for_client("invalid_target", "A scope belongs to another resource"),
                false => for_client("invalid_scope", "Nothing of it is delegated here"),
            };
        }
        let names = fitting.iter().map(|scope| scope.name.as_str());
        let scopes = ScopeSet::from_texts(names).unwrap_or_default();
        Ok((scopes, fitting.into_iter().map(shown).collect()))
    }
}

pub(super) fn shown(scope: &DelegableScope) -> Value {
    json!({
        "name": scope.name.as_str(),
        "title": scope.title,
        "description": scope.description,
    })
}

/// Scopes in words, as [`shown`] makes them.
pub(super) fn scopes_schema() -> Value {
    let text = || json!({ "type": "string" });
    json!({ "type": "array", "items": {
        "type": "object",
        "required": ["name", "title", "description"],
        "properties": { "name": text(), "title": text(), "description": text() }
    } })
}

/// A scope in the catalogue's words, or by its name where it has none any more.
pub(super) fn described(name: &str, known: &[DelegableScope]) -> Value {
    let found = known.iter().find(|scope| scope.name.as_str() == name);
    found.map_or_else(
        || json!({ "name": name, "title": name, "description": "" }),
        shown,
    )
}
