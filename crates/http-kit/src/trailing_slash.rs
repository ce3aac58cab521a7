use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Uri;
use actix_web::http::uri::PathAndQuery;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};

/// What a request has whose path ended in a slash, for pages: what they refer to stands elsewhere then.
#[derive(Debug, Clone, Copy)]
pub struct SlashDropped;

/// Stands before everything: a path with a slash at its end is the same path without it, as clients of Django's and others'
/// write it. Not a redirect: after one, many clients send no `Authorization`, or a `GET` instead of their `POST`. One slash
/// and no more: nothing else about a path is made equal to another.
pub(crate) async fn dropped<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if let Some(uri) = without_slash(request.uri()) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
        request.extensions_mut().insert(SlashDropped);
    }
    next.call(request).await
}

fn without_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_suffix('/').filter(|path| !path.is_empty())?;
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::without_slash;

    #[test]
    fn one_slash_at_the_end_of_the_path_is_dropped() {
        for (uri, without) in [
            ("/v1/login/", Some("/v1/login")),
            (
                "/v1/verify/?scope=a/&uri=/b/",
                Some("/v1/verify?scope=a/&uri=/b/"),
            ),
            ("/v1/login//", Some("/v1/login/")),
            ("http://host/v1/login/", Some("http://host/v1/login")),
            ("/v1/login", None),
            ("/v1/verify?uri=/b/", None),
            ("/", None),
            ("*", None),
        ] {
            let dropped = without_slash(&uri.parse().unwrap()).map(|uri| uri.to_string());
            assert_eq!(dropped.as_deref(), without, "{uri}");
        }
    }
}
