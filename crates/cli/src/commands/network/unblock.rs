use crate::{database, output};
use jeton_api_types::address_of_network;
use jeton_domain::AuditContext;
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::rate_limit;
use std::net::IpAddr;

/// Forget the failed sign-ins from a network, so that the next one is let through at once
///
/// Services know of it within a second. Sign-ins to an account that failed too often are refused all the same: see
/// `jeton user unblock`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// An address of the network, or the network as it is listed: an IPv4 address alone, or a /64 of IPv6
    #[arg(value_parser = address)]
    address: IpAddr,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let network = rate_limit::network_text(rate_limit::network(Some(args.address)));
    if rate_limit::unblock_network(&mut connection, &AuditContext::cli(), args.address)? {
        output::line(&format!("unblocked {network}"))
    } else {
        output::line(&format!("nothing has failed from {network}"))
    }
}

fn address(text: &str) -> Result<IpAddr, String> {
    address_of_network(text)
        .ok_or_else(|| "say an address, or a network as `jeton network list` shows it".to_owned())
}
