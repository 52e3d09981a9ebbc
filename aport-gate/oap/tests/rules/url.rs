//! URLs: blocked domains and private addresses.

use crate::setting::{Setting, allows, codes, denies};
use serde_json::{Value, json};

fn urls(list: &[&str]) -> Vec<Value> {
    list.iter().map(|url| json!({ "url": url })).collect()
}

#[test]
fn private_addresses_are_blocked_however_they_are_written() {
    let hidden = urls(&[
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0x7f.1/",
        "http://127.0.0.1./",
        "http://127。0。0。1/",
        "http://①②⑦.0.0.1/",
        "http://%31%32%37.0.0.1/",
        "http://0/",
        "http://0.0.0.0:8080/",
        "http://10.1.2.3/",
        "http://172.16.0.1/",
        "http://172.31.255.255/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://192.0.0.192/",
        "http://198.18.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::a00:1]/",
        "http://[64:ff9b:1::1]/",
        "http://[2002:7f00:1::]/",
        "http://[fd00:ec2::254]/",
        "http://[fc00::1]/",
        "http://[fe80::1]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
        "http://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/",
        "http://[2607:f8b0::5efe:a00:1]/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://a.localhost/",
        "http://printer/",
        "http://router.local/",
        "http://metadata.google.internal/",
        "http://db.corp/",
        "http://nas.home.arpa/",
        "http://api.default.svc/",
        "http://10.0.0.1.nip.io/",
        "http://x-192-168-0-1.sslip.io/",
        "http://7f000001.nip.io/",
        "http://localtest.me/",
    ]);
    for validator in ["validateWebFetchPrivateIP", "validateBrowserPrivateIP"] {
        denies(validator, &json!({}), &hidden, "oap.refused");
        denies(
            validator,
            &json!({ "block_private_ips": true, "allowed_domains": ["*", "127.0.0.1"] }),
            &hidden,
            "oap.refused",
        );
    }
}

#[test]
fn public_addresses_pass_the_private_address_check() {
    let public = urls(&[
        "https://example.com/",
        "https://93.184.216.34/",
        "https://[2606:2800:220:1::1]/",
        "https://172.32.0.1/",
        "https://11.0.0.1/",
        "https://internal.example.com/",
        "https://localhost.example.com/",
        "https://[64:ff9b::808:808]/",
        "https://example.com./",
        "https://bücher.example/",
        "https://100.128.0.1/",
    ]);
    allows(
        "validateWebFetchPrivateIP",
        &json!({ "block_private_ips": true }),
        &public,
    );
}

#[test]
fn an_operator_may_open_private_addresses() {
    let local = urls(&["http://localhost:3000/", "http://127.0.0.1:8080/x"]);
    allows(
        "validateWebFetchPrivateIP",
        &json!({ "block_private_ips": false }),
        &local,
    );
    allows(
        "validateWebFetchPrivateIP",
        &json!({ "allow_private_ips": true }),
        &local,
    );
    allows(
        "validateWebFetchPrivateIP",
        &json!({ "allowed_domains": ["localhost:3000", "127.0.0.1"] }),
        &local,
    );
    denies(
        "validateWebFetchPrivateIP",
        &json!({ "allowed_domains": ["*"] }),
        &local,
        "oap.refused",
    );
    denies(
        "validateWebFetchPrivateIP",
        &json!({ "block_private_ips": "no" }),
        &local,
        "oap.policy_error",
    );
}

#[test]
fn urls_that_clients_read_differently_are_refused() {
    let odd = urls(&[
        "https://good.example\\@evil.example/",
        "https://good.example@evil.example/",
        "https://@evil.example/",
        "https:evil.example",
        "https:///evil.example/",
        "//evil.example/",
        "evil.example",
        "https://exa\nmple.com/",
        " https://good.example/",
        "https://good.example /",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://good.example/",
        "gopher://good.example/",
        "https://",
        "http://[::1",
        "https://a b/",
        "http://256.256.256.256/",
        "https://good.example:99999/",
    ]);
    for validator in [
        "validateWebFetchBlockedDomains",
        "validateWebFetchPrivateIP",
    ] {
        denies(
            validator,
            &json!({ "allowed_domains": ["*"], "block_private_ips": false }),
            &odd,
            "oap.refused",
        );
    }
}

