use crate::ALL;
use crate::program::{run, runs};
use crate::provider::{Authentication, Provider};
use url::Url;

/// What a public client does, which keeps no secret and may not introspect.
const PUBLIC: [&str; 5] = ["discovery", "code", "call", "refresh", "revocation"];

fn gets_refreshes_and_revokes_tokens(program: &str, confidential: &[&str]) {
    let provider = Provider::start();
    runs(
        &provider,
        &provider.client(Authentication::None),
        program,
        "code",
        &PUBLIC,
    );
    for authentication in [Authentication::Basic, Authentication::Post] {
        let client = provider.client(authentication);
        runs(&provider, &client, program, "code", confidential);
    }
}

const CONFIDENTIAL: [&str; 6] = [
    "discovery",
    "code",
    "call",
    "refresh",
    "introspection",
    "revocation",
];

#[test]
fn openid_client_gets_refreshes_and_revokes_tokens() {
    gets_refreshes_and_revokes_tokens("openid-client", &CONFIDENTIAL);
}

#[test]
fn oauth4webapi_gets_refreshes_and_revokes_tokens() {
    gets_refreshes_and_revokes_tokens("oauth4webapi", &CONFIDENTIAL);
}

#[test]
fn authlib_gets_refreshes_and_revokes_tokens() {
    gets_refreshes_and_revokes_tokens("authlib", &CONFIDENTIAL);
}

#[test]
fn requests_oauthlib_gets_refreshes_and_revokes_tokens() {
    // Knows no introspection.
    gets_refreshes_and_revokes_tokens("requests-oauthlib", &PUBLIC);
}

#[test]
fn the_crate_oauth2_gets_refreshes_and_revokes_tokens() {
    gets_refreshes_and_revokes_tokens("oauth2-client", &CONFIDENTIAL);
}

#[test]
fn their_clients_are_told_of_a_denial_by_its_code() {
    let provider = Provider::start();
    let client = provider.client(Authentication::None);
    for program in ALL {
        let deny = |provider: &Provider, url: &Url| provider.decide_at(url, "deny");
        if let Some(said) = run(&provider, &client, program, "code", deny) {
            assert_eq!(said.did, ["discovery"], "{program}: {said:?}");
            assert!(
                said.refused.as_deref().unwrap().contains("access_denied"),
                "{program}: {said:?}"
            );
        }
    }
}

/// The mix-up attack (RFC 9700 §4.4): a code of ours, in an answer that names another provider or none.
#[test]
fn their_clients_can_tell_an_answer_of_another_issuer() {
    let provider = Provider::start();
    let client = provider.client(Authentication::None);
    for program in ALL {
        for iss in [None, Some("https://elsewhere.example")] {
            let mixed_up = |provider: &Provider, url: &Url| {
                let sent = provider.decide_at(url, "approve");
                let mut other = sent.clone();
                other.query_pairs_mut().clear();
                for (name, value) in sent.query_pairs().filter(|(name, _)| name != "iss") {
                    other.query_pairs_mut().append_pair(&name, &value);
                }
                if let Some(iss) = iss {
                    other.query_pairs_mut().append_pair("iss", iss);
                }
                other
            };
            if let Some(said) = run(&provider, &client, program, "code", mixed_up) {
                // And the code was sent nowhere.
                assert_eq!(said.did, ["discovery"], "{program}: {said:?}");
                assert!(said.refused.is_some(), "{program}: {said:?}");
            }
        }
    }
}
