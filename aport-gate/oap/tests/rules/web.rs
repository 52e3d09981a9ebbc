//! Headers, forms and MCP servers.

use crate::setting::{Setting, allows, denies};
use serde_json::{Value, json};

#[test]
fn headers_with_credentials_are_blocked_unless_the_passport_lists_its_own() {
    let name = "validateWebFetchHeaders";
    let with = |headers: Value| json!({ "url": "https://example.com/", "headers": headers });
    allows(
        name,
        &json!({}),
        &[
            json!({ "url": "https://example.com/" }),
            with(json!({})),
            with(json!({ "Accept": "text/html", "Host": "example.com" })),
        ],
    );
    denies(
        name,
        &json!({}),
        &[
            with(json!({ "Authorization": "Bearer x" })),
            with(json!({ "COOKIE": "a=b" })),
            with(json!({ "X-Api-Key": "k" })),
            with(json!({ "Accept": "a\r\nHost: evil.example" })),
            with(json!({ "Host": "evil.example" })),
            with(json!({ "a b": "c" })),
        ],
        "oap.refused",
    );
    let own = json!({ "blocked_headers": ["X-Internal-*", "bearer"] });
    denies(
        name,
        &own,
        &[
            with(json!({ "x-internal-id": "1" })),
            with(json!({ "Authorization": "BEARER x" })),
        ],
        "oap.refused",
    );
    allows(name, &own, &[with(json!({ "Cookie": "a=b" }))]);
    allows(
        name,
        &json!({ "allowed_headers": ["Accept", "Authorization"] }),
        &[with(json!({ "Authorization": "x" }))],
    );
    denies(
        name,
        &json!({ "allowed_headers": ["Accept"] }),
        &[with(json!({ "X-Other": "x" }))],
        "oap.refused",
    );
    denies(
        name,
        &json!({}),
        &[with(json!({ "a": 1 })), json!({ "headers": [] })],
        "oap.policy_error",
    );
}

#[test]
fn a_header_reason_does_not_repeat_the_secret() {
    let decided = Setting::validator("validateWebFetchHeaders", json!({})).decide(
        &json!({ "url": "https://example.com", "headers": { "Authorization": "Bearer hunter2" } }),
    );
    assert!(!format!("{:?}", decided.reasons).contains("hunter2"));
}

#[test]
fn forms_are_not_sent_where_the_passport_says_so() {
    let name = "validateBrowserFormSubmission";
    let sends = [
        json!({ "action": "type", "selector": "#q", "value": "x" }),
        json!({ "action": "click", "selector": "button[type=submit]" }),
        json!({ "action": "click", "selector": "#Submit" }),
        json!({ "action": "submit" }),
    ];
    let looks = [
        json!({ "action": "navigate", "url": "https://example.com" }),
        json!({ "action": "click", "selector": "a.next" }),
        json!({ "action": "screenshot" }),
    ];
    denies(
        name,
        &json!({ "allow_form_submission": false }),
        &sends,
        "oap.refused",
    );
    allows(name, &json!({ "allow_form_submission": false }), &looks);
    allows(name, &json!({ "allow_form_submission": true }), &sends);
    allows(name, &json!({}), &sends);
    denies(
        name,
        &json!({ "allow_form_submission": "false" }),
        &looks,
        "oap.policy_error",
    );
}

#[test]
fn mcp_servers_are_reached_safely() {
    let name = "validateMCPServer";
    let servers = |list: &[&str]| {
        list.iter()
            .map(|url| json!({ "server": url }))
            .collect::<Vec<_>>()
    };
    let any = json!({ "allowed_servers": ["*"] });
    allows(
        name,
        &any,
        &servers(&[
            "https://mcp.example.com",
            "https://mcp.example.com:8443/sse",
            "wss://mcp.example.com",
        ]),
    );
    denies(
        name,
        &any,
        &servers(&[
            "http://mcp.example.com",
            "ftp://mcp.example.com",
            "mcp.example.com",
            "not a url",
            "https://user:pw@mcp.example.com",
            "http://localhost:3000",
            "https://169.254.169.254",
            "https://10.0.0.8",
            "stdio://server",
            "https://",
        ]),
        "oap.refused",
    );
    let named = json!({ "allowed_servers": ["http://localhost:3000", "https://10.0.0.8", "http://mcp.example.com"] });
    allows(
        name,
        &named,
        &servers(&["http://localhost:3000/", "https://10.0.0.8"]),
    );
    denies(
        name,
        &named,
        &servers(&["http://mcp.example.com"]),
        "oap.refused",
    );
}

#[test]
fn a_service_that_answers_with_the_address_in_a_name_is_refused_however_it_is_spelt() {
    let of =
        |urls: &[&str]| -> Vec<Value> { urls.iter().map(|url| json!({ "url": url })).collect() };
    let name = "validateWebFetchPrivateIP";
    denies(
        name,
        &json!({}),
        &of(&[
            "http://--1.sslip.io/",
            "http://fd00--1.sslip.io/",
            "http://2130706433.nip.io/",
            "http://localhost6.localdomain6/",
        ]),
        "oap.refused",
    );
    allows(
        name,
        &json!({}),
        &of(&["https://sslip.io/", "https://www.nip.io/"]),
    );
}

#[test]
fn a_credential_is_one_in_any_header() {
    let name = "validateWebFetchHeaders";
    let with =
        |value: Value| json!({ "url": "https://example.com/", "headers": { "X-Custom": value } });
    denies(
        name,
        &json!({}),
        &[
            with("Bearer abc".into()),
            with("bearer  abc".into()),
            with("Basic dXNlcjpwdw==".into()),
            with("Token abc".into()),
            with("Digest username=\"x\"".into()),
            with("AWS4-HMAC-SHA256 Credential=x, SignedHeaders=y".into()),
            with("a=b; Bearer abc".into()),
            with(json!(["x", "Bearer abc"])),
        ],
        "oap.refused",
    );
    allows(
        name,
        &json!({}),
        &[
            with("bearer".into()),
            with("the bearer of bad news".into()),
            with("text/html, application/json;q=0.9".into()),
        ],
    );
    allows(
        name,
        &json!({ "allowed_headers": ["X-Custom"] }),
        &[with("Bearer abc".into())],
    );
    allows(
        name,
        &json!({ "blocked_headers": ["cookie"] }),
        &[with("Bearer abc".into())],
    );
}

#[test]
fn a_selector_that_may_mean_a_button_counts_as_one() {
    let click = |selector: &str| json!({ "action": "click", "selector": selector });
    let name = "validateBrowserFormSubmission";
    let limits = json!({ "allow_form_submission": false });
    denies(
        name,
        &limits,
        &[
            click("[type^=sub]"),
            click("[type$=mit]"),
            click("[ type *= \"ubm\" ]"),
            click("[type=s\\75bmit]"),
            click("[type=image]"),
            click("[/**/type=image]"),
            click("#s\\75bmit"),
            click("[id^=sub]"),
            click("[value$='mit']"),
            click("//*[starts-with(@type, 'sub')]"),
        ],
        "oap.refused",
    );
    allows(
        name,
        &limits,
        &[
            click("a[href^='/docs']"),
            click("[class*=nav] li:nth-child(2)"),
            click("[data-id='3']"),
        ],
    );
}
