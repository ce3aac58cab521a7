//! Every form that the auth API takes.

use super::body::{FORM, JSON, as_form, check_refusal, extract, sent};
use jeton_api_types::{ExposeSecret, LoginRequest, PresentedToken};
use jeton_http_kit::{Form, Json, JsonOrForm};

pub fn check(data: &[u8]) {
    match extract::<JsonOrForm<LoginRequest>>(FORM, data) {
        Ok(JsonOrForm(login)) => {
            // In a form, scopes are words.
            let scopes = login.scopes.iter().flatten();
            assert!(
                scopes
                    .clone()
                    .all(|scope| !scope.is_empty() && !scope.contains(' '))
            );
            let sent = sent(&login);
            let again = extract::<JsonOrForm<LoginRequest>>(FORM, as_form(&sent).as_bytes());
            assert_eq!(again.map(|body| super::body::sent(&body.0)).as_ref(), Ok(&sent));
            let json = extract::<Json<LoginRequest>>(JSON, sent.to_string().as_bytes());
            assert_eq!(json.map(|body| super::body::sent(&body.0)), Ok(sent));
        }
        Err(problem) => check_refusal(
            &problem,
            &["username", "password", "name", "scopes", "scope", "expires_in"],
        ),
    }
    match extract::<Form<PresentedToken>>(FORM, data) {
        Ok(Form(presented)) => {
            let sent = sent(&presented);
            let again = extract::<Form<PresentedToken>>(FORM, as_form(&sent).as_bytes());
            assert_eq!(again.map(|body| super::body::sent(&body.0)), Ok(sent));
            assert_eq!(
                format!("{presented:?}"),
                "PresentedToken { token: SecretText([REDACTED]) }"
            );
            // The first pair with that name, as anybody else reads a form.
            let mut pairs = form_urlencoded::parse(data);
            let token = pairs
                .find(|(name, _)| name == "token")
                .map(|(_, value)| value.into_owned());
            assert_eq!(token.as_deref(), Some(presented.token.expose_secret()));
        }
        Err(problem) => check_refusal(&problem, &["token"]),
    }
}
