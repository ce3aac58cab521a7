//! Somebody who visits the pages, and looks at them closely.

use jeton_proof_support::{Browser, Looks};
use serde_json::Value;
use std::path::Path;
use std::{env, fs};

const HELP: &str = include_str!("visitor.js");

/// What looks for what keeps people out ([axe](https://github.com/dequelabs/axe-core)), as `scripts/check` has fetched it.
const AXE: &str = concat!(
    env!("CARGO_TARGET_TMPDIR"),
    "/../tools/pages/node_modules/axe-core/axe.min.js"
);

/// Where pictures of all that is seen are put, for people to look at.
const PICTURES: &str = "PAGES_PICTURES";

pub(super) struct Visitor {
    pub(super) browser: Browser,
    axe: Option<String>,
    name: String,
}

impl Visitor {
    /// `None` where there is no browser.
    pub(super) fn new(looks: Looks<'_>) -> Option<Self> {
        let mut browser = Browser::start()?;
        browser.look(looks);
        let scheme = if looks.dark { "dark" } else { "light" };
        Some(Self {
            browser,
            axe: axe(),
            name: format!("{}-{scheme}-{}", looks.language, looks.width),
        })
    }

    /// In English, at a desk.
    pub(super) fn at_a_desk() -> Option<Self> {
        Self::new(Looks {
            language: "en-GB",
            dark: false,
            width: 1000,
        })
    }

    pub(super) fn visit(&mut self, url: &str) {
        self.browser.visit(url);
    }

    /// What comes of an expression in the page, which may wait.
    pub(super) fn ask(&mut self, expression: &str) -> Value {
        self.browser
            .evaluate(&format!("(async () => {{ {HELP}; return {expression}; }})()"))
    }

    /// Waits for an element with a text that begins so.
    pub(super) fn sees(&mut self, selector: &str, text: &str) {
        let _ = self.ask(&format!("(await shown({selector:?}, {text:?})).textContent"));
    }

    pub(super) fn click(&mut self, selector: &str, text: &str) {
        let _ = self.ask(&format!("(await shown({selector:?}, {text:?})).click()"));
    }

    /// Types into a field, in place of what is there.
    pub(super) fn fill(&mut self, id: &str, text: &str) {
        let _ = self.ask(&format!(
            "(await until(() => document.getElementById({id:?}))).select()"
        ));
        self.browser.type_text(text);
    }

    pub(super) fn sign_in(&mut self, username: &str, password: &str) {
        self.fill("username", username);
        self.fill("password", password);
        self.browser.press("Enter");
    }

    /// Whether something is in the browser's storage: of the tab, and of the browser.
    pub(super) fn keeps_a_token(&mut self) -> (bool, bool) {
        let kept = |storage: &str| format!("{storage}.getItem('jeton.session')?.includes('jtn_') ?? false");
        let kept = self.ask(&format!("[{}, {}]", kept("sessionStorage"), kept("localStorage")));
        (kept[0] == true, kept[1] == true)
    }

    /// Looks closely at what is shown: that nothing went wrong, nothing keeps people out, nothing sticks out.
    pub(super) fn inspect(&mut self, what: &str) {
        let _ = self.ask("await isReady()");
        if let Ok(folder) = env::var(PICTURES) {
            self.picture(&Path::new(&folder).join(format!("{what}-{}.png.base64", self.name)));
        }
        assert_eq!(self.browser.faults(), Vec::<String>::new(), "{what}");
        let sticks_out = self.ask("document.documentElement.scrollWidth > innerWidth");
        assert_eq!(sticks_out, false, "{what}: something is wider than the page");
        let Some(axe) = &self.axe else { return };
        let run = "axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) => \
            `${impact} ${id}: ${nodes.map(({ html }) => html).join()}`))";
        let found = self
            .browser
            .evaluate(&format!("(() => {{ {axe}; return {run}; }})()"));
        assert_eq!(found, serde_json::json!([]), "{what}");
    }

    /// In Base64, which `base64 -d` makes a PNG of.
    fn picture(&mut self, file: &Path) {
        fs::write(file, self.browser.picture()).unwrap();
    }
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests has to know")]
fn axe() -> Option<String> {
    let found = fs::read_to_string(AXE).ok();
    if found.is_none() {
        let required = env::var("JETON_TESTS_REQUIRE").unwrap_or_default();
        let is_required = required
            .split_whitespace()
            .any(|name| name == "axe" || name == "all");
        assert!(
            !is_required,
            "axe is not there (scripts/check fetches it), and JETON_TESTS_REQUIRE asks for it"
        );
        eprintln!("skipped: axe is not there; scripts/check fetches it");
    }
    found
}
