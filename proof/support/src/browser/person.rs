//! What a person does at a browser, and sees.

use super::Browser;
use crate::database::or_panic;
use crate::wait::wait_until;
use serde_json::{Value, json};

/// How a person has set up the browser.
#[derive(Debug, Clone, Copy)]
pub struct Looks<'a> {
    /// As `Accept-Language` has it.
    pub language: &'a str,
    /// Whether the system is dark.
    pub dark: bool,
    /// In pixels of CSS.
    pub width: u32,
}

impl Browser {
    /// From the next page on.
    pub fn look(&mut self, looks: Looks<'_>) {
        let scheme = if looks.dark { "dark" } else { "light" };
        let version = self.tell("Browser.getVersion", &json!({}));
        let agent = json!({ "userAgent": version["userAgent"], "acceptLanguage": looks.language });
        self.tell("Emulation.setUserAgentOverride", &agent);
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" }
        ]);
        self.tell("Emulation.setEmulatedMedia", &json!({ "features": features }));
        let size = json!({ "width": looks.width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.tell("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Answers whatever page is asked for under this, as `https://app.example.org/*`, with an empty one: no server is
    /// there.
    pub fn stand_in_for(&mut self, pattern: &str) {
        self.tell(
            "Fetch.enable",
            &json!({ "patterns": [{ "urlPattern": pattern }] }),
        );
    }

    /// Turns scripts off, from the next page on.
    pub fn without_scripts(&mut self) {
        self.tell("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    }

    /// Presses a key that writes nothing, as `Tab`; or `Enter` and ` `, which do what they do where the focus is.
    pub fn press(&mut self, key: &str) {
        let (code, number) = match key {
            "Tab" => ("Tab", 9),
            "Enter" => ("Enter", 13),
            " " => ("Space", 32),
            other => panic!("{other} is no key that is known here"),
        };
        let mut event =
            json!({ "type": "keyDown", "key": key, "code": code, "windowsVirtualKeyCode": number });
        if key != "Tab" {
            event["text"] = if key == "Enter" { "\r" } else { key }.into();
        }
        self.tell("Input.dispatchKeyEvent", &event);
        event["type"] = "keyUp".into();
        self.tell("Input.dispatchKeyEvent", &event);
    }

    /// Types where the focus is.
    pub fn type_text(&mut self, text: &str) {
        self.tell("Input.insertText", &json!({ "text": text }));
    }

    /// Waits until the page is one that begins so, and gives its address.
    pub fn arrive(&mut self, beginning: &str) -> String {
        wait_until(beginning, || {
            // Whatever it says, while it is on its way: what the browser tells comes along.
            let _ = self.command("Runtime.evaluate", &json!({ "expression": "0" }));
            self.at.starts_with(beginning)
        });
        self.at.clone()
    }

    /// A picture of the page, all of it: PNG, in Base64.
    pub fn picture(&mut self) -> String {
        let all = json!({ "captureBeyondViewport": true });
        let shot = self.tell("Page.captureScreenshot", &all);
        shot["data"].as_str().unwrap_or_default().to_owned()
    }

    fn tell(&mut self, method: &str, params: &Value) -> Value {
        let told = self.command(method, params);
        or_panic(method, told)
    }
}
