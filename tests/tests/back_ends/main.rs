//! The example server in front of GitHub's and Stripe's APIs, as loopback servers that speak them.
#![allow(missing_docs, clippy::unwrap_used)]

mod api;
mod github;
mod github_api;
mod github_faults;
mod github_merged;
mod settings;
mod stripe;
mod stripe_api;
mod stripe_faults;
mod stripe_repeats;
mod trail;
