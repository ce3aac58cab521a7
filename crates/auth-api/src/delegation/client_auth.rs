//! Who a client is: by HTTP Basic, or by what the body says, and not by both
//! ([RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)).

use super::oauth_error::{OAuthError, OAuthResult};
use super::parameters::OAuthParameters;
use crate::state::State;
use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jeton_domain::ClientId;
use jeton_domain::delegation::{Client, ClientSecret};
use jeton_persistence::delegation::clients;
use jeton_persistence::{PgConnection, Turn};
use zeroize::Zeroizing;

/// What a client says of itself.
struct Credentials {
    id: String,
    /// `None`: it has none, or keeps it for itself.
    secret: Option<Zeroizing<String>>,
}

/// The client that asks: one that has proved who it is, or a public one. None that is disabled. Who comes to revoke is looked for
/// in its turn, on a connection that is kept for revocations.
pub(super) async fn authenticate(
    state: &State,
    to_revoke: Option<Turn>,
    request: &HttpRequest,
    parameters: &OAuthParameters,
) -> OAuthResult<Client> {
    let credentials = credentials(request, parameters)?;
    let id: ClientId = credentials.id.parse().map_err(|_| OAuthError::INVALID_CLIENT)?;
    let find = move |connection: &mut PgConnection| clients::find_with_secret(connection, id);
    let known = match to_revoke {
        Some(turn) => state.database.run_reserved(turn, find).await?,
        None => state.database.run(find).await?,
    };
    let known = known.ok_or(OAuthError::INVALID_CLIENT)?;
    let presented = match &credentials.secret {
        Some(text) => Some(
            ClientSecret::parse(text)
                .map_err(|_| OAuthError::INVALID_CLIENT)?
                .digest(),
        ),
        None => None,
    };
    // A digest tells nothing about what it is of, however long the comparison takes.
    if presented != known.secret || known.client.disabled_at.is_some() {
        return Err(OAuthError::INVALID_CLIENT);
    }
    Ok(known.client)
}

fn credentials(request: &HttpRequest, parameters: &OAuthParameters) -> OAuthResult<Credentials> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let (header, second) = (headers.next(), headers.next());
    let (id, secret) = (parameters.find("client_id")?, parameters.find("client_secret")?);
    if second.is_some() || (header.is_some() && secret.is_some()) {
        return Err(OAuthError::invalid_request(
            "A client says who it is in one way, and once.",
        ));
    }
    let Some(header) = header else {
        return Ok(Credentials {
            id: id.ok_or(OAuthError::INVALID_CLIENT)?.to_owned(),
            secret: secret.map(|text| Zeroizing::new(text.to_owned())),
        });
    };
    let basic = basic(header.as_bytes()).ok_or(OAuthError::INVALID_CLIENT)?;
    if id.is_some_and(|id| id != basic.id) {
        return Err(OAuthError::invalid_request("The body names another client."));
    }
    Ok(basic)
}

/// Both are encoded as in a form.
fn basic(header: &[u8]) -> Option<Credentials> {
    let (scheme, rest) = header.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let pair = Zeroizing::new(BASE64_STANDARD.decode(rest.trim_ascii()).ok()?);
    let pair = std::str::from_utf8(&pair).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let secret = Zeroizing::new(decoded(secret)?);
    Some(Credentials {
        id: decoded(id)?,
        secret: (!secret.is_empty()).then_some(secret),
    })
}

fn decoded(text: &str) -> Option<String> {
    let spaced = Zeroizing::new(text.replace('+', " "));
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// Whether the request says anything of a client.
pub(super) fn names_a_client(request: &HttpRequest, parameters: &OAuthParameters) -> bool {
    request.headers().contains_key(AUTHORIZATION) || parameters.has("client_id")
}
