//! The pages for people: where an app is allowed to use an account, where a device's code is typed, and where an app is made to
//! stop. They are static, keep a login token in the browser's storage, and are a client of the API like any other: no cookie is
//! set or read. They can be served from elsewhere as well: see `web/README.md`.

mod address;
mod files;

pub use address::PagesUrl;

use crate::docs::shared_header;
use crate::endpoint::{Access, Endpoint, Parameters, Request, Tag, Takes};
use crate::settings::Signup;
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError};
use files::Assets;
use jeton_http_kit::{SlashDropped, get_or_head, method_not_allowed, not_found_problem};

/// Whose files these are: nothing from elsewhere, no script and style but their own, no text turned into markup, no page around
/// them. Without `form-action`: Chromium applies that to the redirect that follows a form, and apps' addresses are many.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Served here, or elsewhere.
#[derive(Debug)]
pub(crate) struct Pages {
    elsewhere: Option<PagesUrl>,
    assets: Assets,
}

impl Pages {
    pub(crate) fn new(elsewhere: Option<PagesUrl>, signup: Signup) -> Self {
        Self {
            elsewhere,
            assets: Assets::new(signup),
        }
    }

    /// Where a page is, if it is served elsewhere.
    pub(crate) fn elsewhere(&self, name: &str) -> Option<String> {
        self.elsewhere.as_ref().map(|elsewhere| elsewhere.page(name))
    }

    /// What is at `GET /{name}`: the page, or the way to it, with all that was asked.
    fn open(&self, name: &str, page: &'static str, request: &HttpRequest) -> HttpResponse {
        let query = match request.query_string() {
            "" => String::new(),
            query => format!("?{query}"),
        };
        let there = match &self.elsewhere {
            Some(elsewhere) => Some(elsewhere.page(name)),
            // What the page refers to is beside it, wherever that is.
            None if request.extensions().contains::<SlashDropped>() => {
                let last = name.rsplit('/').next().unwrap_or(name);
                Some(format!("../{last}"))
            }
            None => None,
        };
        let Some(there) = there else {
            return HttpResponse::Ok()
                .insert_header(ContentType::html())
                .insert_header((CACHE_CONTROL, "no-store"))
                .insert_header((CONTENT_SECURITY_POLICY, POLICY))
                .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .insert_header((REFERRER_POLICY, "no-referrer"))
                .body(page);
        };
        // An app's request is in the address.
        HttpResponse::Found()
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((REFERRER_POLICY, "no-referrer"))
            .insert_header((LOCATION, there + &query))
            .finish()
    }
}

impl Takes for Data<Pages> {
    /// The query is the pages' business.
    fn describe(request: &mut Request) {
        request.parameters = Parameters::Any;
    }
}

impl Takes for HttpRequest {
    fn describe(_: &mut Request) {}
}

/// No page of another origin may read them ([RFC 9700 §2.6](https://www.rfc-editor.org/rfc/rfc9700#section-2.6)).
pub(crate) const PATHS: [&str; 3] = [AUTHORIZE, DEVICE, APPS];

const AUTHORIZE: &str = "/authorize";
const DEVICE: &str = "/device";
const APPS: &str = "/account/apps";

pub(crate) fn endpoints() -> [Endpoint; 3] {
    [
        page(Endpoint::new(Method::GET, AUTHORIZE, Access::Public, authorize))
            .named(Tag::Pages, "showAuthorize", "Allow an app to use one's account")
            .about(
                "The authorization endpoint ([RFC 6749 §3.1](https://www.rfc-editor.org/rfc/rfc6749#section-3.1)), which an app \
                sends its user's browser to. The parameters are read by the page.",
            ),
        page(Endpoint::new(Method::GET, DEVICE, Access::Public, device))
            .named(Tag::Pages, "showDevice", "Connect a device")
            .about(
                "Where a device's code is typed ([RFC 8628 §3.3](https://www.rfc-editor.org/rfc/rfc8628#section-3.3)). One in \
                `user_code` fills the field in, and is never sent by itself.",
            ),
        page(Endpoint::new(Method::GET, APPS, Access::Public, apps))
            .named(Tag::Pages, "showApps", "See and remove connected apps"),
    ]
}

fn page(endpoint: Endpoint) -> Endpoint {
    endpoint
        .answers("The page.")
        .redirects("The page is served elsewhere (`JETON_PAGES_URL`), or the path had a slash at its end: there, with the same query.")
        .header("Cache-Control", shared_header("NoStore"))
        .html(POLICY)
}

async fn authorize(pages: Data<Pages>, request: HttpRequest) -> HttpResponse {
    pages.open("authorize", include_str!("../../web/authorize.html"), &request)
}

async fn device(pages: Data<Pages>, request: HttpRequest) -> HttpResponse {
    pages.open("device", include_str!("../../web/device.html"), &request)
}

async fn apps(pages: Data<Pages>, request: HttpRequest) -> HttpResponse {
    pages.open(
        "account/apps",
        include_str!("../../web/account/apps.html"),
        &request,
    )
}

/// What the pages are made of: no part of the API.
pub(crate) fn assets(config: &mut ServiceConfig) {
    let resource = web::resource(ASSETS_PATH).default_service(method_not_allowed("GET, HEAD"));
    config.service(resource.route(get_or_head().to(asset)));
}

pub(crate) const ASSETS_PATH: &str = "/assets/{name}";

async fn asset(pages: Data<Pages>, name: Path<String>, request: HttpRequest) -> HttpResponse {
    let found = pages.assets.answer(&name, &request);
    found.unwrap_or_else(|| not_found_problem().error_response())
}
