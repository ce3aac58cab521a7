use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use jeton_domain::{Actor, AuditContext};
use jeton_http_kit::{RequestId, client_address};
use jeton_verifier::Caller;
use std::convert::Infallible;
use std::future::{Ready, ready};

/// Who sends the request, and from where, for the audit log: whom the guard has found, or nobody that is known yet.
pub(crate) struct By(pub(crate) AuditContext);

impl FromRequest for By {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Caller>().map(Caller::user_id);
        ready(Ok(Self(AuditContext {
            actor: caller.map_or(Actor::Anonymous, Actor::User),
            address: client_address(request),
            request_id: RequestId::find(request).map(|id| id.to_string()),
        })))
    }
}
