mod faults;
mod person;

pub use person::Looks;

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
    /// Where the page is, or was sent.
    at: String,
    is_loaded: bool,
    faults: Vec<String>,

    _profile: TempDir,
}

impl Browser {
    /// With a page that is empty. `None`, and a word about it, where no browser is installed: see [`find_program`].
    pub fn start() -> Option<Self> {
        let program = find_program(&BROWSERS, "--version")?;
        let started = Self::spawn(program).and_then(|mut browser| {
            browser.open_page()?;
            Ok(browser)
        });
        Some(or_panic("start a browser", started))
    }

    /// Opens a page and returns when it is loaded; otherwise as [`start`](Self::start).
    pub fn open(url: &str) -> Option<Self> {
        let mut browser = Self::start()?;
        browser.visit(url);
        Some(browser)
    }

    /// Goes to a page, and returns when it is loaded.
    pub fn visit(&mut self, url: &str) {
        let visited = self.go(url);
        or_panic("visit a page", visited);
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

    fn spawn(program: &str) -> anyhow::Result<Self> {
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
            at: String::new(),
            is_loaded: false,
            faults: Vec::new(),
            _profile: profile,
        })
    }

    fn open_page(&mut self) -> anyhow::Result<()> {
        let target = self.command("Target.createTarget", &json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.command("Target.attachToTarget", &attach)?;
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Audits"] {
            self.command(&format!("{domain}.enable"), &json!({}))?;
        }
        Ok(())
    }

    fn go(&mut self, url: &str) -> anyhow::Result<()> {
        self.is_loaded = false;
        self.command("Page.navigate", &json!({ "url": url }))?;
        while !self.is_loaded {
            let message = self.receive()?;
            self.note(&message)?;
        }
        Ok(())
    }

    /// Messages end with a zero byte.
    fn command(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        let sent = self.send(method, params)?;
        loop {
            let mut answer = self.receive()?;
            if answer["id"] == sent {
                return match answer["error"].take() {
                    Value::Null => Ok(answer["result"].take()),
                    error => Err(anyhow!("{method}: {error}")),
                };
            }
            self.note(&answer)?;
        }
    }

    fn send(&mut self, method: &str, params: &Value) -> anyhow::Result<u64> {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.to.write_all(format!("{message}\0").as_bytes())?;
        Ok(self.sent)
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
