//! A client of the Model Context Protocol, and a server that the guard protects.

use crate::program::run_at;
use crate::provider::{Authentication, Provider};
use jeton_proof_support::{ServiceProcess, example};

/// It is told the server's address: all else it finds, and the token that it gets is for that server.
#[test]
fn an_mcp_client_finds_its_way_from_the_servers_challenge() {
    let provider = Provider::start();
    let issuer = provider.service.base_url();
    let server = ServiceProcess::start(
        example("guarded_mcp_server"),
        &[
            ("DATABASE_URL", provider.database_url()),
            ("MCP_ADDR", "127.0.0.1:0"),
            ("JETON_ISSUER", &issuer),
        ],
    );
    let address = format!("{}/mcp", server.base_url());
    let client = provider.client(Authentication::None);
    let approve = |provider: &Provider, url: &url::Url| {
        let resource = url.query_pairs().find(|(name, _)| name == "resource");
        assert_eq!(resource.unwrap().1, address);
        provider.decide_at(url, "approve")
    };
    if let Some(said) = run_at(&provider, &client, &address, "mcp-client", "code", approve) {
        let steps = [
            "challenge",
            "code",
            "tools",
            "call",
            "scope",
            "refresh",
            "revocation",
        ];
        assert_eq!(said.did, steps, "{said:?}");
    }
}
