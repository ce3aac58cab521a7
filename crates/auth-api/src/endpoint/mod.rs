//! An endpoint, declared once, beside its handler: the router, the methods that a path has, who may, the OpenAPI document,
//! the pages of the documentation and the check that the SDK has it all follow from that.

mod access;
mod answer;
mod request;
mod router;

pub(crate) use access::Access;
pub(crate) use answer::{Answer, Answers, Content, Created, Empty, Issued, NoContent, NoStore};
pub(crate) use request::{Parameters, Request, Takes};
pub(crate) use router::{Resource, resources};

use self::request::AddSchema;
use crate::delegation::OAuthError;
use crate::docs::{Schemas, header, shared_header};
use crate::error::ApiError;
use crate::revoked_token;
use actix_web::http::Method;
use actix_web::{FromRequest, Handler, Responder, Route};
use jeton_api_types::ProblemResponse;
use serde_json::{Value, json};
use std::time::Duration;

/// The headings that the document has endpoints under, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    SigningIn,
    Account,
    Tokens,
    Delegation,
    ServicesAndGateways,
    Administration,
    Pages,
    Operation,
}

pub(crate) struct Endpoint {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    /// What is answered with a token that it has revoked before; `None` where it revokes none.
    pub(crate) revokes: Option<revoked_token::Answer>,
    pub(crate) tag: Tag,
    /// The document's `operationId`.
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    pub(crate) request: Request,
    pub(crate) answer: Answer,
    /// Its own, beyond those that follow from who may and from what it takes.
    pub(crate) problems: Vec<ProblemResponse>,
    /// What a client is told that says who it is, in place of problems or besides them.
    pub(crate) oauth_errors: Vec<OAuthError>,
    /// Whether it counts as an act of the user's: see [`acts`](crate::acts).
    is_counted: bool,
    by_any_method: bool,
    checks_token_itself: bool,
    /// Sets a route's handler; `None` where it is the HTTP kit that serves it.
    handle: Option<Box<dyn Fn(Route) -> Route + Send + Sync>>,
}

impl Endpoint {
    /// What it takes, and what it answers if all is well, the handler's signature says.
    pub(crate) fn new<F, T>(method: Method, path: &'static str, access: Access, handler: F) -> Self
    where
        F: Handler<T, Output: Responder + Answers + 'static> + Send + Sync,
        T: FromRequest + Takes + 'static,
    {
        Self {
            method,
            access,
            request: Request::of::<T>(),
            answer: F::Output::answer(),
            handle: Some(Box::new(move |route| route.to(handler.clone()))),
            ..Self::served_by_the_kit(path)
        }
    }

    /// One that every service has from the HTTP kit, whatever the query.
    pub(crate) fn served_by_the_kit(path: &'static str) -> Self {
        Self {
            method: Method::GET,
            path,
            access: Access::Public,
            revokes: None,
            tag: Tag::Operation,
            id: "",
            summary: "",
            description: "",
            request: Request {
                parameters: Parameters::Any,
                ..Request::default()
            },
            answer: Answer::new(200),
            problems: Vec::new(),
            oauth_errors: Vec::new(),
            is_counted: false,
            by_any_method: false,
            checks_token_itself: false,
            handle: None,
        }
    }

    pub(crate) fn named(self, tag: Tag, id: &'static str, summary: &'static str) -> Self {
        Self {
            tag,
            id,
            summary,
            ..self
        }
    }

    pub(crate) fn about(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    /// What it says if all is well.
    pub(crate) fn answers(mut self, description: &'static str) -> Self {
        self.answer.description = description;
        self
    }

    /// A header that only this endpoint's answer has, as the document describes headers.
    pub(crate) fn header(mut self, name: &'static str, described: Value) -> Self {
        self.answer.headers.push((name, described));
        self
    }

    /// A body that no type describes.
    pub(crate) fn content(mut self, media_type: &'static str, schema: Value, example: Value) -> Self {
        self.answer.content = Some(Content::Plain(media_type, schema));
        self.example(example)
    }

    /// It answers a page of HTML, under this content security policy.
    pub(crate) fn html(self, policy: &'static str) -> Self {
        let text = |is: &str| json!({ "const": is });
        self.header(
            "Content-Security-Policy",
            header(
                "Nothing from elsewhere, and no script but the page's own.",
                json!({ "type": "string" }),
                policy,
            ),
        )
        .header(
            "X-Content-Type-Options",
            header("It is HTML and nothing else.", text("nosniff"), "nosniff"),
        )
        .header("Referrer-Policy", shared_header("NoReferrer"))
        .content("text/html", json!({ "type": "string" }), json!("<!doctype html>"))
    }

    /// It may answer 302 instead: when.
    pub(crate) fn redirects(mut self, when: &'static str) -> Self {
        self.answer.redirects = Some(when);
        self
    }

    /// A body of JSON that no type describes, and that no cache may keep.
    pub(crate) fn json(mut self, status: u16, schema: Value) -> Self {
        self.answer.status = status;
        let example = Schemas::first_example(&schema);
        self.header("Cache-Control", shared_header("NoStore"))
            .content("application/json", schema, example)
    }

    /// Parameters that nobody knows say nothing.
    pub(crate) fn ignores_unknown_parameters(mut self) -> Self {
        self.request.parameters = Parameters::Any;
        self.request.problems.retain(|one| one.problem().status != 422);
        self
    }

    /// It takes a body that no type describes.
    pub(crate) fn takes(mut self, media_type: &'static str, schema: AddSchema) -> Self {
        self.request.bodies = vec![(media_type, schema)];
        self
    }

    /// A client that says who it is, by HTTP Basic or in its form, is told these errors ([RFC 6749 §5.2]), and those that it is
    /// told anywhere.
    ///
    /// [RFC 6749 §5.2]: https://www.rfc-editor.org/rfc/rfc6749#section-5.2
    pub(crate) fn of_clients<const N: usize>(mut self, errors: [OAuthError; N]) -> Self {
        self.oauth_errors.extend(OAuthError::EVERYWHERE);
        self.oauth_errors.extend(errors);
        self
    }

    /// Another example of the answer than the one that the type has.
    pub(crate) fn example(mut self, example: Value) -> Self {
        self.answer.example = Some(example);
        self
    }

    /// A second example, where one does not show what there is: both have names then.
    pub(crate) fn other_example(mut self, first: &'static str, other: &'static str, example: Value) -> Self {
        self.answer.other_example = Some((first, other, example));
        self
    }

    pub(crate) fn revokes(self, answer: revoked_token::Answer) -> Self {
        Self {
            revokes: Some(answer),
            ..self
        }
    }

    /// It leaves a row or an event each time, and revokes nothing: a user may do so many such acts in an hour.
    pub(crate) fn counted(self) -> Self {
        let counted = Self {
            is_counted: true,
            ..self
        };
        counted.problems([ApiError::TooManyAttempts(Duration::ZERO)])
    }

    pub(crate) fn problems<const N: usize>(mut self, errors: [ApiError; N]) -> Self {
        self.problems.extend(errors.map(|error| error.problem()));
        self
    }

    /// No guard stands before it: which tokens it accepts depends on what it is asked.
    pub(crate) fn checks_token_itself(self) -> Self {
        Self {
            checks_token_itself: true,
            ..self
        }
    }

    pub(crate) fn by_any_method(self) -> Self {
        Self {
            by_any_method: true,
            ..self
        }
    }
}
