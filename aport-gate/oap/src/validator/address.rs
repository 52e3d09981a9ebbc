//! Private and local addresses, however they are written: the URL parser reads decimal, octal, hexadecimal and
//! short IPv4, and here IPv4 inside IPv6 is looked through.
//!
//! A name that resolves to a private address is beyond a pure function: the tool that fetches has to check the
//! address that it connects to.

use super::domain::{Entry, is_within};
use super::{Call, Failure, Validator, target};
use std::net::{Ipv4Addr, Ipv6Addr};
use url::Host;

pub(super) const LIMITS: [&str; 9] = [
    "block_private_ips",
    "block_private_ip",
    "block_private_networks",
    "block_private_addresses",
    "block_internal",
    "block_localhost",
    "allow_private_ips",
    "allow_private_ip",
    "allow_private_networks",
];

/// Names that lead to the machine itself, its neighbours, or the metadata service of a cloud.
const LOCAL: [&str; 19] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
    "localtest.me",
    "lvh.me",
    "vcap.me",
    "lacolhost.com",
    "svc",
    "test",
    "onion",
    "localdomain4",
    "localdomain6",
];

/// Services that answer with the address that the name spells.
const SPELT: [&str; 4] = ["nip.io", "sslip.io", "xip.io", "traefik.me"];

/// Blocked unless the passport says otherwise: `block_private_ips: false`, `allow_private_ips: true`, or the
/// very host among `allowed_domains`.
pub(super) fn private(call: &Call<'_>) -> Result<(), Failure> {
    let block = call.limit_flag(&LIMITS[..6])?;
    let allow = call.limit_flag(&LIMITS[6..])?;
    let target = match target::read(call) {
        // A URL that is none is no private address; the rule about domains says what is wrong with it.
        Err(Failure::Denied(_)) if call.asks(Validator::BlockedDomains) => return Ok(()),
        read => read?,
    };
    let Some(target) = target else {
        return Ok(());
    };
    let open = match (block, allow) {
        (Some(true), _) | (_, Some(false)) => false,
        (Some(false), _) | (_, Some(true)) => true,
        (None, None) => {
            let mut named = false;
            for entry in call
                .limit_list(&["allowed_domains", "allowed_hosts"])?
                .unwrap_or_default()
            {
                let wild = entry.contains('*');
                named |= !wild && Entry::read(entry).covers_host(call, &target.host)?;
            }
            named
        }
    };
    let Some(kind) = kind(&target.host).filter(|_| !open) else {
        return Ok(());
    };
    let (field, host) = (target.field, &target.host);
    let how = if block.is_none() && allow.is_none() {
        "; `limits.block_private_ips` set to false would allow it"
    } else {
        ""
    };
    let text = format!("host {host} of `{field}` is {kind}{how}");
    Err(Failure::of(field, target.raw.clone(), text))
}

/// What makes the host private, in words.
pub(super) fn kind(host: &Host) -> Option<&'static str> {
    match host {
        Host::Ipv4(address) => kind_v4(*address),
        Host::Ipv6(address) => kind_v6(*address),
        Host::Domain(name) => {
            if let Some(spelt) = SPELT.iter().find_map(|service| spelt(name, service)) {
                return kind_v4(spelt).or(Some("a name that spells an address"));
            }
            // Others spell one of version 6, or one in a way not known here: `--1.sslip.io`.
            if SPELT
                .iter()
                .any(|service| is_within(name, service) && name != *service && !is_page(name))
            {
                return Some("a name that spells an address");
            }
            if !name.contains('.') {
                return Some("a name of the local network");
            }
            let local = LOCAL.iter().any(|domain| is_within(name, domain));
            local.then_some("a name of the local network")
        }
    }
}

/// The services' own pages.
fn is_page(name: &str) -> bool {
    name.starts_with("www.") && name.matches('.').count() == 2
}

fn kind_v4(address: Ipv4Addr) -> Option<&'static str> {
    Some(match address.octets() {
        [127, ..] => "a loopback address",
        [169, 254, ..] => "a link-local address, as metadata services have",
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] => "a private address",
        [100, 64..=127, ..] => "an address of a provider's own network",
        [168, 63, 129, 16] => "the address of a cloud's metadata service",
        [0, ..] => "an address of this machine",
        [192, 0, 0, _] | [198, 18..=19, ..] | [192, 88, 99, _] => "a reserved address",
        [224..=239, ..] => "a multicast address",
        [240..=255, ..] => "a reserved address",
        _ => return None,
    })
}

fn kind_v6(address: Ipv6Addr) -> Option<&'static str> {
    let inner = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        kind_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("an address of this machine"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("a loopback address"),
        // Mapped, translated and compatible IPv4.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0, 0, 0, 0, 0, 0, high, low] => inner(high, low).or(Some("an IPv4 address in disguise")),
        // NAT64, well-known and local.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => inner(high, low),
        [0x64, 0xff9b, 1, ..] => Some("an address of a local translator"),
        // 6to4, and Teredo, whose client address is inverted.
        [0x2002, high, low, ..] => inner(high, low),
        [0x2001, 0, _, _, _, _, high, low] => inner(!high, !low),
        // ISATAP.
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => inner(high, low),
        [first, ..] if first & 0xfe00 == 0xfc00 => Some("a unique local address"),
        [first, ..] if first & 0xffc0 == 0xfe80 => Some("a link-local address"),
        [first, ..] if first & 0xffc0 == 0xfec0 => Some("a site-local address"),
        [first, ..] if first & 0xff00 == 0xff00 => Some("a multicast address"),
        _ => None,
    }
}

/// The address in `10.0.0.1.nip.io`, `a-10-0-0-1.nip.io` or `0a000001.nip.io`.
fn spelt(name: &str, service: &str) -> Option<Ipv4Addr> {
    let before = name.strip_suffix(service)?.strip_suffix('.')?;
    let parts: Vec<&str> = before.split(['.', '-']).collect();
    for four in parts.windows(4) {
        if let Ok(address) = four.join(".").parse() {
            return Some(address);
        }
    }
    let last = parts.last().filter(|last| last.len() == 8)?;
    u32::from_str_radix(last, 16).ok().map(Ipv4Addr::from)
}
