use super::request::AddSchema;
use crate::delegation::OAuthResult;
use crate::docs::Schemas;
use crate::error::ApiResult;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::{HttpRequest, HttpResponse, Responder};
use jeton_api_types::{ExposeSecret, IssuedToken, RenewedToken};
use jeton_http_kit::Json;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

/// What a handler answers if all is well, as its signature says.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    pub(crate) headers: Vec<(&'static str, Value)>,
    pub(crate) content: Option<Content>,
    pub(crate) example: Option<Value>,
    /// When it is a redirect instead.
    pub(crate) redirects: Option<&'static str>,
    /// What to call the example, and another one.
    pub(crate) other_example: Option<(&'static str, &'static str, Value)>,
}

/// A body.
pub(crate) enum Content {
    Json(AddSchema),
    /// Its media type and its schema.
    Plain(&'static str, Value),
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            description: "",
            headers: Vec::new(),
            content: None,
            example: None,
            redirects: None,
            other_example: None,
        }
    }

    fn json<T: ToSchema>(status: u16) -> Self {
        Self {
            content: Some(Content::Json(Schemas::answer::<T>)),
            ..Self::new(status)
        }
    }

    fn with(mut self, header: &'static str, shared: &'static str) -> Self {
        self.headers.push((header, crate::docs::shared_header(shared)));
        self
    }
}

/// What a handler returns that says what it answers.
pub(crate) trait Answers {
    fn answer() -> Answer;
}

impl<T: Answers> Answers for ApiResult<T> {
    fn answer() -> Answer {
        T::answer()
    }
}

impl<T: Answers> Answers for OAuthResult<T> {
    fn answer() -> Answer {
        T::answer()
    }
}

/// Of what it has, the endpoint tells.
impl Answers for HttpResponse {
    fn answer() -> Answer {
        Answer::new(200)
    }
}

impl<T: ToSchema> Answers for Json<T> {
    fn answer() -> Answer {
        Answer::json::<T>(200)
    }
}

/// 201, with what was created.
pub(crate) struct Created<T>(pub(crate) T);

impl<T: ToSchema> Answers for Created<T> {
    fn answer() -> Answer {
        Answer::json::<T>(201)
    }
}

impl<T: Serialize> Responder for Created<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Created().json(self.0)
    }
}

/// 204.
pub(crate) struct NoContent;

impl Answers for NoContent {
    fn answer() -> Answer {
        Answer::new(204)
    }
}

impl Responder for NoContent {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}

/// 200, and nothing more to say.
pub(crate) struct Empty;

impl Answers for Empty {
    fn answer() -> Answer {
        Answer::new(200)
    }
}

impl Responder for Empty {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().finish()
    }
}

/// Something in JSON that no cache may keep.
pub(crate) struct NoStore<T, const STATUS: u16 = 200>(pub(crate) T);

impl<T: ToSchema, const STATUS: u16> Answers for NoStore<T, STATUS> {
    fn answer() -> Answer {
        Answer::json::<T>(STATUS).with("Cache-Control", "NoStore")
    }
}

impl<T: Serialize, const STATUS: u16> Responder for NoStore<T, STATUS> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut answer = HttpResponse::build(StatusCode::from_u16(STATUS).unwrap_or_default());
        answer.insert_header((CACHE_CONTROL, "no-store")).json(self.0)
    }
}

/// The one answer that holds a token's text, in its body and in `X-Auth-Token`. No cache may keep it.
pub(crate) struct Issued<const STATUS: u16, T = IssuedToken>(pub(crate) T);

/// A body that has a token's text in it.
pub(crate) trait Issues {
    fn issued(&self) -> &IssuedToken;
}

impl Issues for IssuedToken {
    fn issued(&self) -> &IssuedToken {
        self
    }
}

impl Issues for RenewedToken {
    fn issued(&self) -> &IssuedToken {
        &self.issued
    }
}

impl<const STATUS: u16, T: ToSchema> Answers for Issued<STATUS, T> {
    fn answer() -> Answer {
        Answer::json::<T>(STATUS)
            .with("X-Auth-Token", "Token")
            .with("Cache-Control", "NoStore")
    }
}

impl<const STATUS: u16, T: Issues + Serialize> Responder for Issued<STATUS, T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let status = StatusCode::from_u16(STATUS).unwrap_or_default();
        HttpResponse::build(status)
            .insert_header((X_AUTH_TOKEN, self.0.issued().token.expose_secret()))
            .insert_header((CACHE_CONTROL, "no-store"))
            .json(self.0)
    }
}
