use crate::{database, output};
use jeton_domain::AuditContext;
use jeton_http_kit::DatabaseSettings;
use jeton_persistence::rate_limit::{self, Network, network_text};
use std::net::IpAddr;

/// Forget the failed sign-ins from a network, so that the next one is let through at once
///
/// Services know of it within a second. Sign-ins to an account that failed too often are refused all the same: see
/// `jeton user unblock`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// An address of the network, or the network as it is listed: an IPv4 address alone, or a /64 of IPv6
    #[arg(value_parser = network)]
    address: Network,

    #[command(flatten)]
    database: DatabaseSettings,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut connection = database::open(&args.database)?;
    let unblocked = rate_limit::unblock_network(&mut connection, &AuditContext::cli(), args.address)?;
    if unblocked.is_empty() {
        let network = network_text(rate_limit::counted_as(args.address));
        return output::line(&format!("nothing has failed from {network}"));
    }
    for network in unblocked {
        output::line(&format!("unblocked {}", network_text(network)))?;
    }
    Ok(())
}

/// An address, or whatever the list may show: somebody else may have written it.
fn network(text: &str) -> Result<Network, String> {
    let address = text.parse::<IpAddr>().map(Network::from);
    address
        .or_else(|_| text.parse())
        .map_err(|_| "say an address, or a network as `jeton network list` shows it".to_owned())
}
