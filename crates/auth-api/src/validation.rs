//! From the fields of a body to the domain's types; what is refused is collected, so that one answer names it all.

use crate::error::ApiError;
use jeton_api_types::FieldError;
use jeton_domain::ScopeSet;
use std::fmt::Display;
use std::time::Duration;

/// The longest time a personal token can be asked to live: ten years, in seconds.
const LONGEST_PERSONAL_SECS: u64 = 10 * 365 * 86_400;

/// What was refused so far.
#[derive(Default)]
pub(crate) struct Refusals(Vec<FieldError>);

impl Refusals {
    /// Takes a field's value out of its parsing, or notes why there is none.
    pub(crate) fn take<T, E: Display>(&mut self, pointer: &str, parsed: Result<T, E>) -> Option<T> {
        parsed
            .map_err(|error| self.0.push(field_error(pointer, &error)))
            .ok()
    }
}

impl From<Refusals> for ApiError {
    fn from(refusals: Refusals) -> Self {
        Self::Validation(refusals.0)
    }
}

fn field_error(pointer: &str, error: &impl Display) -> FieldError {
    FieldError {
        pointer: pointer.to_owned(),
        detail: error.to_string(),
    }
}

/// One field's refusal as an error.
pub(crate) fn refuse(pointer: &str, error: &impl Display) -> ApiError {
    ApiError::Validation(vec![field_error(pointer, error)])
}

pub(crate) fn scopes(texts: &[String]) -> Result<ScopeSet, jeton_domain::InvalidScope> {
    ScopeSet::from_texts(texts)
}

/// How long a token from a sign-in lives: as asked, but no longer than the service lets it.
pub(crate) fn login_ttl(asked: Option<u64>, service: Option<Duration>) -> Result<Option<Duration>, String> {
    match (asked.map(Duration::from_secs), service) {
        (None, _) => Ok(service),
        (Some(Duration::ZERO), _) => Err("must be at least 1".to_owned()),
        (Some(asked), Some(longest)) if asked > longest => {
            Err(format!("must be at most {}", longest.as_secs()))
        }
        (Some(asked), None) if asked.as_secs() > LONGEST_PERSONAL_SECS => Err(format!(
            "must be at most {LONGEST_PERSONAL_SECS}; leave it out for a token that does not expire"
        )),
        (Some(asked), _) => Ok(Some(asked)),
    }
}

/// How long a personal token lives: as asked; as long as one from a sign-in where nothing is said.
pub(crate) fn personal_ttl(
    asked: Option<u64>,
    service: Option<Duration>,
) -> Result<Option<Duration>, String> {
    match asked {
        None => Ok(service),
        Some(secs @ 1..=LONGEST_PERSONAL_SECS) => Ok(Some(Duration::from_secs(secs))),
        Some(_) => Err(format!("must be from 1 to {LONGEST_PERSONAL_SECS}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Option<Duration> = Some(Duration::from_secs(86_400));

    #[test]
    fn a_sign_in_never_outlives_the_setting() {
        assert_eq!(login_ttl(None, DAY), Ok(DAY));
        assert_eq!(login_ttl(None, None), Ok(None));
        assert_eq!(login_ttl(Some(60), DAY), Ok(Some(Duration::from_secs(60))));
        assert!(login_ttl(Some(86_401), DAY).is_err());
        assert!(login_ttl(Some(0), DAY).is_err());
        assert!(login_ttl(Some(u64::MAX), None).is_err());
    }

    #[test]
    fn a_personal_token_may() {
        assert_eq!(personal_ttl(None, DAY), Ok(DAY));
        assert_eq!(
            personal_ttl(Some(172_800), DAY),
            Ok(Some(Duration::from_secs(172_800)))
        );
        assert!(personal_ttl(Some(0), DAY).is_err());
        assert!(personal_ttl(Some(u64::MAX), None).is_err());
    }
}
