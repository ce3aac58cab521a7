use crate::program::runs;
use crate::provider::{Authentication, Provider};

/// Takes as long as they wait between two questions.
#[test]
fn their_devices_get_tokens_once_a_user_has_typed_the_code() {
    let provider = Provider::start();
    let client = provider.client(Authentication::None);
    let steps = ["discovery", "device", "call", "refresh", "revocation"];
    for program in ["openid-client", "oauth4webapi", "oauth2-client"] {
        runs(&provider, &client, program, "device", &steps);
    }
}
