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
pub struct TrustedProxy(IpNet);

/// A text that is neither an address nor a network.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{0}` is neither an address nor a network; use `10.1.0.7` or `10.1.0.0/24`")]
pub struct InvalidProxy(String);

impl TrustedProxy {
    pub(super) fn includes(&self, address: IpAddr) -> bool {
        // An IPv4 peer of a socket for both families.
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for TrustedProxy {
    type Err = InvalidProxy;

    fn from_str(text: &str) -> Result<Self, InvalidProxy> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => Some(IpNet::from(address.to_canonical())),
            Err(_) => text.parse().ok(),
        };
        network
            .map(Self)
            .ok_or_else(|| InvalidProxy(text.chars().take(64).collect()))
    }
}

impl fmt::Display for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
}
