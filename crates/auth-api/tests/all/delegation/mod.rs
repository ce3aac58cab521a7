//! Other programs get tokens by a user's consent (OAuth 2.1), over HTTP.

mod attacks;
pub(crate) mod client_credentials;
mod clients;
mod devices;
mod flow;
mod many_tokens;
mod origins;
mod outage;
mod refresh;

use crate::support::{Auth, bearer, json};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jeton_client::Session;
use jeton_domain::delegation::{
    Client, ClientName, ClientSecret, DelegableScope, GrantType, NewClient, RedirectUri, Resource,
};
use jeton_domain::{AuditContext, ClientId, ExposeSecret, Scope, ScopeSet};
use jeton_persistence::PgConnection;
use jeton_persistence::delegation::{clients as known, scopes};
use jeton_proof_support::{RawRequest, RawResponse};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;

pub(crate) const REDIRECT_URI: &str = "https://app.example/callback?x=1";
/// As the raw requests name the service.
pub(crate) const ISSUER: &str = "http://test";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A client, and its secret, if it has one.
pub(crate) struct App {
    pub(crate) client: Client,
    pub(crate) secret: Option<String>,
}

pub(crate) fn challenge(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

pub(crate) fn new_client(name: &str) -> NewClient {
    NewClient {
        id: ClientId(Uuid::now_v7()),
        name: ClientName::parse(name).unwrap(),
        secret: None,
        redirect_uris: vec![RedirectUri::parse(REDIRECT_URI).unwrap()],
        scopes: ScopeSet::parse("notes:read notes:write photos:read").unwrap(),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        service_account: None,
        first_party: false,
    }
}

pub(crate) fn catalogue(connection: &mut PgConnection) {
    for (name, title, resource) in [
        ("notes:read", "Read your notes", None),
        ("notes:write", "Write notes", None),
        ("photos:read", "See your photos", Some("https://photos.example/")),
    ] {
        let resource = resource.map(|text| Resource::parse(text).unwrap());
        let scope =
            DelegableScope::new(Scope::parse(name).unwrap(), title, "All of them.", resource).unwrap();
        scopes::set(connection, &AuditContext::cli(), &scope).unwrap();
    }
}

impl App {
    pub(crate) fn create(connection: &mut PgConnection, new: &NewClient) -> Self {
        catalogue(connection);
        Self {
            client: known::create(connection, &AuditContext::cli(), new).unwrap(),
            secret: None,
        }
    }

    pub(crate) fn public(auth: &Auth) -> Self {
        Self::create(&mut auth.connect(), &new_client("Public app"))
    }

    pub(crate) fn confidential(auth: &Auth) -> Self {
        Self::confidential_in(&mut auth.connect(), "Server app")
    }

    pub(crate) fn confidential_in(connection: &mut PgConnection, name: &str) -> Self {
        let secret = ClientSecret::generate(&mut rand::rng());
        let new = NewClient {
            secret: Some(secret.digest()),
            ..new_client(name)
        };
        Self {
            secret: Some(secret.expose_secret().to_owned()),
            ..Self::create(connection, &new)
        }
    }

    pub(crate) fn id(&self) -> String {
        self.client.id.to_string()
    }

    /// The parameters of a request that is right.
    pub(crate) fn request(&self) -> BTreeMap<&'static str, String> {
        let own = |text: &str| text.to_owned();
        BTreeMap::from([
            ("response_type", own("code")),
            ("client_id", self.id()),
            ("redirect_uri", own(REDIRECT_URI)),
            ("scope", own("notes:read notes:write")),
            ("state", own("xyz & more")),
            ("code_challenge", challenge(VERIFIER)),
            ("code_challenge_method", own("S256")),
        ])
    }

    /// The form of an exchange that is right, with who asks.
    pub(crate) fn exchange(&self, code: &str) -> Vec<(&'static str, String)> {
        self.signed(vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", REDIRECT_URI.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ])
    }

    pub(crate) fn refresh(&self, token: &str) -> Vec<(&'static str, String)> {
        self.signed(vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token.to_owned()),
        ])
    }

    pub(crate) fn signed(&self, mut form: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
        form.push(("client_id", self.id()));
        form.extend(self.secret.clone().map(|secret| ("client_secret", secret)));
        form
    }

    pub(crate) fn basic(&self) -> String {
        let pair = format!("{}:{}", self.id(), self.secret.as_deref().unwrap_or_default());
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    }
}

pub(crate) fn form(path: &str, form: &[(&'static str, String)]) -> RawRequest {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    RawRequest::new("POST", path)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(body)
}

pub(crate) fn body(answer: &RawResponse) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// The parameters of a redirect.
pub(crate) fn parameters(redirect_to: &Value) -> BTreeMap<String, String> {
    let text = redirect_to.as_str().unwrap();
    let (uri, query) = text.split_once('?').unwrap();
    assert!(REDIRECT_URI.starts_with(uri), "{text}");
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

impl Auth {
    pub(crate) fn begin(&self, request: &BTreeMap<&'static str, String>) -> RawResponse {
        self.send(&json("POST", "/v1/authorizations", &json!(request).to_string()))
    }

    pub(crate) fn decide(&self, session: &Session, id: &str, how: &str, what: Value) -> RawResponse {
        let path = format!("/v1/authorizations/{id}/{how}");
        self.send(&json("POST", &path, &what.to_string()).header("Authorization", bearer(session)))
    }

    pub(crate) fn show(&self, session: &Session, id: &str) -> RawResponse {
        let request = RawRequest::new("GET", &format!("/v1/authorizations/{id}"));
        self.send(&request.header("Authorization", bearer(session)))
    }

    /// A code for what the app asks for.
    pub(crate) fn code_for(&self, session: &Session, request: &BTreeMap<&'static str, String>) -> String {
        let begun = self.begin(request);
        assert_eq!(begun.status, 201, "{begun:?}");
        let id = body(&begun)["id"].as_str().unwrap().to_owned();
        let approved = self.decide(session, &id, "approve", json!({}));
        assert_eq!(approved.status, 200, "{approved:?}");
        parameters(&body(&approved)["redirect_to"])["code"].clone()
    }

    pub(crate) fn code(&self, session: &Session, app: &App) -> String {
        self.code_for(session, &app.request())
    }

    pub(crate) fn token(&self, form_of: &[(&'static str, String)]) -> RawResponse {
        self.send(&form("/v1/token", form_of))
    }

    /// Tokens by a user's consent.
    pub(crate) fn tokens(&self, session: &Session, app: &App) -> Value {
        let answer = self.token(&app.exchange(&self.code(session, app)));
        assert_eq!(answer.status, 200, "{answer:?}");
        body(&answer)
    }

    /// Whether a service accepts the token.
    pub(crate) fn accepts(&self, token: &Value) -> bool {
        let header = format!("Bearer {}", token.as_str().unwrap());
        let answer = self.send(&RawRequest::new("GET", "/v1/verify").header("Authorization", header));
        assert!([200, 401].contains(&answer.status), "{answer:?}");
        answer.status == 200
    }

    pub(crate) fn error_of(&self, form_of: &[(&'static str, String)]) -> String {
        let answer = self.token(form_of);
        assert!([400, 401].contains(&answer.status), "{answer:?}");
        assert_eq!(answer.header("Cache-Control"), Some("no-store"));
        body(&answer)["error"].as_str().unwrap().to_owned()
    }

    pub(crate) fn grants(&self, session: &Session) -> Vec<Value> {
        let request = RawRequest::new("GET", "/v1/grants").header("Authorization", bearer(session));
        body(&self.send(&request))["grants"].as_array().unwrap().clone()
    }
}
