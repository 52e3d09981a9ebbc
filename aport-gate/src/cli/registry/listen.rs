//! Starting the registry.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;

use crate::cli::Verdict;
use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::registry::{Access, KeyRing, Registry, Settings, serve};
use crate::secret_file::Entry as _;
use crate::stop;

/// Longest wait at the end for requests that have begun.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(super) struct Listen {
    /// Address to listen on; port 0 takes a free one, and the first line of output tells it.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// For trying out, on this machine alone: passports are issued without a key, with demo limits.
    #[arg(long)]
    dev: bool,
    /// A proxy in front ends TLS and forwards here; callers need keys.
    #[arg(long)]
    behind_tls: bool,
    /// Let a passport in a request count where its agent has none here: whoever asks may write one.
    #[arg(long)]
    allow_body_passports: bool,
    /// Let a policy pack in a request count where there is none of its id here.
    #[arg(long)]
    allow_body_policies: bool,
    /// Requests a minute for one agent, key or address; `off` for no bound.
    #[arg(long, value_name = "N", default_value = "6000", value_parser = rate)]
    rate_limit: Rate,
    /// Seconds within which the outcome of an allowed call may be reported.
    #[arg(long, value_name = "SECONDS", default_value = "900", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    settle_within: u32,
    /// Seconds for which a new signing key is published before it signs.
    #[arg(long, value_name = "SECONDS", default_value = "90", value_parser = clap::value_parser!(u32).range(0..=2_592_000))]
    new_key_after: u32,
    /// Seconds to wait for the head of a request, for its body, and for a client to read its answer.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u32).range(1..=600))]
    io_timeout: u32,
    /// Most connections at once; for a further one, one whose client is waited for is closed.
    #[arg(long, value_name = "N", default_value = "1024", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    connections: u32,
}

#[derive(Clone, Copy, Debug)]
struct Rate(Option<u32>);

fn rate(text: &str) -> Result<Rate, String> {
    if text == "off" {
        return Ok(Rate(None));
    }
    match text.parse() {
        Ok(rate @ 1..=100_000_000) => Ok(Rate(Some(rate))),
        _ => Err("use a number of requests a minute from 1 to 100000000, or `off`".to_owned()),
    }
}

impl Listen {
    pub(super) async fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        let environment = Environment::read()?;
        let access = Access {
            listen: self.listen,
            behind_tls: self.behind_tls,
            dev: self.dev,
        };
        let ring = KeyRing::new(environment.home.join("keys"));
        let keys = ring
            .all()
            .map_err(|error| Failure::new(error.to_string()))?;
        let has_keys = keys.iter().any(|key| key.is_in_force());
        access.check(has_keys).map_err(Failure::new)?;
        let ledger = environment.open_ledger().await?;
        let settings = Settings {
            dev: self.dev,
            only_this_machine: access.only_this_machine(),
            body_passports: self.allow_body_passports,
            body_policies: self.allow_body_policies,
            rate: self.rate_limit.0,
            new_key_after: Duration::from_secs(self.new_key_after.into()),
            settle_within: Duration::from_secs(self.settle_within.into()),
            io_timeout: Duration::from_secs(self.io_timeout.into()),
            decision_timeout: environment.timeout(),
            connections: usize::try_from(self.connections).unwrap_or(usize::MAX),
            grace: GRACE,
        };
        let registry = Registry::open(environment.home.clone(), ledger, settings)?;
        let listener = TcpListener::bind(self.listen).await.map_err(|error| {
            Failure::new(format!("cannot listen on `{}`: {error}", self.listen))
                .hint("choose another address with `--listen`")
        })?;
        let address = listener.local_addr().map_err(|error| {
            Failure::new(format!(
                "cannot tell the address that is listened on: {error}"
            ))
        })?;
        if !keys.iter().any(|key| key.admin && key.is_in_force()) {
            first_key(&ring)?;
        }
        let stopped = stop::signal()
            .map_err(|error| Failure::new(format!("cannot listen to signals: {error}")))?;
        self.announce(address, output);
        serve(registry, listener, stopped).await;
        Ok(Verdict::Good)
    }

    fn announce(&self, address: SocketAddr, output: &mut Output) {
        if self.dev {
            eprintln!(
                "DEVELOPMENT: everybody on this machine gets a passport for the asking, with demo limits; never use it for real agents"
            );
        }
        for (given, what) in [
            (self.allow_body_passports, "passport"),
            (self.allow_body_policies, "policy"),
        ] {
            if given {
                eprintln!("WARNING: a {what} in a request counts: whoever may ask may write one");
            }
        }
        if output.is_json() {
            output.value(&json!({ "listening": format!("http://{address}"), "dev": self.dev }));
        } else {
            output.line(format_args!("listening on http://{address}"));
        }
        output.flush();
    }
}

/// An administrator's key, so that a new registry can be used at all.
fn first_key(ring: &KeyRing) -> Result<(), Failure> {
    let failed = |error: crate::registry::KeyRingError| Failure::new(error.to_string());
    let names: Vec<String> = ring
        .all()
        .map_err(failed)?
        .iter()
        .map(|key| key.name.clone())
        .collect();
    let name = (1..)
        .map(|number| match number {
            1 => "admin".to_owned(),
            _ => format!("admin-{number}"),
        })
        .find(|name| !names.contains(name))
        .unwrap_or_default();
    let key = ring.add(&name, true).map_err(failed)?;
    eprintln!("administrator's key `{name}`, shown only now: {}", *key);
    Ok(())
}
