//! A PostgreSQL server for tests: the one that `APORT_TEST_POSTGRES` names, else a private one from
//! the binaries of this machine, on a loopback port and in a folder of its own.
//!
//! Without either, tests say so and pass by; with `APORT_REQUIRE_POSTGRES=1` they fail.

mod proxy;
mod server;
mod sql;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

pub use proxy::{Fault, Proxy};
pub use server::{Options, PASSWORD, Server, USER};
pub use sql::{query, try_query};

/// URL of a superuser on the server to test with, `/postgres` at its end. One server a process; a
/// private one ends with it.
pub fn server_url() -> Option<&'static str> {
    static URL: OnceLock<Option<(String, Option<Server>)>> = OnceLock::new();
    let found = URL.get_or_init(|| match std::env::var("APORT_TEST_POSTGRES") {
        Ok(url) => Some((url, None)),
        Err(_) => {
            Server::start(&Options::default()).map(|server| (server.url("postgres"), Some(server)))
        }
    });
    found.as_ref().map(|(url, _)| url.as_str())
}

/// URL of a new, empty database, or none where there is no server.
pub fn database() -> Option<String> {
    server_url().map(database_on)
}

/// URL of a new, empty database on the server of `url`.
pub fn database_on(url: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let since = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let name = format!("aport_test_{}_{since}_{number}", std::process::id());
    query(url, &format!("CREATE DATABASE {name}"));
    with_database(url, &name)
}

/// The same server, another database.
pub fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = base.rsplit_once('/').expect("a URL ends with a database");
    if query.is_empty() {
        format!("{server}/{name}")
    } else {
        format!("{server}/{name}?{query}")
    }
}
