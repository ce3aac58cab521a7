//! The files of `web/`, as they are; compressed once, when the service starts.

use crate::settings::Signup;
use actix_web::http::header::{
    AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ContentEncoding, ETAG, Encoding,
    EntityTag, Header, IfNoneMatch, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::io::{self, Write};

macro_rules! assets {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../web/assets/", $name)))),*]
    };
}

const ASSETS: &[(&str, &str)] = assets! {
    "api.js" "apps.js" "authorize.js" "config.js" "consent.js" "device.js" "dom.js" "en.js" "icon.svg" "ko.js" "session.js"
    "sign-in.js" "start.js" "style.css" "texts.js"
};

/// What the pages are made of, by name.
#[derive(Debug)]
pub(super) struct Assets(Vec<Asset>);

#[derive(Debug)]
struct Asset {
    name: &'static str,
    media_type: &'static str,
    tag: String,
    plain: Bytes,
    /// `None` where it could not be made.
    compressed: Option<Bytes>,
}

impl Assets {
    pub(super) fn new(signup: Signup) -> Self {
        let asset = |&(name, text): &(&'static str, &'static str)| {
            let text = match (name, signup) {
                ("config.js", Signup::Closed) => text.replace("signUp: true", "signUp: false"),
                _ => text.to_owned(),
            };
            Asset::new(name, text)
        };
        Self(ASSETS.iter().map(asset).collect())
    }

    /// `None` where there is none of this name.
    pub(super) fn answer(&self, name: &str, request: &HttpRequest) -> Option<HttpResponse> {
        let asset = self.0.iter().find(|asset| asset.name == name)?;
        Some(asset.answer(request))
    }
}

impl Asset {
    fn new(name: &'static str, text: String) -> Self {
        let media_type = match name.rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        let digest = Sha256::digest(&text);
        Self {
            name,
            media_type,
            tag: digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect(),
            compressed: compressed(&text).ok(),
            plain: text.into(),
        }
    }

    /// Kept by browsers, and asked for again each time: what they have is of the version that the page is of.
    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        // Weak, since the compressed form has the same.
        let tag = EntityTag::new_weak(self.tag.clone());
        let is_known = match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
            Ok(IfNoneMatch::Any) | Err(_) => false,
        };
        let mut answer = if is_known {
            HttpResponse::NotModified()
        } else {
            HttpResponse::Ok()
        };
        answer
            .insert_header((ETAG, tag.to_string()))
            .insert_header((CACHE_CONTROL, "no-cache"))
            .insert_header((VARY, "Accept-Encoding"))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((REFERRER_POLICY, "no-referrer"));
        if is_known {
            return answer.finish();
        }
        answer.insert_header((CONTENT_TYPE, self.media_type));
        match &self.compressed {
            Some(compressed) if takes_gzip(request) => answer
                .insert_header((CONTENT_ENCODING, ContentEncoding::Gzip.as_str()))
                .body(compressed.clone()),
            _ => answer.body(self.plain.clone()),
        }
    }
}

fn takes_gzip(request: &HttpRequest) -> bool {
    let offered = [Encoding::gzip(), Encoding::identity()];
    // Without the header, anything may be sent; but what has none is seldom a browser.
    request.headers().contains_key("accept-encoding")
        && AcceptEncoding::parse(request)
            .is_ok_and(|accepted| accepted.negotiate(offered.iter()) == Some(Encoding::gzip()))
}

fn compressed(text: &str) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes())?;
    Ok(encoder.finish()?.into())
}

#[cfg(test)]
mod tests;
