#![doc = include_str!("../README.md")]

mod account_args;
mod body;
mod client_address;
mod connections;
mod cors;
mod database_settings;
mod describe_settings;
mod descriptors;
mod duration_setting;
mod header_list;
mod health;
mod http_args;
mod lifetime;
mod log;
mod log_writer;
mod method;
mod metrics;
mod number_setting;
mod observe;
mod page;
mod parameters;
mod problems;
mod program;
mod request_id;
mod server;
mod shutdown;
mod trailing_slash;
mod unknown_settings;
mod verifier_args;
pub mod wire;

pub use account_args::{BCRYPT_COST, DefaultScopesArgs, NetworkLimitArgs, PasswordArgs, TokenArgs};
pub use body::{
    FORM, Form, JSON, Json, JsonOrForm, MAX_BODY_BYTES, OptionalJson, body_problems, named_as_sent,
};
pub use client_address::{ForwardedHeader, ProxyArgs, TrustedProxies, client_address};
pub use database_settings::DatabaseSettings;
pub use describe_settings::{Takes, describe_settings};
pub use duration_setting::DurationSetting;
pub use health::{check_migrated, configure as health_routes};
pub use http_args::HttpArgs;
pub use lifetime::lifetime;
pub use log::LogSettings;
pub use metrics::{Histogram, Labels, Metrics, MetricsAddress, Samples};
pub use number_setting::NumberSetting;
pub use page::{Page, PageLimit};
pub use parameters::{field_names, taking, unknown_name_problem, unknown_names, without_body};
pub use problems::{
    database_problem, get_or_head, malformed_query_problem, method_not_allowed, method_not_allowed_problem,
    not_found_problem,
};
pub use program::{parse_settings, run, try_parse_from};
pub use request_id::RequestId;
pub use server::{Running, Service, serve};
pub use trailing_slash::SlashDropped;
pub use verifier_args::VerifierArgs;
