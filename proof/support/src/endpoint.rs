/// Where a service listens: what a [`ServiceProcess`](crate::ServiceProcess) and an `InProcess` have in common.
#[derive(Debug)]
pub struct Endpoint(pub(crate) String);

impl Endpoint {
    /// Host and port, for [`raw`](crate::raw()).
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0
    }

    /// `http://` and the address, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.0)
    }
}
