use super::issuer::issuer;
use crate::state::State;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use jeton_domain::delegation::GrantType;
use jeton_persistence::delegation::scopes;
use serde_json::json;

/// What clients find everything else by ([RFC 8414](https://www.rfc-editor.org/rfc/rfc8414)).
pub(super) async fn show(
    state: Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, crate::error::ApiError> {
    let known = state.database.run(scopes::list).await?;
    let names: Vec<_> = known.iter().map(|scope| scope.name.as_str()).collect();
    let issuer = issuer(state.delegation.issuer.as_ref(), &request);
    let at = |path: &str| format!("{issuer}{path}");
    let secrets = ["client_secret_basic", "client_secret_post"];
    let all = ["client_secret_basic", "client_secret_post", "none"];
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": state.pages.elsewhere("authorize").unwrap_or_else(|| at("/authorize")),
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
        "scopes_supported": names,
    });
    let mut answer = HttpResponse::Ok();
    // Without an issuer that is set, it depends on who asks.
    Ok(answer.insert_header((CACHE_CONTROL, "no-store")).json(document))
}
