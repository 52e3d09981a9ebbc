//! The example server over HTTP.
#![allow(missing_docs)]

mod balancer;
mod cors;
mod crowd;
mod desk;
mod doctor;
mod ending;
mod front;
mod issuer;
mod metrics;
mod oauth;
mod own_server;
mod proxy;
mod refusals;
mod replicas;
mod rmcp_client;
mod serving;
mod tokens;
