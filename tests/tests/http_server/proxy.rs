//! Header `X-Agent-Passport-Id`: the word of a proxy.

use aport_gate_tests::{AGENT, Home, HttpServerProcess, refund_arguments, server_command};
use serde_json::json;

const HEADER: &str = "X-Agent-Passport-Id: ap_tester";

#[test]
fn the_header_counts_only_from_a_trusted_proxy_and_is_refused_from_others() {
    let home = Home::new();
    let refund = |server: &HttpServerProcess, headers: &[&str], key: &str| {
        server.call(headers, "process_refund", &refund_arguments(100, key))
    };
    let distant = ["--trusted-proxy", "10.1.2.3", "--require-auth"];
    for arguments in [&[][..], &distant] {
        let server = HttpServerProcess::start(&home, arguments, &[]);
        let forwarded = ["X-Forwarded-For: 10.1.2.3", HEADER];
        for headers in [&[HEADER][..], &forwarded] {
            let answer = refund(&server, headers, "key-untrusted");
            assert_eq!(answer.status, 403, "{answer:?}");
            assert!(answer.body.contains("trusted proxy"), "{answer:?}");
        }
    }
    let here = [
        "--trusted-proxy",
        "127.0.0.0/8",
        "--trusted-proxy",
        "10.1.2.3",
    ];
    let server = HttpServerProcess::start(&home, &here, &[("APORT_SECURITY", "secure")]);
    for (headers, status) in [
        (&[][..], 401),
        (&[HEADER, HEADER], 400),
        (&["X-Agent-Passport-Id: nobody"], 400),
        (&["X-Agent-Passport-Id: "], 400),
    ] {
        let answer = refund(&server, headers, "key-refused");
        assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
    }
    assert!(home.payments().is_empty());
    let answer = refund(&server, &[HEADER], "key-trusted").answer();
    assert_eq!(answer.decision()["agent_id"], json!(AGENT));
    assert_eq!(home.payments().len(), 1);
}

#[test]
fn everybody_is_no_proxy_unless_it_is_said_in_so_many_words() {
    let home = Home::new();
    for everybody in ["0.0.0.0/0", "::/0"] {
        let output = server_command(home.path(), &[])
            .args(["--http", "127.0.0.1:0", "--trusted-proxy", everybody])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("every address"), "{told}");
    }
    let server = HttpServerProcess::start(&home, &["--trusted-proxy", "anybody"], &[]);
    let said = server.log();
    assert!(said.contains("may act as any agent"), "{said}");
    let arguments = refund_arguments(100, "key-of-anybody");
    let answer = server
        .call(&[HEADER], "process_refund", &arguments)
        .answer();
    assert_eq!(answer.decision()["agent_id"], json!(AGENT));
}

#[test]
fn where_there_are_tokens_the_proxys_word_alone_is_not_enough_and_must_agree() {
    let home = Home::new();
    home.add_agent("ap_other");
    let own = format!("Authorization: Bearer {}", home.token(AGENT, "own"));
    let other = format!("Authorization: Bearer {}", home.token("ap_other", "other"));
    let server = HttpServerProcess::start(&home, &["--trusted-proxy", "127.0.0.1"], &[]);
    let refund = |headers: &[&str], key: &str| {
        server.call(headers, "process_refund", &refund_arguments(100, key))
    };
    assert_eq!(refund(&[HEADER], "key-no-token").status, 401);
    let conflict = refund(&[HEADER, &other], "key-conflict").answer();
    assert_eq!(conflict.codes(), ["gate.agent_id_conflict"]);
    assert!(home.payments().is_empty());
    assert!(refund(&[HEADER, &own], "key-agreed").answer().is_ok());
    assert!(refund(&[&own], "key-token-alone").answer().is_ok());
}
