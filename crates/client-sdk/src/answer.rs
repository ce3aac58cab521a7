use crate::ClientError;
use crate::retry::retry_after;
use jeton_api_types::{PROBLEM_JSON, Problem};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The longest body of an answer that is read, in bytes: ten times the longest page of the auth API's.
pub(crate) const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// A problem of ours has a few hundred bytes; what is much longer is not read into memory.
pub(crate) const MAX_PROBLEM_BYTES: usize = 64 * 1024;

/// An answer of the auth API: 2xx, or an error. A redirect is an error too, since it is not followed.
pub(crate) async fn success(response: Response) -> Result<Response, ClientError> {
    if response.status().is_success() {
        Ok(response)
    } else {
        Err(error(response).await)
    }
}

/// The body of an answer.
pub(crate) async fn json<T: DeserializeOwned>(response: Response) -> Result<T, ClientError> {
    let status = response.status();
    let body = read(response, MAX_BODY_BYTES).await?;
    // serde's own message repeats what it found, which may be a token.
    serde_json::from_slice(&body).map_err(|error| ClientError::UnexpectedBody {
        status,
        line: error.line(),
        column: error.column(),
    })
}

/// What an answer that is none of the wanted ones says.
pub(crate) async fn error(response: Response) -> ClientError {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let request_id = request_id(response.headers());
    let problem = if is_problem(response.headers()) {
        // Too long, or broken off: the status is worth more than the reason why.
        let body = read(response, MAX_PROBLEM_BYTES).await.ok();
        body.and_then(|body| parse(status, &body))
    } else {
        None
    };
    match problem {
        Some(problem) => ClientError::Problem {
            status,
            problem: Box::new(problem),
            retry_after,
            request_id,
        },
        None => ClientError::Status {
            status,
            retry_after,
            request_id,
        },
    }
}

pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-request-id")?.to_str().ok()?;
    Some(id.to_owned())
}

pub(crate) fn is_problem(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case(PROBLEM_JSON))
}

/// The body, of at most so many bytes: whatever answers may answer without end.
pub(crate) async fn read(mut response: Response, limit: usize) -> Result<Vec<u8>, ClientError> {
    let status = response.status();
    let too_large = || ClientError::BodyTooLarge { status, limit };
    if response
        .content_length()
        .is_some_and(|length| length > limit as u64)
    {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads a problem of any service: every member may be missing, and one of another type counts as missing
/// ([RFC 9457 §3.1]).
///
/// [RFC 9457 §3.1]: https://www.rfc-editor.org/rfc/rfc9457#section-3.1
fn parse(status: StatusCode, body: &[u8]) -> Option<Problem> {
    let mut members: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let errors = members.remove("errors").unwrap_or_default();
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Problem {
        type_: text("type").unwrap_or_else(|| "about:blank".to_owned()),
        title: text("title").unwrap_or_else(|| status.to_string()),
        // The member only repeats the answer's status, and gives way to it (§3.1.2).
        status: status.as_u16(),
        detail: text("detail").unwrap_or_default(),
        errors: serde_json::from_value(errors).unwrap_or_default(),
        redirect_to: text("redirect_to").map(String::into_boxed_str),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_of_others() {
        let teapot = StatusCode::IM_A_TEAPOT;
        let problem = parse(teapot, b"{}").unwrap();
        assert_eq!(problem.type_, "about:blank");
        assert_eq!(problem.title, "418 I'm a teapot");
        assert_eq!(problem.status, 418);

        let odd =
            br#"{"type": 1, "title": "Short", "status": "x", "detail": null, "errors": "none", "more": []}"#;
        let problem = parse(teapot, odd).unwrap();
        assert_eq!(problem.title, "Short");
        assert!(problem.detail.is_empty() && problem.errors.is_empty());

        assert_eq!(parse(teapot, b"[]"), None);
        assert_eq!(parse(teapot, b""), None);
    }
}
