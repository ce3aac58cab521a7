//! crates.io's `oauth2`, over ureq.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AccessToken, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    DeviceAuthorizationUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, IntrospectionUrl,
    PkceCodeChallenge, RedirectUrl, RefreshToken, Scope, StandardDeviceAuthorizationResponse,
    TokenIntrospectionResponse, TokenResponse, TokenUrl,
};
use serde_json::Value;
use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use url::Url;

type Client = BasicClient<EndpointMaybeSet, EndpointMaybeSet, EndpointMaybeSet, EndpointNotSet, EndpointSet>;
type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let outcome = match env::args().nth(1).as_deref() {
        Some("code") => code(),
        Some("client_credentials") => client_credentials(),
        Some("device") => device(),
        // Whoever asks for the version asks whether it is there.
        Some("--version") => Ok(()),
        _ => Err("no such flow".into()),
    };
    if let Err(error) = &outcome {
        println!("refused {error}");
    }
    outcome
}

fn did(what: &str) {
    println!("did {what}");
}

fn setting(name: &str) -> Outcome<String> {
    env::var(name).map_err(|error| format!("{name}: {error}").into())
}

fn check(holds: bool, what: &str) -> Outcome<()> {
    if holds { Ok(()) } else { Err(what.into()) }
}

/// A redirect of the token endpoint's would take the secret elsewhere.
fn agent() -> ureq::Agent {
    ureq::AgentBuilder::new().redirects(0).build()
}

fn scope() -> Outcome<Scope> {
    Ok(Scope::new(setting("SCOPE")?))
}

/// RFC 8414 §3, for an issuer without a path; the crate does not do it.
fn discover() -> Outcome<(Client, Value)> {
    let issuer = setting("ISSUER")?;
    let answer = agent()
        .get(&format!("{issuer}/.well-known/oauth-authorization-server"))
        .call()?;
    let metadata: Value = serde_json::from_reader(answer.into_reader())?;
    check(metadata["issuer"] == issuer.as_str(), "another issuer's metadata")?;
    let at = |name: &str| {
        metadata[name]
            .as_str()
            .map(str::to_owned)
            .ok_or(format!("no {name}"))
    };
    let mut client = BasicClient::new(ClientId::new(setting("CLIENT_ID")?))
        .set_token_uri(TokenUrl::new(at("token_endpoint")?)?)
        .set_auth_uri_option(Some(AuthUrl::new(at("authorization_endpoint")?)?))
        .set_device_authorization_url_option(
            at("device_authorization_endpoint")
                .ok()
                .map(DeviceAuthorizationUrl::new)
                .transpose()?,
        )
        .set_introspection_url_option(Some(IntrospectionUrl::new(at("introspection_endpoint")?)?));
    if let Ok(secret) = env::var("CLIENT_SECRET") {
        client = client.set_client_secret(ClientSecret::new(secret));
    }
    if setting("CLIENT_AUTH")? == "post" {
        client = client.set_auth_type(AuthType::RequestBody);
    }
    did("discovery");
    Ok((client, metadata))
}

fn status(token: &AccessToken) -> Outcome<u16> {
    let request = agent()
        .get(&setting("SERVICE")?)
        .set("Authorization", &format!("Bearer {}", token.secret()));
    match request.call() {
        Ok(answer) | Err(ureq::Error::Status(_, answer)) => Ok(answer.status()),
        Err(error) => Err(error.into()),
    }
}

fn live(client: &Client, metadata: &Value, tokens: &BasicTokenResponse) -> Outcome<()> {
    check(
        status(tokens.access_token())? == 200,
        "the service refuses the token",
    )?;
    did("call");
    let refresh_token = tokens.refresh_token().ok_or("no refresh token")?;
    let refreshed: BasicTokenResponse = client.exchange_refresh_token(refresh_token).request(&agent())?;
    let last: &RefreshToken = refreshed.refresh_token().unwrap_or(refresh_token);
    let public = setting("CLIENT_AUTH")? == "none";
    check(!public || last.secret() != refresh_token.secret(), "no rotation")?;
    check(
        status(refreshed.access_token())? == 200,
        "the service refuses the refreshed token",
    )?;
    did("refresh");
    if !public {
        let known = client.introspect(refreshed.access_token())?.request(&agent())?;
        check(
            known.active() && known.client_id().map(|id| id.as_str()) == Some(&setting("CLIENT_ID")?),
            "inactive",
        )?;
        did("introspection");
    }
    revoke(client, metadata, last)?;
    check(
        status(refreshed.access_token())? == 401,
        "the service accepts a revoked token",
    )?;
    did("revocation");
    Ok(())
}

