use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, Issued, Tag};
use crate::error::{ApiError, ApiResult};
use crate::revoked_token::Answer;
use crate::state::State;
use crate::validation::refuse;
use crate::wire;
use actix_web::http::Method;
use actix_web::web::Data;
use jeton_api_types::{RenewTokenRequest, RenewedToken};
use jeton_domain::{TokenId, TokenKind};
use jeton_http_kit::Json;
use jeton_persistence::tokens::{self, Refusal, Renewal};
use jeton_verifier::Caller;
use std::time::Duration;
use uuid::Uuid;

/// How long the old one is accepted where nothing is said, and the longest that it can be: in seconds.
const OVERLAP: u64 = 60;
const LONGEST_OVERLAP: u64 = 86_400;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/v1/token/renew", Access::AnyToken, renew)
        .named(Tag::Tokens, "renewToken", "Renew a service account's token")
        .about(
            "A token in place of the one that asks: of the same name, for what that one is for and the account still \
            holds, and for as long from now as that one was given when it was issued. The one that asks ends when told, \
            or when it would have anyway. For service accounts: people make their own.",
        )
        .counted()
        .revokes(Answer::Refused)
        .answers("The successor, whose text is shown this once, and when the token that asked ends.")
        .problems([ApiError::NotAServiceAccount, ApiError::TooManyTokens])
}

async fn renew(
    state: Data<State>,
    caller: Caller,
    by: By,
    body: Json<RenewTokenRequest>,
) -> ApiResult<Issued<201, RenewedToken>> {
    let overlap = overlap(body.0.old_expires_in)?;
    if caller.token_kind() != TokenKind::Personal {
        return Err(ApiError::NotAServiceAccount);
    }
    let (user, old, limit) = (caller.user_id(), caller.token_id(), state.tokens.user_limit);
    loop {
        let by = by.0.clone();
        let (plain, renewal) = state
            .database
            .run(move |connection| {
                let mut plain = None;
                let renewal =
                    tokens::renew(connection, &by, user, old, overlap, limit, |old, held, limit| {
                        let id = TokenId(Uuid::now_v7());
                        let (text, token) = old.successor(&mut rand::rng(), id, held, limit);
                        plain = Some(text);
                        token
                    })?;
                Ok((plain, renewal))
            })
            .await?;
        let (token, old_expires_at, plain) = match (renewal, plain) {
            (Renewal::RoomMade(made), _) => {
                state.confirm(made).await?;
                continue;
            }
            (Renewal::TooMany, _) => return Err(ApiError::TooManyTokens),
            (Renewal::Refused(Refusal::NotAServiceAccount), _) => return Err(ApiError::NotAServiceAccount),
            (Renewal::Refused(_), _) | (Renewal::Renewed { .. }, None) => return Err(ApiError::TokenGone),
            (
                Renewal::Renewed {
                    token,
                    old_expires_at,
                },
                Some(plain),
            ) => (token, old_expires_at, plain),
        };
        // The answer is the only place where the successor is. So it is handed out, whether or not it is known that the
        // other ends.
        let old_expires_at = state.confirm(old_expires_at).await.ok();
        let issued: Issued<201> = wire::issued(&plain, wire::summary(user, caller.username()), token);
        return Ok(Issued(RenewedToken {
            issued: issued.0,
            old_expires_at,
        }));
    }
}

fn overlap(asked: Option<u64>) -> ApiResult<Duration> {
    match asked.unwrap_or(OVERLAP) {
        secs if secs <= LONGEST_OVERLAP => Ok(Duration::from_secs(secs)),
        _ => Err(refuse(
            "/old_expires_in",
            &format!("must be from 0 to {LONGEST_OVERLAP}"),
        )),
    }
}
