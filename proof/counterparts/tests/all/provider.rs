use jeton_domain::delegation::{
    Client, ClientName, ClientSecret, DelegableScope, GrantType, NewClient, RedirectUri,
};
use jeton_domain::{AuditContext, ClientId, NewUser, Scope, ScopeSet, UserId, Username};
use jeton_persistence::delegation::{clients, scopes};
use jeton_persistence::users;
use jeton_proof_support::{InProcess, RawRequest, TestDatabase, TestRole, raw};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;

/// What the clients ask for.
pub(crate) const SCOPE: &str = "notes:read";

/// What Ada unticks, where it is asked for.
const WRITING: &str = "notes:write";

/// An auth API with a database of its own, a catalogue of two scopes, and Ada, who is asked.
pub(crate) struct Provider {
    pub(crate) service: InProcess,
    login_token: String,
    role: TestRole,
    database: TestDatabase,
}

/// How a client proves who it is (RFC 7591 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authentication {
    None,
    Basic,
    Post,
}

/// A client as the operator has made it, and what its program is told of it.
pub(crate) struct Registered {
    pub(crate) id: ClientId,
    pub(crate) secret: Option<String>,
    pub(crate) authentication: Authentication,
}

impl Provider {
    pub(crate) fn start() -> Self {
        let database = TestDatabase::create();
        let role = TestRole::create(&database, "IN ROLE jeton_verifier, jeton_auth");
        let settings = [
            ("DATABASE_URL", role.url()),
            ("JETON_AUTH_ADDR", "127.0.0.1:0"),
            ("JETON_BCRYPT_COST", "4"),
            ("JETON_DEFAULT_SCOPES", "notes:read notes:write"),
        ];
        let service = InProcess::start(jeton_auth_api::start, &settings);
        for (name, title) in [(SCOPE, "Read your notes"), (WRITING, "Write notes")] {
            let scope = DelegableScope::new(Scope::parse(name).unwrap(), title, "", None).unwrap();
            scopes::set(&mut database.connect(), &AuditContext::cli(), &scope).unwrap();
        }
        let ada = RawRequest::new("POST", "/v1/users")
            .header("Content-Type", "application/json")
            .body(r#"{"username": "ada", "password": "correct horse battery staple"}"#)
            .send(service.address());
        assert_eq!(ada.status, 201, "{}", ada.text());
        Self {
            service,
            login_token: ada.header("x-auth-token").unwrap().to_owned(),
            role,
            database,
        }
    }

    /// What a service beside it reads its tokens by.
    pub(crate) fn database_url(&self) -> &str {
        self.role.url()
    }

    /// A client that acts for users.
    pub(crate) fn client(&self, authentication: Authentication) -> Registered {
        let uri = RedirectUri::parse("http://127.0.0.1/callback").unwrap();
        let flows = vec![
            GrantType::AuthorizationCode,
            GrantType::RefreshToken,
            GrantType::DeviceCode,
        ];
        let scopes = format!("{SCOPE} {WRITING}");
        self.register(authentication, vec![uri], &scopes, flows, None)
    }

    /// A client that acts for itself, as a service account.
    pub(crate) fn server_program(&self, authentication: Authentication) -> Registered {
        let account = NewUser {
            id: UserId(Uuid::now_v7()),
            username: Username::parse("backup").unwrap(),
            email: None,
            password_hash: None,
            service: true,
            scopes: ScopeSet::parse(SCOPE).unwrap(),
        };
        users::create(&mut self.database.connect(), &AuditContext::cli(), &account).unwrap();
        self.register(
            authentication,
            Vec::new(),
            SCOPE,
            vec![GrantType::ClientCredentials],
            Some(account.id),
        )
    }

    fn register(
        &self,
        authentication: Authentication,
        redirect_uris: Vec<RedirectUri>,
        scopes: &str,
        grant_types: Vec<GrantType>,
        service_account: Option<UserId>,
    ) -> Registered {
        let secret =
            (authentication != Authentication::None).then(|| ClientSecret::generate(&mut rand::rng()));
        let client = NewClient {
            id: ClientId(Uuid::now_v7()),
            name: ClientName::parse(&format!("Their app ({authentication:?})")).unwrap(),
            secret: secret.as_ref().map(ClientSecret::digest),
            redirect_uris,
            scopes: ScopeSet::parse(scopes).unwrap(),
            grant_types,
            service_account,
            first_party: false,
        };
        let created: Client =
            clients::create(&mut self.database.connect(), &AuditContext::cli(), &client).unwrap();
        Registered {
            id: created.id,
            secret: secret.map(|secret| secret.expose_secret().to_owned()),
            authentication,
        }
    }

    /// What the page does with the query that it is opened with, until Ada decides: `approve` or `deny`. Where her browser is
    /// sent then.
    pub(crate) fn decide_at(&self, url: &Url, decision: &str) -> Url {
        let parameters: Map<String, Value> = url
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
            .collect();
        let asked = self.post("/v1/authorizations", &Value::from(parameters), 201);
        let answer = self.decide(&asked, decision);
        Url::parse(answer["redirect_to"].as_str().unwrap()).unwrap()
    }

    /// What the page does with a code that Ada types.
    pub(crate) fn decide_on(&self, user_code: &str, decision: &str) {
        let asked = self.post("/v1/authorizations", &json!({ "user_code": user_code }), 201);
        assert_eq!(asked["client"]["redirect_host"], Value::Null);
        let answer = self.decide(&asked, decision);
        assert_eq!(answer["redirect_to"], Value::Null);
    }

    fn decide(&self, asked: &Value, decision: &str) -> Value {
        assert_eq!(
            asked["scopes"][0],
            json!({ "name": SCOPE, "title": "Read your notes", "description": "" })
        );
        let id = asked["id"].as_str().unwrap();
        let ticked = match decision {
            "approve" => json!({ "scopes": [SCOPE] }),
            _ => json!({}),
        };
        self.post(&format!("/v1/authorizations/{id}/{decision}"), &ticked, 200)
    }

    fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        // By the name that clients know it by: it is the issuer's, where none is set.
        let (address, body) = (self.service.address(), body.to_string());
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
                Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.login_token,
            body.len(),
        );
        let answer = raw(address, request.as_bytes());
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        serde_json::from_str(&answer.text()).unwrap()
    }
}
