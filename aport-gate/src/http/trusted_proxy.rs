//! Addresses whose word about the agent counts.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// A proxy, or a network of them, that has authenticated the agents which it names in header
/// `X-Agent-Passport-Id`, and that removes this header from what others send.
///
/// ```
/// use aport_gate::http::TrustedProxy;
/// let proxies: TrustedProxy = "10.1.0.0/24".parse()?;
/// let proxy: TrustedProxy = "10.1.0.7".parse()?;
/// assert!("10.1.0.0/40".parse::<TrustedProxy>().is_err());
/// # Ok::<(), aport_gate::http::InvalidProxy>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedProxy(Trusted);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trusted {
    Network(IpNet),
    Anybody,
}

/// How whoever connects is named as a trusted proxy.
const ANYBODY: &str = "anybody";

/// A text that names no proxy.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidProxy {
    /// It is neither an address nor a network.
    #[error("`{0}` is neither an address nor a network; use `10.1.0.7` or `10.1.0.0/24`")]
    Unreadable(String),
    /// It is the network of all addresses.
    #[error(
        "`{0}` is every address: whoever connects could act as any agent; name the proxy, or say `anybody` where nobody else can connect"
    )]
    Everybody(String),
}

impl TrustedProxy {
    /// Whoever connects: only where nobody but the proxy can, such as in a network of those two.
    #[must_use]
    pub fn anybody() -> Self {
        Self(Trusted::Anybody)
    }

    pub(super) fn includes(&self, address: IpAddr) -> bool {
        match &self.0 {
            // An IPv4 peer of a socket for both families.
            Trusted::Network(network) => network.contains(&address.to_canonical()),
            Trusted::Anybody => true,
        }
    }

    /// Whether it is more than any one organisation's network.
    pub(super) fn is_wide(&self) -> bool {
        match &self.0 {
            Trusted::Network(IpNet::V4(network)) => network.prefix_len() < 8,
            Trusted::Network(IpNet::V6(network)) => network.prefix_len() < 16,
            Trusted::Anybody => true,
        }
    }
}

impl FromStr for TrustedProxy {
    type Err = InvalidProxy;

    fn from_str(text: &str) -> Result<Self, InvalidProxy> {
        if text == ANYBODY {
            return Ok(Self::anybody());
        }
        let network = match text.parse::<IpAddr>() {
            Ok(address) => Some(IpNet::from(address.to_canonical())),
            Err(_) => text.parse().ok(),
        };
        let shown = || text.chars().take(64).collect();
        match network {
            Some(network) if network.prefix_len() == 0 => Err(InvalidProxy::Everybody(shown())),
            Some(network) => Ok(Self(Trusted::Network(network))),
            None => Err(InvalidProxy::Unreadable(shown())),
        }
    }
}

impl fmt::Display for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Trusted::Network(network) => network.fmt(f),
            Trusted::Anybody => f.write_str(ANYBODY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_named_is_trusted() {
        let proxy: TrustedProxy = "10.1.0.0/24".parse().unwrap();
        for (address, trusted) in [
            ("10.1.0.7", true),
            ("::ffff:10.1.0.7", true),
            ("10.1.1.7", false),
            ("127.0.0.1", false),
            ("::1", false),
        ] {
            assert_eq!(
                proxy.includes(address.parse().unwrap()),
                trusted,
                "{address}"
            );
        }
        for wrong in ["", "proxy", "10.1.0.0/33", "10.1.0"] {
            assert!(wrong.parse::<TrustedProxy>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn everybody_is_trusted_only_in_so_many_words() {
        for all in ["0.0.0.0/0", "::/0", "10.0.0.0/0"] {
            let told = all.parse::<TrustedProxy>().unwrap_err().to_string();
            assert!(told.contains("anybody"), "{told}");
        }
        let anybody: TrustedProxy = "anybody".parse().unwrap();
        assert!(anybody.includes("192.0.2.1".parse().unwrap()) && anybody.is_wide());
        for (network, wide) in [
            ("0.0.0.0/1", true),
            ("8000::/1", true),
            ("10.0.0.0/8", false),
        ] {
            let network: TrustedProxy = network.parse().unwrap();
            assert_eq!(network.is_wide(), wide, "{network}");
        }
    }
}
