//! What went wrong in a page that nobody asked about.

use super::Browser;
use crate::database::or_panic;
use serde_json::{Value, json};

impl Browser {
    /// Since the browser was started: errors of scripts, what the console was told as an error, reports of a content
    /// security policy, and every cookie there is. An answer of 4xx or 5xx is none.
    pub fn faults(&mut self) -> Vec<String> {
        let cookies = or_panic("read the cookies", self.command("Storage.getCookies", &json!({})));
        let cookies = cookies["cookies"].as_array().into_iter().flatten();
        let cookies: Vec<_> = cookies.map(|cookie| format!("a cookie: {cookie}")).collect();
        self.faults.iter().cloned().chain(cookies).collect()
    }

    /// What the browser tells by itself.
    pub(super) fn note(&mut self, message: &Value) -> anyhow::Result<()> {
        let params = &message["params"];
        match message["method"].as_str().unwrap_or_default() {
            "Page.frameNavigated" if params["frame"]["parentId"].is_null() => {
                let frame = &params["frame"];
                let url = frame["unreachableUrl"].as_str().or(frame["url"].as_str());
                self.at = url.unwrap_or_default().to_owned();
            }
            "Page.loadEventFired" => self.is_loaded = true,
            // What stands in for a server that is not there.
            "Fetch.requestPaused" => {
                let page = json!({
                    "requestId": params["requestId"],
                    "responseCode": 200,
                    "responseHeaders": [{ "name": "Content-Type", "value": "text/html" }],
                });
                self.send("Fetch.fulfillRequest", &page)?;
            }
            "Runtime.exceptionThrown" => self.faults.push(params["exceptionDetails"].to_string()),
            "Runtime.consoleAPICalled" if params["type"] == "error" => {
                self.faults.push(params["args"].to_string())
            }
            // The console tells of every answer of 4xx.
            "Log.entryAdded"
                if params["entry"]["level"] == "error" && params["entry"]["source"] != "network" =>
            {
                self.faults.push(params["entry"].to_string());
            }
            "Audits.issueAdded" if params["issue"]["code"] == "ContentSecurityPolicyIssue" => {
                self.faults.push(params["issue"].to_string());
            }
            _ => {}
        }
        Ok(())
    }
}
