//! A program of somebody else's that the user lets act, from its registration to its end.

use super::{DEFAULT_SCOPES, Held, Person};
use crate::judge::{Answer, Judged, Right, TRY_AGAIN};
use crate::operator::secret;
use crate::services::{Kind, Service};
use jeton_client::{App, ClientError, ClientInfo, CreateClientRequest, ExposeSecret, ProblemKind, Session};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use url::Url;
use uuid::Uuid;

const REDIRECT_URI: &str = "https://app.example/callback";

/// Asked for again, what was done already is done as well.
const TWICE_BY_OAUTH: (Right, Right) = (Right::DONE_BY_OAUTH, Right::DONE_BY_OAUTH);
const ONCE: (Right, Right) = (Right::DONE, Right::done_or(&[ProblemKind::NotFound]));

/// What the program was given: one access token after the other, and a refresh token.
struct Given {
    grant: Uuid,
    access: Vec<String>,
    refresh: String,
}

impl Person {
    /// The user lets it act and takes that back; then the administrator takes from it what it has.
    pub(super) async fn use_app(&mut self) -> Judged<()> {
        if self.giver().is_none() {
            return Ok(());
        }
        let client = self.register().await?;
        let mut given = self.authorize(client).await?;
        self.refresh(client, &mut given).await?;
        self.show_everywhere(&given, Right::DONE).await?;
        self.take_back(&given).await?;
        self.show_everywhere(&given, Right::INVALID_TOKEN).await?;

        let mut given = self.authorize(client).await?;
        self.disable(client).await?;
        self.show_everywhere(&given, Right::INVALID_TOKEN).await?;
        self.enable(client).await?;
        self.show_everywhere(&given, Right::INVALID_TOKEN).await?;
        self.refresh(client, &mut given).await?;
        self.show_everywhere(&given.newest(), Right::DONE).await?;
        self.narrow(client).await?;
        self.show_everywhere(&given, Right::INVALID_TOKEN).await?;
        self.forget(client).await
    }

    async fn register(&self) -> Judged<Uuid> {
        let create = async |_: &Service, session: Session| {
            let request = CreateClientRequest {
                // Another one each time: after an answer that says nothing the name may be taken.
                name: secret(),
                redirect_uris: vec![REDIRECT_URI.to_owned()],
                scopes: DEFAULT_SCOPES.map(str::to_owned).to_vec(),
                confidential: false,
                grant_types: None,
                service_account: None,
                first_party: false,
            };
            session.admin().clients().create(&request).await
        };
        let (answer, _) = self
            .world
            .administer("client created", Right::TWICE, create)
            .await?;
        match answer.done() {
            Some(created) => Ok(created.client.client_id),
            None => Err(self.world.wrong("a client was not created")),
        }
    }

    /// A login token that may do some of what apps ask for: nobody gives what they have not, by the token that they give it with.
    fn giver(&self) -> Option<Held> {
        let gives = |held: &&Held| {
            let may = self.may(held);
            may.is_some_and(|may| DEFAULT_SCOPES.iter().any(|&scope| may.contains(scope)))
        };
        let mut login = self.tokens.iter().filter(|held| held.login);
        login.find(gives).cloned()
    }

    /// By the shortest way through HTTP.
    async fn authorize(&mut self, client: Uuid) -> Judged<Given> {
        let login = self.giver().unwrap_or_else(Held::none);
        let authorize = async |service: &Service, session: Session| {
            let app = service.client().app(client.to_string(), None);
            authorize(service, &app, client, &session).await
        };
        let (answer, _) = self
            .insist("app authorized", Kind::Auth, &login, TWICE_BY_OAUTH, authorize)
            .await?;
        answer
            .done()
            .ok_or_else(|| self.world.wrong("an app was not authorized"))
    }

    /// It has to work, again and again, whether the answer to the first attempt has come or not.
    async fn refresh(&self, client: Uuid, given: &mut Given) -> Judged<()> {
        loop {
            let service = self.world.pick(Kind::Auth);
            let refresh = async {
                let app = service.client().app(client.to_string(), None);
                let session = app.session(no_token(), given.refresh.as_str())?;
                session.verify(&[]).await?;
                let refresh = session.refresh_token().await;
                Ok((session.token().expose_secret().to_owned(), refresh))
            };
            match self
                .world
                .ask("app refreshed", service, Right::DONE_BY_OAUTH, refresh)
                .await?
            {
                Answer::Done((access, refresh)) => {
                    given.access.push(access);
                    if let Some(refresh) = refresh {
                        given.refresh = refresh.expose_secret().to_owned();
                    }
                    return Ok(());
                }
                Answer::Away | Answer::Refused(_) => tokio::time::sleep(TRY_AGAIN).await,
            }
        }
    }

