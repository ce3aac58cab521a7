use crate::audit_context::By;
use crate::endpoint::{Access, Endpoint, NoContent, Tag};
use crate::error::ApiResult;
use crate::state::State;
use crate::validation::refuse;
use actix_web::http::Method;
use actix_web::web::{Data, Query};
use jeton_api_types::{NetworkLimitList, UnblockNetworkRequest};
use jeton_domain::ADMIN;
use jeton_http_kit::{Json, PageLimit, wire};
use jeton_persistence::rate_limit::{self, Network};
use serde::Deserialize;
use std::net::IpAddr;
use utoipa::ToSchema;

/// How much of a list is asked for that has no next page.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({ "limit": 50 }))]
struct Most {
    /// The most networks that are listed.
    #[serde(default)]
    #[schema(value_type = u32, minimum = 1, maximum = 100, default = 50)]
    limit: PageLimit,
}

pub(crate) fn endpoints() -> [Endpoint; 2] {
    [
        Endpoint::new(Method::GET, "/v1/admin/networks", Access::Scope(ADMIN), list)
            .named(Tag::Administration, "listNetworks", "List networks that sign-ins fail from")
            .about(
                "Addresses, and /64s of IPv6, that failed sign-ins or sign-ups of the last hour count for, and for how long \
                none is let through from there. Those that most counts for, first.",
            )
            .answers("The networks."),
        Endpoint::new(
            Method::POST,
            "/v1/admin/networks/unblock",
            Access::Scope(ADMIN),
            unblock,
        )
        .named(Tag::Administration, "unblockNetwork", "Let a network try again")
        .about(
            "Forgets the failed sign-ins from the address's network, or from one as it is listed, so that the next is let through at once. Sign-ins to \
            an account that failed too often are refused all the same.",
        )
        .answers("The failures are forgotten, if there were any."),
    ]
}

async fn list(state: Data<State>, query: Query<Most>) -> ApiResult<Json<NetworkLimitList>> {
    let (limits, most) = (state.rate_limits.limits(), query.limit.get());
    let found = state
        .database
        .run(move |connection| rate_limit::list_networks(connection, limits.network, most))
        .await?;
    let networks = found.into_iter().map(wire::network_limit).collect();
    Ok(Json(NetworkLimitList { networks }))
}

async fn unblock(state: Data<State>, by: By, body: Json<UnblockNetworkRequest>) -> ApiResult<NoContent> {
    let text = body.0.address;
    let address = text.parse::<IpAddr>().map(Network::from);
    let network = address
        .or_else(|_| text.parse::<Network>())
        .map_err(|error| refuse("/address", &error))?;
    state
        .database
        .run(move |connection| rate_limit::unblock_network(connection, &by.0, network))
        .await?;
    state.rate_limits.forget_blocks();
    Ok(NoContent)
}
