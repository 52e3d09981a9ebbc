//! MCP over streamable HTTP.
//!
//! [`Server::serve_http`](crate::Server::serve_http) answers each request by itself, in today's stateless
//! protocol and in the older ones: any replica can answer any request. How to run it for real is in
//! [the guide](crate::docs::http).

mod allowed_origin;
mod authenticate;
mod body;
mod challenge;
mod cors;
mod framing;
mod front;
mod health;
mod host;
mod metrics;
mod oauth;
mod options;
mod problem;
mod public_url;
mod routes;
mod server;
mod trusted_proxy;

pub use self::allowed_origin::{AllowedOrigin, InvalidOrigin};
pub use self::oauth::OAuthOptions;
#[cfg(feature = "cli")]
pub(crate) use self::oauth::issuer_keys;
pub use self::options::HttpOptions;
pub use self::public_url::{InvalidPublicUrl, PublicUrl};
pub use self::server::HttpServer;
pub use self::trusted_proxy::{InvalidProxy, TrustedProxy};
pub use crate::http_caller::HttpCaller;