#[test]
fn blocked_domains_take_their_subdomains_with_them() {
    let limits = json!({ "blocked_domains": ["evil.example", "*.bad.example", ".worse.example", "https://url.example/path", "xn--bcher-kva.example", "tracker", "1.2.3.4", "ads*.example"] });
    let blocked = urls(&[
        "https://evil.example/",
        "https://EVIL.example./",
        "https://a.b.evil.example:8443/x",
        "https://bad.example/",
        "https://x.bad.example/",
        "https://worse.example",
        "https://url.example/path/more",
        "https://url.example/%70ath",
        "https://bücher.example/",
        "https://tracker.example/",
        "http://1.2.3.4/",
        "http://0x01020304/",
        "https://ads99.example/",
    ]);
    denies(
        "validateWebFetchBlockedDomains",
        &limits,
        &blocked,
        "oap.refused",
    );
    let fine = urls(&[
        "https://notevil.example/",
        "https://evil.example.org/",
        "https://url.example/other",
        "https://good.example/?evil.example",
    ]);
    allows("validateBrowserBlockedDomains", &limits, &fine);
}

#[test]
fn the_host_itself_has_to_be_on_a_list_of_allowed_domains() {
    let limits = json!({ "allowed_domains": ["api.example.com", "*.docs.example", "https://full.example/v1"] });
    let fine = urls(&[
        "https://api.example.com/x",
        "https://v2.api.example.com/",
        "https://a.docs.example/",
        "https://full.example/v1/x",
    ]);
    allows("validateWebFetchBlockedDomains", &limits, &fine);
    let elsewhere = urls(&[
        "https://evil.example/?api.example.com",
        "https://api.example.com.evil.example/",
        "https://evilapi.example.com/",
        "https://evil.example/api.example.com",
        "https://evil.example/#api.example.com",
    ]);
    denies(
        "validateWebFetchBlockedDomains",
        &limits,
        &elsewhere,
        "oap.domain_not_allowed",
    );
}

#[test]
fn public_drops_are_blocked_until_the_passport_names_one() {
    let drop = urls(&["https://pastebin.com/raw/x", "https://x.oast.fun/"]);
    denies(
        "validateWebFetchBlockedDomains",
        &json!({ "allowed_domains": ["*"] }),
        &drop,
        "oap.refused",
    );
    allows(
        "validateWebFetchBlockedDomains",
        &json!({ "allowed_domains": ["pastebin.com"] }),
        &urls(&["https://pastebin.com/raw/x"]),
    );
}

#[test]
fn a_browser_action_without_a_url_goes_nowhere() {
    let limits = json!({ "allowed_domains": ["example.com"], "blocked_domains": ["evil.example"] });
    for validator in ["validateBrowserBlockedDomains", "validateBrowserPrivateIP"] {
        allows(
            validator,
            &limits,
            &[
                json!({ "action": "click" }),
                json!({ "action": "close", "url": null }),
            ],
        );
        denies(
            validator,
            &limits,
            &[json!({ "action": "navigate", "url": 7 })],
            "oap.policy_error",
        );
    }
}

#[test]
fn a_url_that_is_none_is_refused_once_and_by_whichever_rule_is_there() {
    let rule = |name: &str, validator: &str, code: &str| json!({ "name": name, "type": "custom_validator", "validator": validator, "deny_code": code });
    let domains = rule(
        "domains",
        "validateWebFetchBlockedDomains",
        "oap.domain_blocked",
    );
    let private = rule(
        "private",
        "validateWebFetchPrivateIP",
        "oap.private_ip_blocked",
    );
    let setting = |rules: &[&Value]| {
        let pack = json!({ "id": "acme.web.get.v1", "requires_capabilities": ["acme.web"], "evaluation_rules": rules });
        Setting::new(pack, json!({}))
    };
    let both = setting(&[&domains, &private]);
    let alone = setting(&[&private]);
    let mut waived = setting(&[&domains, &private]);
    waived.pack = waived.pack.with_waived("domains").unwrap();
    for url in [
        "https://a.example/x y",
        "https://a.example\\x",
        "https://u:p@a.example/",
        "ftp://a.example/",
        "https:/a.example",
        "a.example",
        "http://",
    ] {
        let context = json!({ "url": url });
        assert_eq!(
            codes(&both.decide(&context)),
            ["oap.domain_blocked"],
            "{url}"
        );
        assert_eq!(
            codes(&alone.decide(&context)),
            ["oap.private_ip_blocked"],
            "{url}"
        );
        assert_eq!(
            codes(&waived.decide(&context)),
            ["oap.private_ip_blocked"],
            "{url}"
        );
    }
    let context = json!({ "url": "http://10.0.0.1/" });
    assert_eq!(codes(&both.decide(&context)), ["oap.private_ip_blocked"]);
    let wrong = both.decide(&json!({ "url": 1 }));
    assert!(codes(&wrong).contains(&"oap.policy_error"), "{wrong:?}");
}
