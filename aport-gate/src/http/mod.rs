//! MCP over streamable HTTP.
//!
//! [`Server::serve_http`](crate::Server::serve_http) answers each request by itself, in today's stateless
//! protocol and in the older ones: any replica can answer any request.

mod body;
mod front;
mod health;
mod host;
mod options;
mod problem;
mod routes;
mod server;

pub use self::options::HttpOptions;
pub use self::server::HttpServer;
pub use crate::http_caller::HttpCaller;
