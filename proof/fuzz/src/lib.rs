//! What the parsers promise of any input. Each module is a target: its `check` gives one input to the parser, and
//! panics where a promise is broken.
//!
//! The tests of `crates/auth-api` include this file as it is, and give it the inputs in `seeds`. So it names nothing by
//! `crate::`.

pub mod authorization;
mod body;
pub mod form_bodies;
pub mod json_bodies;
pub mod password;
pub mod queries;
pub mod request_head;
pub mod scopes;
pub mod settings;
pub mod short_texts;
pub mod token_text;
pub mod username;

/// Gives one input to a parser.
pub type Check = fn(&[u8]);

/// All targets, by their names.
pub const TARGETS: &[(&str, Check)] = &[
    ("authorization", authorization::check),
    ("form_bodies", form_bodies::check),
    ("json_bodies", json_bodies::check),
    ("password", password::check),
    ("queries", queries::check),
    ("request_head", request_head::check),
    ("scopes", scopes::check),
    ("settings", settings::check),
    ("short_texts", short_texts::check),
    ("token_text", token_text::check),
    ("username", username::check),
];
