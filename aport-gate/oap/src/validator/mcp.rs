//! URLs of MCP servers.

use super::{Call, Failure, address, target};
use crate::reason::shown;

/// An absolute `https` (or `wss`) URL. Plain `http` to this machine only, and where the passport names the
/// server; a metadata service never.
pub(super) fn server(call: &Call<'_>) -> Result<(), Failure> {
    let Some((field, raw)) = call.text(&["server", "server_url", "mcp_server"])? else {
        return Err(Failure::missing_field("server"));
    };
    let (url, host) = target::parse(field, raw, &["https", "wss", "http", "ws"])?;
    let kind = address::kind(&host);
    let refuse = |why: &str| {
        let text = format!("`{field}` {} {why}", shown(&raw.into()));
        Err(Failure::of(field, raw, text))
    };
    let listed = call.limit_list(&["allowed_servers"])?.unwrap_or_default();
    let named = listed
        .iter()
        .any(|entry| entry.trim_end_matches('/') == raw.trim_end_matches('/'));
    let loopback = matches!(&host, url::Host::Domain(name) if name == "localhost" || name.ends_with(".localhost"))
        || matches!(&host, url::Host::Ipv4(address) if address.is_loopback())
        || matches!(&host, url::Host::Ipv6(address) if address.is_loopback());
    if matches!(url.scheme(), "http" | "ws") && !(loopback && named) {
        return refuse("must use `https`");
    }
    if let Some(kind) = kind
        && !named
    {
        return refuse(&format!(
            "leads to {kind} and is not itself on the list of servers"
        ));
    }
    Ok(())
}
