//! Bearer tokens that are bound to agents.

use aport_gate_tests::{
    AGENT, Home, HttpAnswer, HttpServerProcess, refund_arguments, server_command,
};
use serde_json::{Value, json};

const OTHER: &str = "ap_other";

fn refund(server: &HttpServerProcess, headers: &[&str], key: &str) -> HttpAnswer {
    server.call(headers, "process_refund", &refund_arguments(100, key))
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

#[test]
fn the_token_says_who_calls_and_is_told_nowhere() {
    let home = Home::new();
    home.add_agent(OTHER);
    let (one, other) = (
        bearer(&home.token(AGENT, "one")),
        bearer(&home.token(OTHER, "two")),
    );
    let server = HttpServerProcess::start(&home, &[], &[("RUST_LOG", "trace")]);
    for (token, agent) in [(&one, AGENT), (&other, OTHER)] {
        let answer = refund(&server, &[token], &format!("key-of-{agent}")).answer();
        assert!(answer.is_ok(), "{answer:?}");
        assert_eq!(answer.decision()["agent_id"], json!(agent));
        let listing = server.rpc(&[token], "tools/list", &json!({}));
        let tools = listing.json()["result"]["tools"].clone();
        for tool in tools.as_array().unwrap() {
            let required = tool["inputSchema"]["required"].as_array().unwrap();
            assert!(!required.contains(&Value::from("agent_id")), "{tool}");
        }
    }
    let secret = |line: &str| line.rsplit(' ').next().unwrap().to_owned();
    let audit = home.operate(&["audit", "list", "--json"]).exits(0);
    for line in [&one, &other] {
        assert!(!server.log().contains(&secret(line)));
        assert!(!audit.contains(&secret(line)));
    }
}

#[test]
fn nothing_runs_without_a_token_that_counts() {
    let home = Home::new();
    let token = home.token(AGENT, "good");
    let revoked = home.token(AGENT, "revoked");
    let server = HttpServerProcess::start(&home, &[], &[]);
    assert!(
        refund(&server, &[&bearer(&revoked)], "key-before")
            .answer()
            .is_ok()
    );
    let _ = home.operate(&["token", "revoke", "revoked"]).exits(0);
    let good = bearer(&token);
    let paid = home.payments().len();
    let cut = bearer(&token[..token.len() - 1]);
    let longer = bearer(&format!("{token}A"));
    let basic = good.replace("Bearer", "Basic");
    for (headers, status, error) in [
        (vec![], 401, None),
        (vec!["Authorization: "], 401, None),
        (vec!["Authorization: Bearer"], 401, None),
        (vec![basic.as_str()], 401, None),
        (vec!["Authorization: Bearer "], 401, None),
        (vec![cut.as_str()], 401, Some("invalid_token")),
        (vec![longer.as_str()], 401, Some("invalid_token")),
        (
            vec!["Authorization: Bearer null"],
            401,
            Some("invalid_token"),
        ),
        (
            vec!["Authorization: Bearer a.b.c"],
            401,
            Some("invalid_token"),
        ),
        (
            vec![&format!("Authorization: Bearer {revoked}")],
            401,
            Some("invalid_token"),
        ),
        (vec![good.as_str(), good.as_str()], 400, None),
        (vec![good.as_str(), "authorization: Bearer x"], 400, None),
    ] {
        let answer = refund(&server, &headers, "key-refused");
        assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
        if status == 401 {
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.starts_with("Bearer realm="), "{challenge}");
            assert_eq!(
                challenge.contains("error=\"invalid_token\""),
                error.is_some(),
                "{challenge}"
            );
        }
        for header in headers {
            let secret = header.rsplit(' ').next().unwrap();
            assert!(secret.len() < 20 || !answer.body.contains(secret));
        }
        let listing = server.rpc(&[], "tools/list", &json!({}));
        assert_eq!(listing.status, 401);
    }
    assert_eq!(home.payments().len(), paid);
    assert!(refund(&server, &[&good], "key-after").answer().is_ok());
}

