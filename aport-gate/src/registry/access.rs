//! Where a registry may listen.

use std::net::SocketAddr;

/// Where to listen, and what stands in front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    /// The address to listen on.
    pub(crate) listen: SocketAddr,
    /// A proxy ends TLS in front.
    pub(crate) behind_tls: bool,
    /// Passports are issued without a key.
    pub(crate) dev: bool,
}

impl Access {
    /// # Errors
    /// Why this must not be served, and what to do. `has_keys` tells whether callers have keys.
    pub(crate) fn check(self, has_keys: bool) -> Result<(), String> {
        let Self {
            listen,
            behind_tls,
            dev,
        } = self;
        let loopback = listen.ip().is_loopback();
        if dev && (!loopback || behind_tls) {
            return Err(format!(
                "`--dev` issues passports to anybody, so it serves this machine alone: not `{listen}`{}",
                if behind_tls { " behind a proxy" } else { "" }
            ));
        }
        if !loopback && !behind_tls {
            return Err(format!(
                "`{listen}` is reachable by others, who would read keys and decisions on the way: end TLS in a proxy in front and say so with `--behind-tls`, or listen on 127.0.0.1"
            ));
        }
        if behind_tls && !has_keys {
            return Err(
                "others will reach this registry, and there is no key for callers: make one with `aport-gate registry key add NAME`"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Whether only this machine reaches it.
    pub(crate) fn only_this_machine(self) -> bool {
        self.listen.ip().is_loopback() && !self.behind_tls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_reach_it_only_through_tls_and_with_keys() {
        let check = |listen: &str, behind_tls, dev, has_keys| {
            Access {
                listen: listen.parse().unwrap(),
                behind_tls,
                dev,
            }
            .check(has_keys)
            .is_ok()
        };
        assert!(check("127.0.0.1:0", false, false, false));
        assert!(check("[::1]:0", false, true, false));
        assert!(check("0.0.0.0:80", true, false, true));
        assert!(!check("0.0.0.0:80", false, false, true));
        assert!(!check("0.0.0.0:80", true, false, false));
        assert!(!check("127.0.0.1:80", true, false, false));
        assert!(!check("192.168.0.1:80", true, true, true));
        assert!(!check("[::]:80", false, false, true));
        assert!(!check("127.0.0.1:80", true, true, true));
    }
}
