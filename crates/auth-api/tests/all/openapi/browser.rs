//! The page in a real browser, where one is installed: a person reads it, and tries what it describes.

use crate::support::Auth;
use jeton_proof_support::Browser;
use serde_json::{Value, json};

/// What a person does: waits for things to be there, opens an operation, types, and clicks on "Send".
const PERSON: &str = r##"(() => {
const until = (find) => new Promise((resolve) => {
  const look = () => {
    const found = find();
    if (found) { observer.disconnect(); resolve(found); }
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { childList: true, subtree: true, attributes: true });
  look();
});
const button = (inside, text) => [...inside.querySelectorAll("button")].find((one) => one.textContent === text);
globalThis.clickOnSend = async (operation, body) => {
  const section = await until(() => document.getElementById(operation));
  section.open = true;
  const send = await until(() => button(section, "Send"));
  if (body) section.querySelector("textarea").value = JSON.stringify(body);
  const out = section.querySelector("[role=status]");
  out.replaceChildren();
  send.click();
  const status = await until(() => out.querySelector("p.status"));
  const [curl, answer] = [...out.querySelectorAll("pre")].map((one) => one.textContent);
  return { status: status.textContent, curl, answer };
};
globalThis.clickOnUseToken = async (operation) => {
  button(document.getElementById(operation), "Use this token").click();
  return document.getElementById("token").value;
};
})()"##;

fn send(browser: &mut Browser, operation: &str, body: &Value) -> (String, String, String) {
    let answer = browser.evaluate(&format!("clickOnSend({operation:?}, {body})"));
    let text = |name: &str| {
        let text = answer[name].as_str();
        text.unwrap_or_else(|| panic!("no {name}: {answer}")).to_owned()
    };
    (text("status"), text("curl"), text("answer"))
}

#[test]
fn the_page_lets_one_try_what_it_describes() {
    let auth = Auth::start();
    let Some(mut browser) = Browser::open(&format!("{}/docs", auth.service.base_url())) else {
        return;
    };
    let _ = browser.evaluate(PERSON);

    // With the body that the page proposes.
    let (status, curl, answer) = send(&mut browser, "signUp", &Value::Null);
    assert_eq!(status, "201 Created");
    assert!(curl.starts_with("curl -i -X POST 'http://127.0.0.1:"), "{curl}");
    assert!(answer.contains("x-auth-token: jtn_"), "{answer}");
    assert!(answer.contains(r#""username": "ada""#), "{answer}");
    let token = browser.evaluate(r#"clickOnUseToken("signUp")"#);
    assert!(token.as_str().unwrap().starts_with("jtn_"), "{token}");

    let (status, curl, answer) = send(&mut browser, "showMe", &Value::Null);
    assert_eq!(status, "200 OK", "{answer}");
    assert!(curl.contains("$TOKEN") && !curl.contains("jtn_"), "{curl}");
    let refused = json!({ "username": "x", "password": "y" });
    let (status, _, answer) = send(&mut browser, "signUp", &refused);
    assert_eq!(status, "422 Unprocessable Entity");
    assert!(answer.contains("/username"), "{answer}");

    let (status, _, _) = send(&mut browser, "logOut", &Value::Null);
    assert_eq!(status, "204 No Content");
    let (status, _, answer) = send(&mut browser, "showMe", &Value::Null);
    assert_eq!(status, "401 Unauthorized");
    assert!(answer.contains("urn:jeton:problem:invalid-token"), "{answer}");
}
