//! What an operator decides when a server starts to listen.

use std::net::SocketAddr;
use std::time::Duration;

/// How a server is served over HTTP.
///
/// ```
/// use aport_gate::http::HttpOptions;
/// let options = HttpOptions::new("127.0.0.1:8080".parse()?);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HttpOptions {
    pub(super) listen: SocketAddr,
    pub(super) calls: usize,
    pub(super) connections: usize,
    pub(super) body_bytes: usize,
    pub(super) io_timeout: Duration,
    pub(super) grace: Duration,
}

impl HttpOptions {
    /// Listens on this address, for this machine alone: it must be a loopback address. Port 0 takes a free
    /// one.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            calls: 256,
            connections: 1024,
            body_bytes: 1024 * 1024,
            io_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(10),
        }
    }

    /// Most requests that are worked on at once; further ones are answered with status 503. 256 by default.
    pub fn most_calls(mut self, most: usize) -> Self {
        self.calls = most.max(1);
        self
    }

    /// Most connections at once; further ones wait. 1024 by default.
    pub fn most_connections(mut self, most: usize) -> Self {
        self.connections = most.max(1);
        self
    }

    /// Largest body of a request, in bytes; 1 MiB by default.
    pub fn largest_body(mut self, bytes: usize) -> Self {
        self.body_bytes = bytes;
        self
    }

    /// Longest wait for the head of a request, and for its body; 30 seconds by default.
    pub fn io_timeout(mut self, longest: Duration) -> Self {
        self.io_timeout = longest;
        self
    }

    /// Longest wait for calls under way when the server ends; 10 seconds by default. What takes longer is
    /// cut off, and what it took from a cap stays taken.
    pub fn grace(mut self, longest: Duration) -> Self {
        self.grace = longest;
        self
    }

    /// # Errors
    /// Why this must not be served, and what to do.
    pub(super) fn check(&self) -> Result<(), String> {
        let listen = self.listen;
        if !listen.ip().is_loopback() {
            return Err(format!(
                "`{listen}` is reachable by others; listen on 127.0.0.1"
            ));
        }
        Ok(())
    }
}
