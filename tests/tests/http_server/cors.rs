//! Pages in a browser that call from another origin.

use aport_gate_tests::{AGENT, Home, HttpAnswer, HttpServerProcess, refund_arguments};
use serde_json::json;

const PAGE: &str = "Origin: https://inspector.example";
const OTHER: &str = "Origin: https://evil.example";
const ASKS: [&str; 2] = [
    "Access-Control-Request-Method: POST",
    "Access-Control-Request-Headers: authorization, content-type, mcp-protocol-version, x-agent-passport-id",
];

fn allowed(answer: &HttpAnswer) -> Option<&str> {
    answer.header("access-control-allow-origin")
}

#[test]
fn an_allowed_page_may_ask_and_call_and_read_how_to_authenticate() {
    let home = Home::new();
    let token = format!("Authorization: Bearer {}", home.token(AGENT, "page"));
    let arguments = ["--allow-origin", "https://inspector.example"];
    let server = HttpServerProcess::start(&home, &arguments, &[]);
    for path in ["/mcp", "/.well-known/oauth-protected-resource"] {
        // Without a token: a browser sends none with this question.
        let asked = server.request("OPTIONS", path, &[PAGE, ASKS[0], ASKS[1]], "");
        assert_eq!(asked.status, 204, "{path}: {asked:?}");
        assert_eq!(allowed(&asked), Some("https://inspector.example"));
        let headers = asked.header("access-control-allow-headers").unwrap();
        assert_eq!(headers, "authorization, content-type, mcp-protocol-version");
        assert!(
            asked
                .header("access-control-allow-methods")
                .unwrap()
                .contains("POST")
        );
        assert_eq!(asked.header("access-control-allow-credentials"), None);
    }
    let refused = server.rpc(&[PAGE], "tools/list", &json!({}));
    assert_eq!(refused.status, 401, "{refused:?}");
    assert_eq!(allowed(&refused), Some("https://inspector.example"));
    let exposed = refused.header("access-control-expose-headers").unwrap();
    for name in ["WWW-Authenticate", "Mcp-Session-Id", "Mcp-Protocol-Version"] {
        assert!(exposed.contains(name), "{exposed}");
    }
    let arguments = refund_arguments(100, "key-of-a-page");
    let paid = server.call(&[PAGE, &token], "process_refund", &arguments);
    assert!(paid.answer().is_ok(), "{paid:?}");
    assert_eq!(allowed(&paid), Some("https://inspector.example"));
    // The name under which a page reaches the server still counts.
    let rebound = server.rpc(
        &[PAGE, &token, "Host: evil.example"],
        "tools/list",
        &json!({}),
    );
    assert_eq!(rebound.status, 403);
    let asked = ["Host: evil.example", PAGE, ASKS[0]];
    assert_eq!(server.request("OPTIONS", "/mcp", &asked, "").status, 403);
}

#[test]
fn no_other_page_may_and_none_where_none_is_allowed() {
    let home = Home::new();
    let bound = [("APORT_AGENT_ID", AGENT)];
    let arguments = ["--allow-origin", "https://inspector.example"];
    for (arguments, page) in [(&arguments[..], OTHER), (&[], PAGE), (&[], OTHER)] {
        let server = HttpServerProcess::start(&home, arguments, &bound);
        let asked = server.request("OPTIONS", "/mcp", &[page, ASKS[0]], "");
        assert_eq!((asked.status, allowed(&asked)), (403, None), "{asked:?}");
        let arguments = refund_arguments(100, "key-of-a-page");
        let refused = server.call(&[page], "process_refund", &arguments);
        assert_eq!(
            (refused.status, allowed(&refused)),
            (403, None),
            "{refused:?}"
        );
    }
    assert!(home.payments().is_empty());
}
