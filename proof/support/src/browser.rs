use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::database::or_panic;
use crate::required::find_program;

const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The browser reads what it is to do from 3, and answers on 4.
const RUN: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null"#;

/// A page in a real browser, with nothing remembered from before; spoken to by the [DevTools protocol]. It ends with this
/// value.
///
/// [DevTools protocol]: https://chromedevtools.github.io/devtools-protocol/
#[derive(Debug)]
#[must_use]
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    sent: u64,
    session: Option<String>,
    _profile: TempDir,
}

impl Browser {
    /// Opens a page and returns when it is loaded. `None`, and a word about it, where no browser is installed: see
    /// [`find_program`].
    pub fn open(url: &str) -> Option<Self> {
        let program = find_program(&BROWSERS, "--version")?;
        let opened = Self::start(program).and_then(|mut browser| {
            browser.visit(url)?;
            Ok(browser)
        });
        Some(or_panic("open a page in a browser", opened))
    }

    /// Evaluates an expression in the page, as the developer's console does, and gives what its promise comes to.
    pub fn evaluate(&mut self, script: &str) -> Value {
        let script = format!(
            "Promise.race([{script}, new Promise((_, reject) => \
                setTimeout(() => reject(new Error('no end within a minute')), 60000))])"
        );
        let what = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let done = self.command("Runtime.evaluate", &what).and_then(|done| {
            if done["exceptionDetails"].is_object() {
                bail!("{}", done["exceptionDetails"]);
            }
            Ok(done["result"]["value"].clone())
        });
        or_panic("run a script in the page", done)
    }

    fn start(program: &str) -> anyhow::Result<Self> {
        let profile = TempDir::new()?;
        let mut child = Command::new("sh")
            .args(["-c", RUN, program, "--headless", "--no-sandbox", "--disable-gpu"])
            .args([
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Self {
            to: child.stdin.take().context("no input")?,
            from: BufReader::new(child.stdout.take().context("no output")?),
            child,
            sent: 0,
            session: None,
            _profile: profile,
        })
    }

    fn visit(&mut self, url: &str) -> anyhow::Result<()> {
        let target = self.command("Target.createTarget", &json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.command("Target.attachToTarget", &attach)?;
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        self.command("Page.enable", &json!({}))?;
        self.command("Page.navigate", &json!({ "url": url }))?;
        while self.receive()?["method"] != "Page.loadEventFired" {}
        Ok(())
    }

    /// Messages end with a zero byte.
    fn command(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.to.write_all(format!("{message}\0").as_bytes())?;
        loop {
            let mut answer = self.receive()?;
            if answer["id"] == self.sent {
                return match answer["error"].take() {
                    Value::Null => Ok(answer["result"].take()),
                    error => Err(anyhow!("{method}: {error}")),
                };
            }
        }
    }

    fn receive(&mut self) -> anyhow::Result<Value> {
        let mut message = Vec::new();
        self.from.read_until(0, &mut message)?;
        if message.pop() != Some(0) {
            bail!("the browser has ended");
        }
        Ok(serde_json::from_slice(&message)?)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