/// By hand: the crate revokes over HTTPS only, and the auth API of the test has none.
fn revoke(client: &Client, metadata: &Value, token: &RefreshToken) -> Outcome<()> {
    let id = client.client_id().as_str();
    let secret = env::var("CLIENT_SECRET").unwrap_or_default();
    let mut request = agent().post(
        metadata["revocation_endpoint"]
            .as_str()
            .ok_or("no revocation_endpoint")?,
    );
    let mut form = vec![
        ("token", token.secret().as_str()),
        ("token_type_hint", "refresh_token"),
    ];
    match setting("CLIENT_AUTH")?.as_str() {
        "basic" => {
            request = request.set(
                "Authorization",
                &format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))),
            )
        }
        "post" => form.extend([("client_id", id), ("client_secret", &secret)]),
        _ => form.push(("client_id", id)),
    }
    request.send_form(&form)?;
    Ok(())
}

fn code() -> Outcome<()> {
    let (client, metadata) = discover()?;
    // RFC 8252 §7.3: the loopback interface, at a port that is free.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let redirect_uri = format!("http://{}/callback", listener.local_addr()?);
    let client = client.set_redirect_uri(RedirectUrl::new(redirect_uri.clone())?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state) = client
        .authorize_url(CsrfToken::new_random)?
        .add_scope(scope()?)
        .set_pkce_challenge(challenge)
        .url();
    println!("open {url}");

    let callback = Url::parse(&redirect_uri)?.join(&called_back(&listener)?)?;
    let parameter = |name: &str| {
        callback
            .query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    check(
        parameter("state").as_ref() == Some(state.secret()),
        "another state",
    )?;
    // RFC 9207 §2.4, which the crate leaves to the application.
    check(
        metadata["authorization_response_iss_parameter_supported"] == true,
        "no iss is promised",
    )?;
    check(
        parameter("iss").as_deref() == metadata["issuer"].as_str(),
        "another issuer",
    )?;
    if let Some(error) = parameter("error") {
        return Err(error.into());
    }
    let code = AuthorizationCode::new(parameter("code").ok_or("no code")?);
    let tokens: BasicTokenResponse = client
        .exchange_code(code)
        .set_pkce_verifier(verifier)
        .request(&agent())?;
    did("code");
    live(&client, &metadata, &tokens)
}

/// Path and query that the user's browser was sent back to.
fn called_back(listener: &TcpListener) -> Outcome<String> {
    let (mut stream, _) = listener.accept()?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().ok_or("no request")??;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    stream.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Length: 27\r\nConnection: close\r\n\r\nYou can close this window.\n",
    )?;
    Ok(first.split(' ').nth(1).ok_or("no target")?.to_owned())
}

fn client_credentials() -> Outcome<()> {
    let (client, _) = discover()?;
    let tokens: BasicTokenResponse = client
        .exchange_client_credentials()
        .add_scope(scope()?)
        .request(&agent())?;
    check(
        tokens.refresh_token().is_none(),
        "a refresh token (RFC 6749 §4.4.3)",
    )?;
    check(
        status(tokens.access_token())? == 200,
        "the service refuses the token",
    )?;
    did("call");
    Ok(())
}

fn device() -> Outcome<()> {
    let (client, metadata) = discover()?;
    let device: StandardDeviceAuthorizationResponse = client
        .exchange_device_code()?
        .add_scope(scope()?)
        .request(&agent())?;
    println!(
        "enter {} at {}",
        device.user_code().secret(),
        device.verification_uri().as_str()
    );
    let tokens: BasicTokenResponse =
        client
            .exchange_device_access_token(&device)
            .request(&agent(), std::thread::sleep, None)?;
    did("device");
    live(&client, &metadata, &tokens)
}
