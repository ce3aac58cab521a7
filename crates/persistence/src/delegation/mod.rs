//! Delegation (OAuth 2.1): clients, what users let them do, and the codes and refresh tokens by which they get tokens.

pub mod authorizations;
pub mod client_credentials;
pub mod clients;
pub mod devices;
pub mod grants;
pub mod issue;
pub mod presented;
pub mod refresh;
pub mod scopes;
