//! What fields may hold, for the schemas of the types that have them: nothing has a value of these types.
#![allow(dead_code)]

use serde::Serialize;
use utoipa::ToSchema;

/// A token. It is shown once, in the answer that issues it.
#[derive(ToSchema)]
#[schema(pattern = "^jtn_[0-9A-Za-z]{38}$")]
pub(crate) struct TokenText(String);

/// `Bearer` ([RFC 6750](https://www.rfc-editor.org/rfc/rfc6750)).
#[derive(ToSchema)]
pub(crate) enum TokenType {
    Bearer,
}

/// `login` comes from signing in or up, `personal` is made for a program.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum TokenKind {
    Login,
    Personal,
}

/// What a token may do, by convention `resource:action` ([RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)).
#[derive(Serialize, ToSchema)]
#[schema(min_length = 1, max_length = 64, pattern = r"^[!#-\[\]-~]+$")]
pub(crate) struct Scope(String);

/// What is asked for a token, or a user's tokens.
#[derive(Serialize, ToSchema)]
#[schema(max_items = 64)]
pub(crate) struct Scopes(Vec<Scope>);

/// What a token, or a user's tokens, may do: as many as there are, since an importer may have written more than can be asked
/// for.
#[derive(ToSchema)]
pub(crate) struct HeldScopes(Vec<Scope>);

/// Scopes with spaces between them.
#[derive(Serialize, ToSchema)]
#[schema(pattern = r"^ *([!#-\[\]-~]{1,64}( +[!#-\[\]-~]{1,64}){0,63} *)?$")]
pub(crate) struct ScopesText(String);

/// An array of scopes, or one text with spaces between them.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum AskedScopes {
    Array(Scopes),
    Text(ScopesText),
}

/// Letters, with their marks, digits and `._-@+`, in normalization form NFKC. Case says nothing: no two names differ in it
/// alone. A name with letters written from right to left keeps the Bidi Rule (RFC 5893).
#[derive(ToSchema)]
#[schema(
    min_length = 3,
    max_length = 64,
    pattern = r"^[\p{L}\p{M}\p{Nd}\u00b7\u0375\u05f3\u05f4\u06fd\u06fe\u0f0b\u200c\u200d\u3007\u30fb._@+-]+$"
)]
pub(crate) struct Username(String);

/// 8 to 1,024 characters, not easy to guess.
#[derive(ToSchema)]
#[schema(format = Password, min_length = 8, max_length = 1024)]
pub(crate) struct NewPassword(String);

/// Where the user may be reached.
#[derive(ToSchema)]
#[schema(
    max_length = 254,
    pattern = r"^[^\s\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]+@[^\s@\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]+$"
)]
pub(crate) struct Email(String);

/// What to call the token. White space around it is dropped. One character at least can be seen by itself: is no mark, say.
#[derive(ToSchema)]
#[schema(
    min_length = 1,
    max_length = 100,
    pattern = r"^\s*[^\s\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]([^\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*[^\s\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb])?\s*$"
)]
pub(crate) struct TokenName(String);

/// What happened. The service knows which there are.
#[derive(ToSchema)]
pub(crate) struct AuditAction(String);

/// What users are told who asks. White space around it is dropped. One character at least can be seen by itself.
#[derive(ToSchema)]
#[schema(
    min_length = 1,
    max_length = 100,
    pattern = r"^\s*[^\s\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]([^\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*[^\s\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb])?\s*$"
)]
pub(crate) struct ClientName(String);

/// A client's secret. It is shown once, in the answer that makes it.
#[derive(ToSchema)]
#[schema(pattern = "^jts_[0-9A-Za-z]{49}$")]
pub(crate) struct ClientSecret(String);

/// How a client may come to a token.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum GrantType {
    AuthorizationCode,
    RefreshToken,
    ClientCredentials,
    DeviceCode,
}

/// An absolute URI without fragment and user name.
#[derive(ToSchema)]
#[schema(max_length = 1024, pattern = r"^[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+$")]
pub(crate) struct RedirectUri(String);

/// Where a client may have users sent back to.
#[derive(ToSchema)]
#[schema(max_items = 32)]
pub(crate) struct RedirectUris(Vec<RedirectUri>);

/// What a scope lets a program do, in a few words.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 100)]
pub(crate) struct ScopeTitle(String);

/// What a scope lets a program do, in a sentence or two.
#[derive(ToSchema)]
#[schema(max_length = 1000)]
pub(crate) struct ScopeDescription(String);

/// An absolute URI without fragment (RFC 8707).
#[derive(ToSchema)]
#[schema(
    max_length = 1024,
    pattern = r"^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+$"
)]
pub(crate) struct ResourceUri(String);
