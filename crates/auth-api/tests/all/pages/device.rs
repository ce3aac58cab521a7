//! A device shows a code, and the person types it: in the browser, with the device's side played by the test.

use super::LOOKS;
use super::flow::{page, said};
use super::visitor::Visitor;
use crate::delegation::{App, body, form, new_client};
use crate::support::{Auth, PASSWORD, json as posted};
use jeton_domain::delegation::{GrantType, NewClient};
use serde_json::{Value, json};

fn kitchen_display(auth: &Auth) -> (App, Value) {
    let new = NewClient {
        redirect_uris: Vec::new(),
        grant_types: vec![GrantType::DeviceCode],
        ..new_client("Kitchen display")
    };
    let tv = App::create(&mut auth.connect(), &new);
    let device = body(&auth.send(&form("/v1/device_authorization", &tv.signed(Vec::new()))));
    (tv, device)
}

/// Who follows it would approve what another has begun.
#[test]
fn a_link_to_the_page_of_apps_enters_no_code() {
    let auth = Auth::start();
    let Some(mut visitor) = Visitor::at_a_desk() else {
        return;
    };
    let (_, device) = kitchen_display(&auth);
    let code = device["user_code"].as_str().unwrap();
    visitor.visit(&format!("{}/authorize?user_code={code}", auth.service.base_url()));
    visitor.sees("h1", "This request cannot be answered");
    let app = App::public(&auth);
    visitor.visit(&format!("{}&user_code={code}", page(&auth, &app)));
    visitor.sees("p.lead", "to go on to Public app");
    let typed = posted(
        "POST",
        "/v1/authorizations",
        &json!({ "user_code": code }).to_string(),
    );
    assert_eq!(auth.send(&typed).status, 201, "it waits still");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_connected_by_its_code() {
    let (auth, _) = Auth::with_ada().await;
    for looks in LOOKS {
        let (tv, device) = kitchen_display(&auth);
        let Some(mut visitor) = Visitor::new(looks) else {
            return;
        };
        visitor.visit(&format!("{}/device", auth.service.base_url()));
        visitor.sees("h1", said(looks, "Connect a device", "기기 연결"));
        // As people type it.
        let code = device["user_code"]
            .as_str()
            .unwrap()
            .to_lowercase()
            .replace('-', " ");
        visitor.fill("code", &code);
        visitor.browser.press("Enter");
        visitor.sees("h1", said(looks, "Sign in", "로그인"));
        visitor.sign_in("ada", PASSWORD);
        visitor.sees(
            "p.lead",
            said(
                looks,
                "Allow it only if you started this yourself",
                "지금 눈앞에 있는 기기에서",
            ),
        );
        visitor.inspect("device-consent");
        visitor.click("button", said(looks, "Allow", "허용"));
        visitor.sees(
            "h1",
            said(
                looks,
                "Kitchen display is connected",
                "Kitchen display 앱이 연결되었습니다",
            ),
        );
        visitor.inspect("device-connected");
        let poll = tv.signed(vec![
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:device_code".to_owned(),
            ),
            ("device_code", device["device_code"].as_str().unwrap().to_owned()),
        ]);
        let tokens = auth.token(&poll);
        assert_eq!(tokens.status, 200, "{tokens:?}");
        assert!(auth.accepts(&body(&tokens)["access_token"]));
        auth.execute("DELETE FROM clients");
        assert_eq!(json!(visitor.browser.faults()), json!([]));
    }
}
