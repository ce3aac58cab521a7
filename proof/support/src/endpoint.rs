use crate::{RawRequest, RawResponse};

/// Where a service listens: what a [`ServiceProcess`](crate::ServiceProcess) and an `InProcess` have in common.
#[derive(Debug)]
pub struct Endpoint(pub(crate) String);

impl Endpoint {
    /// Host and port, for [`raw`](crate::raw()).
    pub fn address(&self) -> &str {
        &self.0
    }

    /// What it answers to a `GET` without further headers.
    pub fn get(&self, path: &str) -> RawResponse {
        RawRequest::new("GET", path).send(&self.0)
    }

    /// `http://` and the address, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.0)
    }
}
