//! An app asks, the person decides, and takes it back: in the browser, with the app's side played by the test.

use super::visitor::Visitor;
use super::{LOOKS, with_a_site};
use crate::delegation::{App, body, new_client, parameters};
use crate::support::{Auth, PASSWORD, sign_up};
use jeton_domain::{AuditContext, ScopeSet, UserId};
use jeton_persistence::users;
use jeton_proof_support::Looks;
use serde_json::Value;

const APP: &str = "https://app.example/";

/// Where the app sends its user.
pub(super) fn page(auth: &Auth, app: &App) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(app.request())
        .finish();
    format!("{}/authorize?{query}", auth.service.base_url())
}

pub(super) fn said(looks: Looks<'_>, english: &'static str, korean: &'static str) -> &'static str {
    if looks.language.starts_with("ko") {
        korean
    } else {
        english
    }
}

/// Comes to the consent of a person who signs in on the way.
fn asked(auth: &Auth, app: &App, looks: Looks<'_>) -> Option<Visitor> {
    let mut visitor = Visitor::new(looks)?;
    visitor.browser.stand_in_for(&format!("{APP}*"));
    visitor.visit(&page(auth, app));
    visitor.sees("p.lead", said(looks, "to go on to", "Public app"));
    visitor.sign_in("ada", PASSWORD);
    visitor.sees("h1", said(looks, "Public app asks", "Public app 앱이"));
    Some(visitor)
}

/// What the app is told.
fn told(visitor: &mut Visitor) -> std::collections::BTreeMap<String, String> {
    parameters(&Value::from(visitor.browser.arrive(APP)))
}

/// From the request to the end of what it gave, as `looks` has it.
async fn allowed_in_part_and_taken_back(auth: &Auth, looks: Looks<'_>) {
    let app = App::create(&mut auth.connect(), &new_client("Public app"));
    let Some(mut visitor) = asked(auth, &app, looks) else {
        return;
    };
    visitor.sees(
        "p.lead",
        said(
            looks,
            "Whatever you choose, you go back to app.example",
            "무엇을 선택하든 다음 주소로 돌아갑니다: app.example",
        ),
    );
    visitor.sees(".who", said(looks, "Signed in as ada", "ada 님으로 로그인됨"));
    visitor.inspect("consent");
    for label in ["Read your notes", "Write notes"] {
        visitor.click("fieldset label", label);
    }
    visitor.click("button", said(looks, "Allow", "허용"));
    visitor.sees(
        "[role=alert]",
        said(looks, "Nothing is ticked", "선택된 항목이 없습니다"),
    );
    visitor.inspect("consent-nothing");
    visitor.click("fieldset label", "Read your notes");
    visitor.click("button", said(looks, "Allow", "허용"));
    let told = told(&mut visitor);
    assert_eq!(told["state"], "xyz & more");
    let tokens = auth.token(&app.exchange(&told["code"]));
    assert_eq!(body(&tokens)["scope"], "notes:read", "{tokens:?}");
    let token = body(&tokens)["access_token"].clone();
    assert!(auth.accepts(&token));

    // Signed in still, in the same tab.
    visitor.visit(&format!("{}/account/apps", auth.service.base_url()));
    visitor.sees("h2", "Public app");
    visitor.inspect("apps");
    visitor.click("button", said(looks, "Remove access", "접근 제거"));
    visitor.sees(".sure", "Public app");
    visitor.inspect("apps-sure");
    visitor.click(".sure button", said(looks, "Remove", "제거"));
    visitor.sees(
        "[role=status]",
        said(looks, "Public app can no longer", "이제 Public app"),
    );
    assert!(!auth.accepts(&token), "once it is said");
    visitor.inspect("apps-none");
    auth.execute("DELETE FROM clients");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_allowed_in_part_and_taken_back() {
    let (auth, _) = Auth::with_ada().await;
    for looks in LOOKS {
        allowed_in_part_and_taken_back(&auth, looks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_allowed_on_pages_of_another_origin() {
    let (auth, site) = with_a_site();
    auth.client().sign_up(&sign_up("ada")).await.unwrap();
    allowed_in_part_and_taken_back(&auth, LOOKS[0]).await;
    drop(site);
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_takes_a_keyboard_and_is_asked_once() {
    let (auth, _) = Auth::with_ada().await;
    let app = App::public(&auth);
    let Some(mut visitor) = asked(&auth, &app, LOOKS[0]) else {
        return;
    };
    let focus = "document.activeElement.id || document.activeElement.textContent";
    assert_eq!(
        visitor.ask(focus),
        "Public app asks to use your account",
        "what is new is read out"
    );
    for next in [
        "Not you?",
        "scope-0",
        "scope-1",
        "Allow",
        "Deny",
        "connected apps",
        "English",
    ] {
        visitor.browser.press("Tab");
        assert_eq!(visitor.ask(focus), next);
    }
    let _ = visitor.ask("document.getElementById('scope-1').focus()");
    visitor.browser.press("Tab");
    visitor.browser.press("Enter");
    let first = told(&mut visitor);
    // Asked for no more than what was allowed, the page asks nobody.
    visitor.visit(&page(&auth, &app));
    visitor.browser.arrive(APP);
    let second = told(&mut visitor);
    assert!(second.contains_key("code") && second["code"] != first["code"]);
    assert_eq!(visitor.browser.faults(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_is_told_that_it_was_denied_or_asked_wrongly() {
    let (auth, _) = Auth::with_ada().await;
    let app = App::public(&auth);
    let Some(mut visitor) = asked(&auth, &app, LOOKS[0]) else {
        return;
    };
    visitor.click("button", "Deny");
    assert_eq!(told(&mut visitor)["error"], "access_denied");
    visitor.visit("about:blank");
    visitor.visit(&page(&auth, &app).replace("S256", "plain"));
    assert_eq!(told(&mut visitor)["error"], "invalid_request");
    assert!(auth.grants(&auth.sign_in("ada").await).is_empty());
    assert_eq!(visitor.browser.faults(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_took_long_or_is_somebody_else_is_asked_again() {
    let (auth, _) = Auth::with_ada().await;
    let eve = UserId(auth.sign_up("eve").await.me().await.unwrap().user.id);
    let app = App::public(&auth);
    let Some(mut visitor) = asked(&auth, &app, LOOKS[0]) else {
        return;
    };
    auth.execute("DELETE FROM authorizations");
    visitor.click("button", "Allow");
    visitor.sees("[role=alert]", "That took a while");
    visitor.inspect("consent-renewed");
    visitor.click("button", "Not you?");
    visitor.sees("h1", "Sign in");
    assert_eq!(visitor.keeps_a_token(), (false, false));
    visitor.sign_in("eve", PASSWORD);
    visitor.sees(".who", "Signed in as eve");
    // Her scopes are gone, and so is what she could give.
    auth.revoke(|connection| users::set_scopes(connection, &AuditContext::cli(), eve, &ScopeSet::default()));
    visitor.visit(&page(&auth, &app));
    visitor.sees("main p", "It asks for what you may not do yourself");
    visitor.inspect("consent-none");
    visitor.click("button", "Deny");
    assert_eq!(told(&mut visitor)["error"], "access_denied");
}
