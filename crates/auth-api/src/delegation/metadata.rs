use super::issuer::issuer;
use crate::endpoint::{Access, Endpoint, Tag};
use crate::state::State;
use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use jeton_domain::delegation::GrantType;
use jeton_persistence::delegation::scopes;
use serde_json::{Map, Value, json};

pub(super) fn endpoint() -> Endpoint {
    let uri = || json!({ "type": "string", "format": "uri" });
    let names = || json!({ "type": "array", "items": { "type": "string" } });
    let endpoints = [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
        "device_authorization_endpoint",
    ];
    let lists = [
        "response_types_supported",
        "response_modes_supported",
        "grant_types_supported",
        "code_challenge_methods_supported",
        "token_endpoint_auth_methods_supported",
        "revocation_endpoint_auth_methods_supported",
        "introspection_endpoint_auth_methods_supported",
        "scopes_supported",
    ];
    let iss = "authorization_response_iss_parameter_supported";
    let mut properties: Map<_, _> = endpoints.iter().map(|name| ((*name).to_owned(), uri())).collect();
    properties.extend(lists.iter().map(|name| ((*name).to_owned(), names())));
    properties.insert(iss.to_owned(), json!({ "type": "boolean" }));
    let required: Vec<_> = properties.keys().cloned().collect();
    let example = document("https://auth.example.org", None, &["notes:read"]);
    let path = "/.well-known/oauth-authorization-server";
    Endpoint::new(Method::GET, path, Access::Public, show)
        .named(Tag::Delegation, "showMetadata", "What clients find everything else by")
        .about("[RFC 8414](https://www.rfc-editor.org/rfc/rfc8414).")
        .ignores_unknown_parameters()
        .answers("The metadata.")
        .json(
            200,
            json!({ "type": "object", "required": required, "properties": properties, "examples": [example] }),
        )
}

/// What clients find everything else by ([RFC 8414](https://www.rfc-editor.org/rfc/rfc8414)).
pub(super) async fn show(
    state: Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, crate::error::ApiError> {
    let known = state.database.run(scopes::list).await?;
    let names: Vec<_> = known.iter().map(|scope| scope.name.as_str()).collect();
    let issuer = issuer(state.delegation.issuer.as_ref(), &request);
    let document = document(&issuer, state.pages.elsewhere("authorize"), &names);
    let mut answer = HttpResponse::Ok();
    // Without an issuer that is set, it depends on who asks.
    Ok(answer.insert_header((CACHE_CONTROL, "no-store")).json(document))
}

fn document(issuer: &str, page: Option<String>, scopes: &[&str]) -> Value {
    let at = |path: &str| format!("{issuer}{path}");
    let secrets = ["client_secret_basic", "client_secret_post"];
    let all = ["client_secret_basic", "client_secret_post", "none"];
    json!({
        "issuer": issuer,
        "authorization_endpoint": page.unwrap_or_else(|| at("/authorize")),
        "token_endpoint": at("/v1/token"),
        "revocation_endpoint": at("/v1/revoke"),
        "introspection_endpoint": at("/v1/introspect"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "device_authorization_endpoint": at("/v1/device_authorization"),
        "grant_types_supported": GrantType::ALL.map(GrantType::wire_name),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "token_endpoint_auth_methods_supported": all,
        "revocation_endpoint_auth_methods_supported": all,
        "introspection_endpoint_auth_methods_supported": secrets,
        "scopes_supported": scopes,
    })
}
