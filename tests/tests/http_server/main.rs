//! The example server over HTTP.
#![allow(missing_docs)]

mod desk;
mod ending;
mod front;
mod issuer;
mod oauth;
mod own_server;
mod proxy;
mod replicas;
mod rmcp_client;
mod serving;
mod tokens;
