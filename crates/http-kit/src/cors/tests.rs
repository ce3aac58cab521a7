use super::*;

fn read(text: &str) -> Result<CorsOrigins, String> {
    text.parse()
}

#[test]
fn origins_are_read_as_browsers_send_them() {
    assert_eq!(read("*"), Ok(CorsOrigins::Any));
    assert_eq!(read(""), Ok(CorsOrigins::These(Vec::new())));
    let origins = [
        "https://app.example.org",
        "http://localhost:3000",
        "capacitor://localhost",
        "ionic://localhost",
        "tauri://localhost",
        "app://.",
        "app://obsidian.md",
        "app://localhost:8080",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    ];
    let exactly = origins.map(|origin| AllowedOrigin::Exactly(origin.to_owned()));
    assert_eq!(
        read(&origins.join(", ")),
        Ok(CorsOrigins::These(exactly.to_vec()))
    );
}

#[test]
fn any_port_is_for_the_users_own_machine() {
    for name in ["http://localhost", "http://127.0.0.1", "http://[::1]"] {
        let Ok(CorsOrigins::These(origins)) = read(&format!("{name}:*")) else {
            panic!("{name}");
        };
        let allows = |origin: &str| origins[0].allows(origin.as_bytes());
        for port in ["", ":1", ":3000", ":65535"] {
            assert!(allows(&format!("{name}{port}")), "{name}{port}");
        }
        for other in [
            ".evil.example",
            ":",
            ":3000x",
            ":3000.evil.example",
            "@evil.example",
            ":3000:1",
        ] {
            assert!(!allows(&format!("{name}{other}")), "{name}{other}");
        }
        assert!(!allows("https://localhost:3000") && !allows("http://localhos"));
    }
}

#[test]
fn headers_are_names_or_any() {
    let read = |text: &str| text.parse::<CorsHeaders>();
    assert_eq!(read("*"), Ok(CorsHeaders::Any));
    let two = ["x-datadog-trace-id", "x-b3-traceid"].map(HeaderName::from_static);
    assert_eq!(
        read("X-Datadog-Trace-Id, x-b3-traceid"),
        Ok(CorsHeaders::These(two.to_vec()))
    );
    for bad in ["x-a, *", "x y:", "ü"] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_origin_that_no_browser_sends_is_refused() {
    for bad in [
        "app.example.org",
        "https://app.example.org/",
        "https://App.example.org",
        "https://app.example.org:443",
        "https://*.example.org",
        "https://`app.example.org",
        "https://app.example.org{",
        "https://app.example.org,*",
        "null",
        "file:///",
        "file://host",
        "data:x",
        "capacitor://",
        "capacitor://localhost/",
        "Capacitor://localhost",
        "capacitor://Localhost",
        "capacitor://localhost:99999",
        "app://*",
        "app://a@b",
        "javascript://x",
        "http://app.example.org:*",
        "https://localhost:*",
        "http://localhost:3000:*",
        "http://localhost.evil.example:*",
        "capacitor://localhost:*",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    assert!(
        read("https://app.example.org/x")
            .unwrap_err()
            .contains("mean https://app.example.org?")
    );
}
