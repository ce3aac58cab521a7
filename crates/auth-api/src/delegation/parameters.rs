use super::oauth_error::{OAuthError, OAuthResult};
use crate::endpoint::{Parameters, Request, Takes};
use jeton_api_types::ProblemResponse;
use jeton_http_kit::{Form, JSON, Json, body_problems};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// The parameters of a request as OAuth has them: those that nobody knows are ignored, and none may come twice
/// ([RFC 6749 §3.1](https://www.rfc-editor.org/rfc/rfc6749#section-3.1)). They may have secrets in them.
#[derive(Default)]
pub(crate) struct OAuthParameters(Vec<(String, Value)>);

/// Why a parameter says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// It comes more than once.
    Twice,
    /// As in JSON alone.
    NoText,
}

impl Unclear {
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Twice => "A parameter comes more than once.",
            Self::NoText => "A parameter is no text.",
        }
    }
}

impl OAuthParameters {
    /// Whether there is anything of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        !matches!(self.get(name), Ok(None))
    }

    /// An empty one, or JSON's null, is as good as none.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, Unclear> {
        let mut of_name = self.0.iter().filter(|(other, _)| other == name);
        let first = of_name.next();
        if of_name.next().is_some() {
            return Err(Unclear::Twice);
        }
        match first {
            None | Some((_, Value::Null)) => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(Unclear::NoText),
        }
    }

    /// As [`get`](Self::get), for the endpoints of clients: of a form, all is text.
    pub(crate) fn find(&self, name: &str) -> OAuthResult<Option<&str>> {
        self.get(name)
            .map_err(|unclear| OAuthError::invalid_request(unclear.description()))
    }

    pub(crate) fn need(&self, name: &str, missing: &'static str) -> OAuthResult<&str> {
        self.find(name)?.ok_or(OAuthError::invalid_request(missing))
    }
}

impl<'de> Deserialize<'de> for OAuthParameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = OAuthParameters;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("parameters")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OAuthParameters, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(OAuthParameters(pairs))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

/// The endpoint tells which there are. What cannot be read is an error of OAuth's.
impl Takes for Result<Form<OAuthParameters>, ProblemResponse> {
    fn describe(request: &mut Request) {
        request.parameters = Parameters::Any;
    }
}

/// The endpoint tells which there are.
impl Takes for Json<OAuthParameters> {
    fn describe(request: &mut Request) {
        request.problems.extend(body_problems(&[JSON]));
    }
}

impl fmt::Debug for OAuthParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OAuthParameters(…)")
    }
}
