//! A service that is not written in Rust, behind nginx, with the configuration that the documentation hands out. Needs
//! the program `nginx`; without it, the tests say so and do nothing.

use crate::support::Auth;
use jeton_client::{ExposeSecret, Session};
use jeton_test_support::{RawRequest, RawResponse};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CONFIGURATION: &str = include_str!("../../../../docs/gateways/nginx.conf");
const PATIENCE: Duration = Duration::from_secs(60);

/// nginx as the gateway, and, in the same process, as the service behind it: a page, and what came along with the
/// request for it.
struct Gateway {
    process: Child,
    address: String,
    _directory: tempfile::TempDir,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests has to know")]
fn start(auth: &Auth) -> Option<Gateway> {
    if Command::new("nginx").arg("-v").output().is_err() {
        eprintln!("skipped: nginx is not installed");
        return None;
    }
    let (front, app) = (free_address(), free_address());
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let mut copied = CONFIGURATION.to_owned();
    for (from, to) in [
        (
            "server 127.0.0.1:8080;",
            format!("server {};", auth.service.address()),
        ),
        ("server 127.0.0.1:8000;", format!("server {app};")),
        ("listen 8088;", format!("listen {front};")),
    ] {
        assert_eq!(copied.matches(from).count(), 1, "{from}");
        copied = copied.replace(from, &to);
    }
    std::fs::write(file("jeton.conf"), copied).unwrap();
    std::fs::write(file("page.html"), "the page").unwrap();
    std::fs::write(file("nginx.conf"), around(directory.path(), &app)).unwrap();
    let process = Command::new("nginx")
        .arg("-p")
        .arg(directory.path())
        .arg("-c")
        .arg(file("nginx.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut gateway = Gateway {
        process,
        address: front,
        _directory: directory,
    };
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(&gateway.address).is_err() {
        assert!(gateway.process.try_wait().unwrap().is_none(), "nginx has ended");
        assert!(Instant::now() < deadline, "nginx does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
    Some(gateway)
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string()
}

/// The rest of nginx's configuration. One process, which ends with the test.
fn around(directory: &Path, app: &str) -> String {
    let directory = directory.display();
    format!(
        "daemon off; master_process off; pid {directory}/pid; error_log stderr crit;
        events {{ worker_connections 128; }}
        http {{
            access_log off;
            client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
            fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
            include {directory}/jeton.conf;
            server {{
                listen {app};
                root {directory};
                add_header Seen-User-Id $http_x_auth_user_id always;
                add_header Seen-Username $http_x_auth_username always;
                add_header Seen-Scopes $http_x_auth_scopes always;
                add_header Seen-Token-Id $http_x_auth_token_id always;
                add_header Seen-Authorization $http_authorization always;
            }}
        }}"
    )
}

impl Gateway {
    fn send(&self, request: &RawRequest) -> RawResponse {
        request.clone().header("Connection", "close").send(&self.address)
    }

    fn get(&self, session: &Session) -> RawResponse {
        self.send(&request("GET", session))
    }
}

fn request(method: &str, session: &Session) -> RawRequest {
    RawRequest::new(method, "/page.html").header(
        "Authorization",
        format!("Bearer {}", session.token().expose_secret()),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_learns_whose_request_it_is_and_nobody_else_tells_it() {
    let auth = Auth::start();
    let Some(gateway) = start(&auth) else { return };
    let session = auth.sign_up("Straße").await;
    let me = session.me().await.unwrap();
    let (user, token) = (me.user.id.to_string(), me.token.id.to_string());

    let forged = [
        "X-Auth-User-Id",
        "x-auth-username",
        "X-AUTH-SCOPES",
        "X-Auth-Token-Id",
        "X_Auth_User_Id",
    ]
    .into_iter()
    .fold(request("GET", &session), |request, name| {
        request.header(name, "forged")
    });
    for request in [request("GET", &session), forged] {
        let answer = gateway.send(&request);
        assert_eq!((answer.status, answer.text().as_str()), (200, "the page"));
        let seen = |name| answer.header(name);
        assert_eq!(seen("Seen-User-Id"), Some(user.as_str()));
        assert_eq!(seen("Seen-Username"), Some("Stra%C3%9Fe"));
        assert_eq!(seen("Seen-Scopes"), Some("notes:read notes:write"));
        assert_eq!(seen("Seen-Token-Id"), Some(token.as_str()));
        assert_eq!(seen("Seen-Authorization"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_token_or_the_wrong_one_is_told_as_the_auth_api_would() {
    let auth = Auth::start();
    let Some(gateway) = start(&auth) else { return };
    let reader = auth.sign_up("ada").await;
    let less = jeton_client::CreateTokenRequest {
        name: "reader".into(),
        scopes: vec!["notes:read".into()],
        expires_in: None,
    };
    let reader = auth
        .client()
        .session(reader.tokens().create(&less).await.unwrap().token)
        .unwrap();

    let missing = gateway.send(&RawRequest::new("GET", "/page.html").header("X-Auth-User-Id", "forged"));
    assert_eq!(missing.status, 401);
    assert_eq!(
        missing.header("WWW-Authenticate"),
        Some(r#"Bearer realm="jeton""#)
    );
    let bad = RawRequest::new("GET", "/page.html").header("Authorization", "Bearer jtn_mistyped");
    let bad = gateway.send(&bad);
    assert_eq!(bad.status, 401);
    assert_eq!(
        bad.header("WWW-Authenticate"),
        Some(r#"Bearer realm="jeton", error="invalid_token""#)
    );
    for answer in [missing, bad] {
        assert!(!answer.text().contains("the page") && answer.header("Seen-User-Id").is_none());
    }

    assert_eq!(gateway.get(&reader).status, 200);
    assert_eq!(gateway.send(&request("POST", &reader).body("x=1")).status, 403);
    // The page takes no POST: that it says so shows that the request has arrived.
    let writer = auth.sign_in("ada").await;
    assert_eq!(gateway.send(&request("POST", &writer).body("x=1")).status, 405);
    // The place that the gateway asks at is not to be asked by others.
    let internal = RawRequest::new("GET", "/_jeton/verify").header(
        "Authorization",
        format!("Bearer {}", reader.token().expose_secret()),
    );
    assert_eq!(gateway.send(&internal).status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_refused_as_soon_as_its_logout_has_returned() {
    let auth = Auth::start();
    let Some(gateway) = start(&auth) else { return };
    auth.sign_up("ada").await;
    for _ in 0..10 {
        let session = auth.sign_in("ada").await;
        let after = auth.only_token(&session);
        for _ in 0..2 {
            assert_eq!(gateway.get(&session).status, 200);
        }
        session.logout().await.unwrap();
        assert_eq!(gateway.get(&after).status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_auth_api_nobody_is_let_through() {
    let auth = Auth::start();
    let Some(gateway) = start(&auth) else { return };
    let session = auth.sign_up("ada").await;
    assert_eq!(gateway.get(&session).status, 200);
    auth.service.kill();
    for request in [request("GET", &session), RawRequest::new("GET", "/page.html")] {
        let answer = gateway.send(&request);
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert_eq!(answer.header("Retry-After"), Some("1"));
        assert!(!answer.text().contains("the page"));
    }
}