#[test]
fn a_token_ends_by_itself_and_a_server_without_tokens_closes_with_the_first() {
    let home = Home::new();
    let server = HttpServerProcess::start(&home, &[], &[("APORT_AGENT_ID", AGENT)]);
    assert!(refund(&server, &[], "key-open").answer().is_ok());
    let create = [
        "token",
        "create",
        "--agent",
        AGENT,
        "--name",
        "short",
        "--expires",
        "3s",
    ];
    let token = bearer(home.operate(&create).exits(0).trim());
    assert_eq!(refund(&server, &[], "key-closed").status, 401);
    assert!(refund(&server, &[&token], "key-in-time").answer().is_ok());
    let mut last = 200;
    for attempt in 0..200 {
        last = refund(&server, &[&token], &format!("key-late-{attempt}")).status;
        if last != 200 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(last, 401);
    let listed = home.operate(&["token", "list"]).exits(0);
    assert!(
        listed.contains("short") && listed.contains("expired"),
        "{listed}"
    );
    let past = [
        "token",
        "create",
        "--agent",
        AGENT,
        "--expires",
        "2020-01-01T00:00:00Z",
    ];
    assert_eq!(home.operate(&past).code, 2);
}

#[test]
fn everything_else_that_names_an_agent_must_agree_with_the_token() {
    let home = Home::new();
    home.add_agent(OTHER);
    let one = bearer(&home.token(AGENT, "one"));
    let server = HttpServerProcess::start(&home, &[], &[("APORT_SECURITY", "secure")]);
    let call = |meta: Value, argument: Option<&str>, key: &str| {
        let mut arguments = refund_arguments(100, key);
        if let Some(agent) = argument {
            arguments["agent_id"] = agent.into();
        }
        let params = json!({ "name": "process_refund", "arguments": arguments, "_meta": meta });
        server.rpc(&[&one], "tools/call", &params).answer()
    };
    let same = json!({ "io.aport/agent_id": AGENT });
    assert!(call(same, Some(AGENT), "key-same").is_ok());
    for (meta, argument) in [
        (json!({ "io.aport/agent_id": OTHER }), None),
        (json!({}), Some(OTHER)),
        (json!({ "io.aport/agent_id": AGENT }), Some(OTHER)),
    ] {
        let refused = call(meta, argument, "key-conflict");
        assert_eq!(refused.codes(), ["gate.agent_id_conflict"], "{refused:?}");
    }
    assert_eq!(home.payments().len(), 1);
    let bound = HttpServerProcess::start(&home, &[], &[("APORT_AGENT_ID", OTHER)]);
    let refused = refund(&bound, &[&one], "key-of-the-process").answer();
    assert_eq!(refused.codes(), ["gate.agent_id_conflict"]);
    assert_eq!(home.payments().len(), 1);
}

#[test]
fn a_secure_server_does_not_start_where_nobody_could_prove_who_it_is() {
    let home = Home::new();
    let secure = [("APORT_SECURITY", "secure"), ("APORT_AGENT_ID", AGENT)];
    let output = server_command(home.path(), &secure)
        .args(["--http", "127.0.0.1:0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(log.contains("aport-gate token create"), "{log}");
    let server = HttpServerProcess::start(&home, &["--require-auth"], &secure);
    assert_eq!(refund(&server, &[], "key-nobody").status, 401);
    let token = bearer(&home.token(AGENT, "first"));
    assert!(refund(&server, &[&token], "key-first").answer().is_ok());
    std::fs::write(home.path().join("keys/agent-tokens.json"), "[{").unwrap();
    for headers in [vec![], vec![token.as_str()]] {
        let answer = refund(&server, &headers, "key-damaged");
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    assert_eq!(home.payments().len(), 1);
}

#[test]
fn a_lost_file_of_tokens_opens_neither_a_running_server_nor_the_next_one() {
    let home = Home::new();
    let bound = [("APORT_AGENT_ID", AGENT)];
    let server = HttpServerProcess::start(&home, &[], &bound);
    assert!(refund(&server, &[], "key-open").answer().is_ok());
    let token = bearer(&home.token(AGENT, "desk"));
    let keys = home.path().join("keys");
    let (file, aside) = (keys.join("agent-tokens.json"), home.path().join("aside"));
    let shut = |case: &str| {
        for headers in [vec![], vec![token.as_str()]] {
            let answer = refund(&server, &headers, "key-shut");
            assert_eq!(answer.status, 503, "{case}: {answer:?}");
        }
        let ready = server.request("GET", "/readyz", &[], "");
        assert_eq!(ready.status, 503, "{case}: {ready:?}");
        assert!(ready.json()["tokens"].as_str().unwrap().contains("the log"));
    };
    std::fs::rename(&file, &aside).unwrap();
    shut("gone");
    std::fs::write(&file, "[]").unwrap();
    shut("empty");
    std::fs::remove_file(&file).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", &file).unwrap();
        shut("a link to nowhere");
        std::fs::remove_file(&file).unwrap();
    }
    assert!(server.log().contains("gone or empty"), "{}", server.log());
    let next = server_command(home.path(), &bound)
        .args(["--http", "127.0.0.1:0"])
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&next.stderr).into_owned();
    assert_eq!(next.status.code(), Some(2), "{log}");
    assert!(log.contains("put it back, or make new ones"), "{log}");
    std::fs::rename(&keys, home.path().join("keys-aside")).unwrap();
    shut("its folder gone");
    std::fs::rename(home.path().join("keys-aside"), &keys).unwrap();
    std::fs::rename(&aside, &file).unwrap();
    assert_eq!(refund(&server, &[], "key-nobody").status, 401);
    assert!(refund(&server, &[&token], "key-back").answer().is_ok());
    assert_eq!(home.payments().len(), 2);
    std::fs::remove_file(&file).unwrap();
    let new = bearer(&home.token(AGENT, "new"));
    assert_eq!(refund(&server, &[&token], "key-old").status, 401);
    assert!(refund(&server, &[&new], "key-of-the-new").answer().is_ok());
}
