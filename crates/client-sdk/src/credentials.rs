use jeton_api_types::{ExposeSecret, LoginRequest, SecretText, SignUpRequest};

/// What a [`Session`](crate::Session) signs in with, now and again when its token is no longer accepted.
#[derive(Debug)]
pub struct Credentials(pub(crate) LoginRequest);

impl Credentials {
    /// A user's name and password.
    #[must_use]
    pub fn new(username: impl Into<String>, password: impl Into<SecretText>) -> Self {
        Self(LoginRequest {
            username: username.into(),
            password: password.into(),
            name: None,
            scopes: None,
            expires_in: None,
        })
    }

    /// What to call the tokens, as "Pixel 9".
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = Some(name.into());
        self
    }

    /// What the tokens are to be for; all that the user may do where this is not called.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.0.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// How many seconds each token is to live at most.
    #[must_use]
    pub fn expires_in(mut self, secs: u64) -> Self {
        self.0.expires_in = Some(secs);
        self
    }
}

impl From<LoginRequest> for Credentials {
    fn from(login: LoginRequest) -> Self {
        Self(login)
    }
}

impl From<&SignUpRequest> for Credentials {
    fn from(request: &SignUpRequest) -> Self {
        Self::new(request.username.clone(), request.password.expose_secret())
    }
}
