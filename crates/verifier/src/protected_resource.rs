use jeton_domain::{InvalidResource, InvalidScope, Resource, Scope};
use std::sync::Arc;

/// Where a resource without a path has its metadata ([RFC 9728 §3]).
///
/// [RFC 9728 §3]: https://www.rfc-editor.org/rfc/rfc9728#section-3
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What a service is to apps that ask for tokens: its identifier, and its metadata ([RFC 9728]), which tells them where to
/// ask and for what.
///
/// A guard that [protects it](crate::Verifier::protecting) accepts the tokens that were issued for it alone ([RFC 8707]), and
/// names the metadata when it refuses a request, so that an app needs to know nothing but the service's address. The metadata
/// is to be served without a token, to `GET`, at [`metadata_path`](Self::metadata_path): on actix-web, this is a service of that path
/// (`App::service`); on axum, a service for it (`Router::route_service`).
///
/// Cheap to clone.
///
/// [RFC 9728]: https://www.rfc-editor.org/rfc/rfc9728
/// [RFC 8707]: https://www.rfc-editor.org/rfc/rfc8707
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedResource(Arc<Described>);

#[derive(Debug, PartialEq, Eq)]
struct Described {
    identifier: Arc<Resource>,
    path: String,
    url: String,
    metadata: String,
}

/// Why there is no such protected resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProtectedResource {
    /// It takes a URL that apps can insert the metadata's path into, with characters that no router takes for anything else.
    #[error(
        "the identifier of a resource must be an https URL without user, query and fragment, and with a path of \
        letters, digits, `-`, `.`, `_`, `~` and `/`; http is for development"
    )]
    Identifier,
    /// It takes an absolute URL.
    #[error("the issuer must be an https URL without query and fragment; http is for development")]
    Issuer,
    /// A scope is none.
    #[error(transparent)]
    Scope(#[from] InvalidScope),
}

impl From<InvalidResource> for InvalidProtectedResource {
    fn from(_: InvalidResource) -> Self {
        Self::Identifier
    }
}

impl ProtectedResource {
    /// The resource with this identifier, as `https://notes.example`; the issuer of its tokens, which is the auth API's
    /// `JETON_ISSUER`; and all scopes that anything there requires.
    ///
    /// Identifiers are compared byte by byte: an app has to ask for tokens for this very text.
    ///
    /// # Errors
    /// [`InvalidProtectedResource`]
    pub fn new(identifier: &str, issuer: &str, scopes: &[&str]) -> Result<Self, InvalidProtectedResource> {
        let resource = Resource::parse(identifier)?;
        let (origin, path) = parts(identifier).ok_or(InvalidProtectedResource::Identifier)?;
        if parts(issuer).is_none() || Resource::parse(issuer).is_err() {
            return Err(InvalidProtectedResource::Issuer);
        }
        let scopes = scopes.iter().map(|scope| Scope::parse(scope));
        let scopes: Vec<String> = scopes
            .map(|scope| Ok(format!("\"{}\"", scope?)))
            .collect::<Result<_, InvalidScope>>()?;
        // RFC 9728 §3.1: a slash that ends the host is not one of the path.
        let path = format!("{WELL_KNOWN}{}", if path == "/" { "" } else { path });
        // None of these can have a character that would need quoting, here or in a challenge.
        let metadata = format!(
            r#"{{"resource":"{identifier}","authorization_servers":["{issuer}"],"scopes_supported":[{}],"bearer_methods_supported":["header"]}}"#,
            scopes.join(",")
        );
        Ok(Self(Arc::new(Described {
            identifier: Arc::new(resource),
            url: format!("{origin}{path}"),
            path,
            metadata,
        })))
    }

    /// Its identifier.
    #[must_use]
    pub fn identifier(&self) -> &Resource {
        &self.0.identifier
    }

    pub(crate) fn shared_identifier(&self) -> Arc<Resource> {
        self.0.identifier.clone()
    }

    /// Where the metadata is to be served: the path of [`metadata_url`](Self::metadata_url).
    #[must_use]
    pub fn metadata_path(&self) -> &str {
        &self.0.path
    }

    /// Where apps look for the metadata: for `https://example.org/notes`, it is
    /// `https://example.org/.well-known/oauth-protected-resource/notes` ([RFC 9728 §3.1]).
    ///
    /// [RFC 9728 §3.1]: https://www.rfc-editor.org/rfc/rfc9728#section-3.1
    #[must_use]
    pub fn metadata_url(&self) -> &str {
        &self.0.url
    }

