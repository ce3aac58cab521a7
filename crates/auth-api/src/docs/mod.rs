//! What the API is: `GET /openapi.json` for programs, and `GET /docs` for people, who can try it there.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{ServiceConfig, resource};
use actix_web::{HttpResponse, http::header::ContentType};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jeton_http_kit::{get_or_head, method_not_allowed};
use sha2::{Digest, Sha256};

const DOCUMENT: &str = include_str!("openapi.json");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const PAGE: &str = concat!(
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n",
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Jeton auth API</title>\n<style>",
    include_str!("page.css"),
    "</style>\n<main><noscript>This page renders <a href=\"openapi.json\">openapi.json</a> by script.</noscript></main>\n",
    "<script>",
    include_str!("page.js"),
    "</script>\n</html>\n",
);

pub(crate) fn configure(config: &mut ServiceConfig) {
    let policy = policy();
    let show = move || {
        let policy = policy.clone();
        async move { page(policy) }
    };
    let at = |path| resource(path).default_service(method_not_allowed("GET, HEAD"));
    config
        .service(at("/openapi.json").route(get_or_head().to(describe)))
        .service(at("/docs").route(get_or_head().to(show)));
}

async fn describe() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(ContentType::json())
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(DOCUMENT)
}

fn page(policy: HeaderValue) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(ContentType::html())
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .body(PAGE)
}

/// Nothing from elsewhere, no script and style but the page's own ([CSP] by digest), no text turned into markup, and no
/// page around it: tokens are typed here.
///
/// [CSP]: https://www.w3.org/TR/CSP3/
fn policy() -> HeaderValue {
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; base-uri 'none'; \
            form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        digest(SCRIPT),
        digest(STYLE),
    );
    // ASCII by construction; without a policy, nothing would be allowed to run rather than everything.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

#[cfg(test)]
mod tests;
