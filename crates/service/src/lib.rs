#![doc = include_str!("../README.md")]

mod body;
mod client_address;
mod connections;
mod cors;
mod database_settings;
mod descriptors;
mod duration_setting;
mod health;
mod http_args;
mod lifetime;
mod log;
mod metrics;
mod observe;
mod page;
mod problems;
mod program;
mod request_id;
mod server;
mod shutdown;
mod verifier_args;

pub use body::{Form, Json, JsonOrForm, MAX_BODY_BYTES};
pub use client_address::{ProxyArgs, TrustedProxies, client_address};
pub use database_settings::DatabaseSettings;
pub use duration_setting::DurationSetting;
pub use health::check_migrated;
pub use http_args::HttpArgs;
pub use lifetime::Lifetime;
pub use log::LogSettings;
pub use metrics::{Histogram, Labels, Metrics, MetricsAddress, Samples};
pub use page::{Page, PageLimit};
pub use problems::{database_problem, get_or_head, method_not_allowed};
pub use program::{parse_settings, run};
pub use request_id::RequestId;
pub use server::{Running, Service, serve};
pub use verifier_args::VerifierArgs;