    /// The metadata: JSON ([RFC 9728 §2]).
    ///
    /// [RFC 9728 §2]: https://www.rfc-editor.org/rfc/rfc9728#section-2
    #[must_use]
    pub fn metadata(&self) -> &str {
        &self.0.metadata
    }

    /// What a request for the metadata is answered.
    #[cfg(any(feature = "actix", feature = "axum"))]
    pub(crate) fn answer(&self, method: &str) -> Answer<'_> {
        match method {
            "GET" | "HEAD" => Answer {
                status: 200,
                headers: &[("content-type", "application/json")],
                body: &self.0.metadata,
            },
            _ => Answer {
                status: 405,
                headers: &[
                    ("content-type", "application/problem+json"),
                    ("allow", "GET, HEAD"),
                ],
                body: r#"{"type":"urn:jeton:problem:method-not-allowed","title":"Method not allowed","status":405,"detail":"The request's method is not for this resource."}"#,
            },
        }
    }
}

/// What a request is answered, for each front end to pass on.
#[cfg(any(feature = "actix", feature = "axum"))]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) body: &'a str,
}

/// The origin and the path of a URL that has nothing else.
fn parts(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let in_host = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
    let in_path = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    let is_right = matches!(scheme, "https" | "http")
        && !host.is_empty()
        && host.bytes().all(in_host)
        && path.bytes().all(in_path);
    is_right.then(|| (url.split_at(url.len() - path.len()).0, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://auth.example";

    fn resource(identifier: &str) -> Result<ProtectedResource, InvalidProtectedResource> {
        ProtectedResource::new(identifier, ISSUER, &["notes:read", "notes:write"])
    }

    #[test]
    fn the_path_of_the_metadata_is_inserted_after_the_host() {
        for (identifier, path) in [
            ("https://notes.example", ""),
            ("https://notes.example/", ""),
            ("https://notes.example:8443/notes", "/notes"),
            ("https://example.org/a/b~c/", "/a/b~c/"),
            ("http://127.0.0.1:8081/mcp", "/mcp"),
            ("http://[::1]:8081", ""),
        ] {
            let resource = resource(identifier).unwrap();
            let path = format!("/.well-known/oauth-protected-resource{path}");
            assert_eq!(resource.metadata_path(), path);
            let origin: Vec<&str> = identifier.splitn(4, '/').take(3).collect();
            assert_eq!(resource.metadata_url(), format!("{}{path}", origin.join("/")));
            assert_eq!(resource.identifier().as_str(), identifier);
        }
    }

    #[test]
    fn the_metadata_say_where_apps_get_tokens_and_for_what() {
        let resource = resource("https://notes.example/").unwrap();
        let metadata: serde_json::Value = serde_json::from_str(resource.metadata()).unwrap();
        let right = serde_json::json!({
            "resource": "https://notes.example/",
            "authorization_servers": [ISSUER],
            "scopes_supported": ["notes:read", "notes:write"],
            "bearer_methods_supported": ["header"],
        });
        assert_eq!(metadata, right);
    }

    #[test]
    fn what_no_app_could_ask_for_is_no_protected_resource() {
        for bad in [
            "",
            "notes",
            "urn:example:notes",
            "https:notes.example",
            "https://",
            "https:///notes",
            "ftp://notes.example",
            "https://notes.example?x",
            "https://notes.example/?x",
            "https://notes.example/#x",
            "https://ada@notes.example",
            "https://notes.example/{id}",
            "https://notes.example/:id",
            "https://notes.example/*",
            "https://notes.example/%41",
            "https://notes.example/\"",
            "https://notes.example\\",
            "https://nötes.example",
        ] {
            assert_eq!(resource(bad), Err(InvalidProtectedResource::Identifier), "{bad}");
            let issued_by = ProtectedResource::new("https://notes.example", bad, &[]);
            assert_eq!(issued_by, Err(InvalidProtectedResource::Issuer), "{bad}");
        }
        let scope = ProtectedResource::new("https://notes.example", ISSUER, &["two words"]);
        assert!(matches!(scope, Err(InvalidProtectedResource::Scope(_))));
    }

    #[cfg(any(feature = "actix", feature = "axum"))]
    #[test]
    fn a_wrong_method_is_answered_with_the_bytes_of_the_auth_api() {
        use jeton_api_types::{ProblemKind, ProblemResponse};

        let resource = resource("https://notes.example").unwrap();
        let answer = resource.answer("POST");
        let detail = "The request's method is not for this resource.";
        let problem = ProblemResponse::new(ProblemKind::MethodNotAllowed, detail);
        assert_eq!(answer.status, problem.problem().status);
        assert_eq!(answer.body, serde_json::to_string(problem.problem()).unwrap());
    }
}
