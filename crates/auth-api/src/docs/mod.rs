//! What the API is: `GET /openapi.json` for programs, and `GET /docs` for people, who can try it there.

mod document;
mod responses;
mod schemas;

pub(crate) use responses::{header, shared_header};
pub(crate) use schemas::Schemas;

use crate::endpoint::{Access, Endpoint, Tag, resources};
use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

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

/// The OpenAPI 3.1 document of what the service serves, made once, from the declarations of its endpoints.
pub fn openapi() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| document::document(resources()).to_string());
    &DOCUMENT
}

pub(crate) fn endpoints() -> [Endpoint; 2] {
    [
        Endpoint::new(Method::GET, "/openapi.json", Access::Public, describe)
            .named(Tag::Operation, "describe", "This document")
            .answers("An OpenAPI 3.1 document.")
            .header("Cache-Control", shared_header("NoCache"))
            .content(
                "application/json",
                json!({ "type": "object", "required": ["openapi"] }),
                json!({ "openapi": "3.1.1" }),
            ),
        Endpoint::new(Method::GET, "/docs", Access::Public, page)
            .named(Tag::Operation, "showDocs", "Read and try it")
            .answers("A page that renders `/openapi.json`, and lets one try it.")
            .header("Cache-Control", shared_header("NoCache"))
            .html("default-src 'none'"),
    ]
}

async fn describe() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(ContentType::json())
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(openapi())
}

async fn page() -> HttpResponse {
    static POLICY: LazyLock<HeaderValue> = LazyLock::new(policy);
    HttpResponse::Ok()
        .insert_header(ContentType::html())
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY.clone()))
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
