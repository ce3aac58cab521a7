use crate::endpoint::Endpoint;
use crate::endpoint::Tag::Operation;
use crate::error::ApiError;
use serde_json::{Value, json};

pub(crate) fn endpoints() -> [Endpoint; 2] {
    let status = |is: Value, usually: &str| -> (Value, Value) {
        let fields = json!({ "status": is });
        let schema = json!({ "type": "object", "required": ["status"], "properties": fields });
        (schema, json!({ "status": usually }))
    };
    let live = status(json!({ "const": "live" }), "live");
    let ready = status(json!({ "enum": ["ready", "degraded"] }), "ready");
    [
        Endpoint::served_by_the_kit("/livez")
            .named(Operation, "isAlive", "Is the process alive?")
            .answers("It serves.")
            .content("application/json", live.0, live.1),
        Endpoint::served_by_the_kit("/readyz")
            .named(Operation, "isReady", "Can it do its work?")
            .about(
                "That takes the database, up to date, and checks of tokens. `degraded`: tokens are checked, and what writes \
                is unavailable, since commits wait for a standby of the database's.",
            )
            .answers("It can.")
            .content("application/json", ready.0, ready.1)
            .problems([ApiError::TokensUnavailable]),
    ]
}
