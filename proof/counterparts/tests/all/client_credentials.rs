use crate::ALL;
use crate::program::runs;
use crate::provider::{Authentication, Provider};

#[test]
fn their_server_programs_get_tokens_for_themselves() {
    for authentication in [Authentication::Basic, Authentication::Post] {
        let provider = Provider::start();
        let client = provider.server_program(authentication);
        for program in ALL {
            let steps = ["discovery", "call", "revocation"];
            // Only the first takes its token back.
            let steps = if program == "openid-client" {
                &steps[..]
            } else {
                &steps[..2]
            };
            runs(&provider, &client, program, "client_credentials", steps);
        }
    }
}
