use crate::audit_context::By;
use crate::docs::Schemas;
use crate::state::State;
use actix_web::web::{Data, Path, Query};
use jeton_api_types::ProblemResponse;
use jeton_http_kit::{
    FORM, Form, JSON, Json, JsonOrForm, body_problems, field_names, malformed_query_problem,
    unknown_name_problem,
};
use jeton_verifier::Caller;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

/// Adds a type to the document's schemas, and gives what refers to it there.
pub(crate) type AddSchema = fn(&mut Schemas) -> Value;

/// What a handler takes, as its signature says.
#[derive(Default)]
pub(crate) struct Request {
    /// By media type.
    pub(crate) bodies: Vec<(&'static str, AddSchema)>,
    /// Whether none says something as well.
    pub(crate) needs_no_body: bool,
    /// Each gives some parameters of the query.
    pub(crate) queries: Vec<fn(&mut Schemas) -> Vec<Value>>,
    /// The parameters that the query may have.
    pub(crate) parameters: Parameters,
    /// What is answered where it cannot be had.
    pub(crate) problems: Vec<ProblemResponse>,
}

/// Which parameters a query may have.
pub(crate) enum Parameters {
    /// These, and none besides.
    Known(Vec<&'static str>),
    /// Any: those that nobody knows are ignored, as [RFC 6749 §3.2](https://www.rfc-editor.org/rfc/rfc6749#section-3.2) says,
    /// and by `livez` and `readyz`.
    Any,
    /// What its extractor says.
    Read,
}

impl Default for Parameters {
    fn default() -> Self {
        Self::Known(Vec::new())
    }
}

impl Request {
    /// What the handler with this signature takes.
    pub(crate) fn of<T: Takes>() -> Self {
        let mut request = Self::default();
        T::describe(&mut request);
        // One that has a body tells of unknown names already.
        if !matches!(request.parameters, Parameters::Any) && request.bodies.is_empty() {
            request.problems.push(unknown_name_problem());
        }
        request
    }
}

/// An extractor that says what it takes out of the request.
pub(crate) trait Takes {
    fn describe(request: &mut Request);
}

impl<T: ToSchema> Takes for Json<T> {
    fn describe(request: &mut Request) {
        request.bodies.push((JSON, Schemas::request::<T>));
        request.problems.extend(body_problems(&[JSON]));
    }
}

impl<T: ToSchema> Takes for Form<T> {
    fn describe(request: &mut Request) {
        request.bodies.push((FORM, Schemas::form_of_oauth::<T>));
        request.parameters = Parameters::Any;
        request.problems.extend(body_problems(&[FORM]));
    }
}

impl<T: ToSchema> Takes for JsonOrForm<T> {
    fn describe(request: &mut Request) {
        request.bodies.push((JSON, Schemas::request::<T>));
        request.bodies.push((FORM, Schemas::form::<T>));
        request.problems.extend(body_problems(&[JSON, FORM]));
    }
}

impl<T: ToSchema + DeserializeOwned> Takes for Query<T> {
    fn describe(request: &mut Request) {
        if let Parameters::Known(names) = &mut request.parameters {
            names.extend(field_names::<T>().into_iter().flatten());
        }
        request.queries.push(Schemas::query::<T>);
        request.problems.push(malformed_query_problem());
    }
}

/// The ids in the path, which it describes itself.
impl<T> Takes for Path<T> {
    fn describe(_: &mut Request) {}
}

/// Whoever works with the database may have to do without.
impl Takes for Data<State> {
    fn describe(request: &mut Request) {
        request.problems.push(ProblemResponse::unavailable(1));
    }
}

/// From the guard.
impl Takes for Caller {
    fn describe(_: &mut Request) {}
}

impl Takes for By {
    fn describe(_: &mut Request) {}
}

macro_rules! tuples {
    ($(($($part:ident)*))*) => {$(
        impl<$($part: Takes),*> Takes for ($($part,)*) {
            fn describe(_request: &mut Request) {
                $($part::describe(_request);)*
            }
        }
    )*};
}

tuples! { () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }
