//! The key of a gate shows nowhere: in no log at its most talkative, no answer and no record.

use aport_gate_tests::{Home, RegistryProcess, server_command};

use crate::decisions::refund;
use crate::trail::records;

/// A text as it is, in base64 at each of its three alignments, and percent-encoded.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    for skipped in 0..3 {
        // Whole groups of three bytes, whatever stands before and after.
        let bytes = &secret.as_bytes()[skipped..];
        forms.push(base64(&bytes[..bytes.len() / 3 * 3]));
    }
    forms.push(secret.bytes().map(|byte| format!("%{byte:02X}")).collect());
    forms.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
    let numbers: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
    forms.push(numbers.join(", "));
    forms
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift & 63) as usize]))
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}

#[test]
fn the_key_of_a_gate_shows_in_no_log_answer_or_record() {
    let (desk, office) = (Home::new(), Home::new());
    let key = office.operate(&["registry", "key", "add", "desk"]).exits(0);
    let key = key.trim();
    let trace = [("RUST_LOG", "trace")];
    let mut registry = RegistryProcess::start(&office, &[], &trace);
    let envs = [
        trace[0],
        ("APORT_API_KEY", key),
        ("APORT_TIMEOUT_MS", "1000"),
    ];
    let gate = registry.gate(&desk, &envs);
    let mut told = String::new();
    told += &format!("{:?}", refund(&gate, 1, "refund-0001"));
    told += &format!("{:?}", refund(&gate, 5001, "refund-0002"));
    let _ = office
        .operate(&["registry", "key", "revoke", "desk"])
        .exits(0);
    let unauthorized = refund(&gate, 1, "refund-0003");
    assert_eq!(unauthorized.codes(), ["gate.registry_unauthorized"]);
    told += &format!("{unauthorized:?}");
    registry.kill();
    told += &format!("{:?}", refund(&gate, 1, "refund-0004"));
    assert!(gate.leave());
    let log = gate.log();
    // Else the log was not at its most talkative, and the rest proves nothing.
    assert!(log.contains("TRACE") && registry.log().contains("DEBUG"));
    told += &format!("{:?}{:?}", records(&desk), records(&office));
    for form in forms(key) {
        for (place, text) in [
            ("the gate's log", &log),
            ("the registry's log", &registry.log()),
            ("answers and records", &told),
        ] {
            assert!(!text.contains(&form), "`{form}` is in {place}");
        }
    }
}

#[test]
fn a_url_or_key_that_cannot_be_used_is_named_and_not_shown() {
    let home = Home::new();
    for (variable, value) in [
        (
            "APORT_BASE_URL",
            "https://desk:hunter2@registry.example.com",
        ),
        ("APORT_BASE_URL", "https://hunter2@registry.example.com"),
        (
            "APORT_BASE_URL",
            "https://registry.example.com/?key=hunter2",
        ),
        ("APORT_BASE_URL", "https://registry.example.com/#hunter2"),
        ("APORT_BASE_URL", "http://registry.example.com/hunter2"),
        ("APORT_BASE_URL", "ftp://registry.example.com/hunter2"),
        ("APORT_API_KEY", "hunter2\r\nx-other: 1"),
    ] {
        let output = server_command(home.path(), &[(variable, value), ("RUST_LOG", "trace")])
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{variable}={value}: {log}");
        assert!(log.contains(variable), "{log}");
        assert!(!log.contains("hunter2"), "{log}");
    }
}

#[test]
fn a_base_with_a_path_or_a_slash_at_its_end_and_a_proxy_in_the_environment_change_nothing() {
    let (desk, office) = (Home::new(), Home::new());
    let registry = RegistryProcess::start(&office, &[], &[]);
    let slash = format!("{}/", registry.url());
    // A proxy that nobody serves: the key must not go there for a registry on this machine.
    let proxy = "http://127.0.0.1:9";
    let envs = [
        ("APORT_BASE_URL", slash.as_str()),
        ("HTTP_PROXY", proxy),
        ("http_proxy", proxy),
        ("ALL_PROXY", proxy),
        ("all_proxy", proxy),
    ];
    let paid = refund(&registry.gate(&desk, &envs), 1, "refund-0001");
    assert!(paid.is_ok(), "{paid:?}");
    let deep = format!("{}/no/such/path", registry.url());
    let refused = refund(
        &registry.gate(&desk, &[("APORT_BASE_URL", &deep)]),
        1,
        "refund-0002",
    );
    assert_eq!(refused.codes(), ["gate.registry_refused"], "{refused:?}");
}
