use actix_web::{HttpMessage, HttpRequest};
use std::net::IpAddr;
use tracing_actix_web::RequestId;

/// Where a request comes from: the address of whoever has connected. `None` where that is no address, as with a Unix
/// socket.
#[must_use]
pub fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|peer| peer.ip().to_canonical())
}

/// What the log names a request by.
#[must_use]
pub fn request_id(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<RequestId>().map(ToString::to_string)
}