    async fn take_back(&mut self, given: &Given) -> Judged<()> {
        let login = self.login_token();
        let take_back = async |service: &Service, session: Session| {
            let url = service.url(&format!("/v1/grants/{}", given.grant));
            session.delete(url).send().await.map(drop)
        };
        self.insist("grant taken back", Kind::Auth, &login, ONCE, take_back)
            .await
            .map(drop)
    }

    async fn disable(&self, client: Uuid) -> Judged<()> {
        let disable = async |_: &Service, session: Session| session.admin().clients().disable(client).await;
        self.change("client disabled", disable).await
    }

    async fn enable(&self, client: Uuid) -> Judged<()> {
        let enable = async |_: &Service, session: Session| session.admin().clients().enable(client).await;
        self.change("client enabled", enable).await
    }

    async fn narrow(&self, client: Uuid) -> Judged<()> {
        let narrow = async |_: &Service, session: Session| {
            session
                .admin()
                .clients()
                .set_scopes(client, &DEFAULT_SCOPES[..1])
                .await
        };
        self.change("client's scopes set", narrow).await
    }

    async fn change(
        &self,
        request: &'static str,
        call: impl AsyncFn(&Service, Session) -> Result<ClientInfo, ClientError>,
    ) -> Judged<()> {
        self.world.administer(request, Right::TWICE, call).await.map(drop)
    }

    async fn forget(&self, client: Uuid) -> Judged<()> {
        let delete = async |_: &Service, session: Session| session.admin().clients().delete(client).await;
        self.world
            .administer("client deleted", ONCE, delete)
            .await
            .map(drop)
    }

    /// Every service is shown every token.
    async fn show_everywhere(&self, given: &Given, right: Right) -> Judged<()> {
        for token in &given.access {
            for service in &self.world.services {
                let show = async |session: Session| match service.kind {
                    Kind::Auth => session.verify(&[]).await.map(drop),
                    Kind::Resource => session.get(service.url("/whoami")).send().await.map(drop),
                };
                self.world
                    .ask_with("app's token", service, token, right, show)
                    .await?;
            }
        }
        Ok(())
    }
}

impl Given {
    fn newest(&self) -> Self {
        Self {
            grant: self.grant,
            access: self.access.last().cloned().into_iter().collect(),
            refresh: self.refresh.clone(),
        }
    }
}

/// A text that reads as a token and is none, so that the SDK gets one that is.
fn no_token() -> String {
    jeton_domain::PlainToken::generate(&mut rand::rng())
        .expose_secret()
        .to_owned()
}

async fn authorize(
    service: &Service,
    app: &App,
    client: Uuid,
    session: &Session,
) -> Result<Given, ClientError> {
    let asking = app.authorization(REDIRECT_URI, &DEFAULT_SCOPES).await?;
    let url = Url::parse(asking.url()).ok();
    let parameters: BTreeMap<String, String> = url
        .iter()
        .flat_map(|url| url.query_pairs().into_owned())
        .collect();
    let begun: Value = session
        .post(service.url("/v1/authorizations"))
        .json(&parameters)
        .send_json()
        .await?;
    let id = begun["id"].as_str().unwrap_or_default();
    let approved: Value = session
        .post(service.url(&format!("/v1/authorizations/{id}/approve")))
        .json(&json!({}))
        .send_json()
        .await?;
    let redirect = approved["redirect_to"].as_str().unwrap_or_default();
    let (_, answer) = redirect.split_once('?').unwrap_or_default();
    let given = asking.finish(answer).await?;
    let listed: Value = session.get(service.url("/v1/grants")).send_json().await?;
    let grants = listed["grants"].as_array().into_iter().flatten();
    let client = client.to_string();
    let mut its = grants.filter(|grant| grant["client"]["id"] == client.as_str());
    let grant = its.next().and_then(|grant| grant["id"].as_str()?.parse().ok());
    Ok(Given {
        grant: grant.unwrap_or_default(),
        access: vec![given.token().expose_secret().to_owned()],
        refresh: given
            .refresh_token()
            .await
            .map_or_else(String::new, |token| token.expose_secret().to_owned()),
    })
}
