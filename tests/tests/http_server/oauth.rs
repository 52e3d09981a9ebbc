//! Access tokens of an authorization server.

use std::sync::atomic::Ordering;

use aport_gate_tests::{AGENT, Home, HttpAnswer, HttpServerProcess, refund_arguments};
use ring::hmac;
use serde_json::{Value, json};

use crate::issuer::{Key, Published, encode, unsigned};

const ISSUER: &str = "https://issuer.example";

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn claims(server: &HttpServerProcess) -> Value {
    json!({
        "iss": ISSUER, "aud": server.url(), "exp": now() + 600, "iat": now(),
        "sub": "user-7", "aport_agent_id": AGENT, "scope": "profile tools",
    })
}

fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut changed = claims.clone();
    match value {
        Value::Null => drop(changed.as_object_mut().unwrap().remove(name)),
        value => changed[name] = value,
    }
    changed
}

fn start(home: &Home, keys: &str) -> HttpServerProcess {
    let arguments = [
        "--oauth-issuer",
        ISSUER,
        "--oauth-jwks",
        keys,
        "--oauth-agent-claim",
        "aport_agent_id",
        "--oauth-scope",
        "tools",
    ];
    HttpServerProcess::start(
        home,
        &arguments,
        &[("APORT_SECURITY", "secure"), ("RUST_LOG", "trace")],
    )
}

fn refund(server: &HttpServerProcess, token: &str, key: &str) -> HttpAnswer {
    let header = format!("Authorization: Bearer {token}");
    server.call(&[&header], "process_refund", &refund_arguments(100, key))
}

#[test]
fn a_token_of_the_issuer_acts_for_the_agent_that_its_claim_names() {
    let (home, key) = (Home::new(), Key::new("k1"));
    let published = Published::start(&[&key]);
    let server = start(&home, &published.url());
    let token = key.sign(&claims(&server));
    let answer = refund(&server, &token, "key-oauth").answer();
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(answer.decision()["agent_id"], json!(AGENT));
    let own = home.token(AGENT, "own");
    assert!(refund(&server, &own, "key-owned").answer().is_ok());
    assert!(!server.log().contains(&token));
    assert_eq!(published.asked.load(Ordering::SeqCst), 1);
}

#[test]
fn clients_learn_where_tokens_are_issued() {
    let (home, key) = (Home::new(), Key::new("k1"));
    let published = Published::start(&[&key]);
    let server = start(&home, &published.url());
    let refused = server.rpc(&[], "tools/list", &json!({}));
    assert_eq!(refused.status, 401);
    let challenge = refused.header("www-authenticate").unwrap();
    let url = format!(
        "http://{}/.well-known/oauth-protected-resource/mcp",
        server.address()
    );
    assert!(
        challenge.contains(&format!("resource_metadata=\"{url}\"")),
        "{challenge}"
    );
    assert!(!challenge.contains("error="), "{challenge}");
    for path in ["", "/mcp"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let document = server.request("GET", &path, &[], "").json();
        assert_eq!(
            document,
            json!({
                "resource": server.url(), "authorization_servers": [ISSUER],
                "bearer_methods_supported": ["header"], "scopes_supported": ["tools"],
            })
        );
    }
    let other = server.request("GET", "/.well-known/oauth-protected-resource/x", &[], "");
    assert_eq!(other.status, 404);
    let without = HttpServerProcess::start(&home, &[], &[]);
    let path = "/.well-known/oauth-protected-resource";
    assert_eq!(without.request("GET", path, &[], "").status, 404);
}

#[test]
fn clients_are_told_to_ask_for_tokens_that_count() {
    let (home, key) = (Home::new(), Key::new("k1"));
    let published = Published::start(&[&key]);
    let keys = published.url();
    let oauth = ["--oauth-issuer", ISSUER, "--oauth-jwks", &keys];
    for (audience, is_published) in [("https://tools.example/mcp", true), ("api://tools", false)] {
        let arguments = [&oauth[..], &["--oauth-audience", audience]].concat();
        let server = HttpServerProcess::start(&home, &arguments, &[]);
        let path = "/.well-known/oauth-protected-resource/mcp";
        let resource = server.request("GET", path, &[], "").json()["resource"].clone();
        let own = server.url();
        assert_eq!(resource, if is_published { audience } else { own.as_str() });
        // An issuer cannot be told of what is no URL: its operator has to.
        assert_eq!(
            server.log().contains("no URL"),
            !is_published,
            "{}",
            server.log()
        );
        let mut claims = with(&claims(&server), "sub", AGENT.into());
        assert_eq!(refund(&server, &key.sign(&claims), "key-own").status, 401);
        claims["aud"] = audience.into();
        let answer = refund(&server, &key.sign(&claims), &format!("key-{is_published}"));
        assert!(answer.answer().is_ok(), "{answer:?}");
    }
}

#[test]
fn the_issuers_metadata_tells_where_its_keys_are() {
    let (home, key) = (Home::new(), Key::new("k1"));
    let published = Published::start(&[&key]);
    let issuer = published.issuer();
    let arguments = ["--oauth-issuer", issuer.as_str()];
    let server = HttpServerProcess::start(&home, &arguments, &[]);
    let good = with(&claims(&server), "iss", issuer.as_str().into());
    let token = key.sign(&with(&good, "sub", AGENT.into()));
    let metadata = json!({ "issuer": issuer, "jwks_uri": published.url() });
    let foreign = json!({ "issuer": "https://evil.example", "jwks_uri": published.url() });
    let elsewhere = json!({ "issuer": issuer, "jwks_uri": "http://192.0.2.1/jwks.json" });
    let openid = "/.well-known/openid-configuration";
    assert_eq!(refund(&server, &token, "key-nowhere").status, 503);
    for wrong in [foreign, elsewhere] {
        published.describe(openid, wrong);
        // Longer than failures are remembered where there are no keys at all.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        assert_eq!(refund(&server, &token, "key-of-nobody").status, 503);
    }
    assert!(server.log().contains("not of"), "{}", server.log());
    assert_eq!(published.asked.load(Ordering::SeqCst), 0);
    published.describe(openid, metadata);
    let found = (0..200).any(|attempt| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        refund(&server, &token, &format!("key-found-{attempt}")).status == 200
    });
    assert!(found, "{}", server.log());
    assert_eq!(home.payments().len(), 1);
}

#[test]
fn no_other_token_counts() {
    let (home, key, stranger) = (Home::new(), Key::new("k1"), Key::new("k1"));
    let published = Published::start(&[&key]);
    let server = start(&home, &published.url());
    let good = claims(&server);
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": "k1" });
    let hs256 = |secret: &[u8]| {
        let signed = unsigned(&with(&header, "alg", "HS256".into()), &good);
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let signature = hmac::sign(&secret, signed.as_bytes());
        format!("{signed}.{}", encode(signature.as_ref()))
    };
    let none = unsigned(&json!({ "alg": "none", "kid": "k1" }), &good);
    let own_key = json!({ "alg": "ES256", "kid": "k1", "jwk": stranger.public() });
    let elsewhere = json!({ "alg": "ES256", "kid": "k1", "jku": published.url() });
    let token = key.sign(&good);
    let signed = token.rsplit_once('.').unwrap().0;
    for (what, token, status) in [
        ("none", format!("{none}."), 401),
        ("no signature", format!("{signed}."), 401),
        ("HS256 of the key", hs256(key.point()), 401),
        (
            "HS256 of the document",
            hs256(key.public().to_string().as_bytes()),
            401,
        ),
        ("another key", stranger.sign(&good), 401),
        ("a key of its own", stranger.sign_with(&own_key, &good), 401),
        ("keys elsewhere", stranger.sign_with(&elsewhere, &good), 401),
        (
            "crit",
            key.sign_with(&with(&header, "crit", json!(["b64"])), &good),
            401,
        ),
        (
            "no access token",
            key.sign_with(&with(&header, "typ", "logout+jwt".into()), &good),
            401,
        ),
        (
            "expired",
            key.sign(&with(&good, "exp", (now() - 120).into())),
            401,
        ),
        ("endless", key.sign(&with(&good, "exp", Value::Null)), 401),
        (
            "not yet",
            key.sign(&with(&good, "nbf", (now() + 300).into())),
            401,
        ),
        (
            "other issuer",
            key.sign(&with(&good, "iss", "https://evil.example".into())),
            401,
        ),
        (
            "other audience",
            key.sign(&with(&good, "aud", "https://other.example/mcp".into())),
            401,
        ),
        (
            "no audience",
            key.sign(&with(&good, "aud", Value::Null)),
            401,
        ),
        (
            "no scope",
            key.sign(&with(&good, "scope", "profile".into())),
            403,
        ),
        (
            "no agent",
            key.sign(&with(&good, "aport_agent_id", Value::Null)),
            403,
        ),
        (
            "no agent's id",
            key.sign(&with(&good, "aport_agent_id", "user 7".into())),
            403,
        ),
        (
            "agents",
            key.sign(&with(&good, "aport_agent_id", json!([AGENT]))),
            403,
        ),
        ("no JWT", "x".repeat(20_000), 401),
    ] {
        let answer = refund(&server, &token, "key-refused");
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert!(!answer.body.contains(&token), "{what}");
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        match (status, what) {
            (401, _) => assert!(challenge.contains("error=\"invalid_token\""), "{what}"),
            (_, "no scope") => assert!(
                challenge.contains("error=\"insufficient_scope\", scope=\"tools\""),
                "{challenge}"
            ),
            _ => {}
        }
    }
    assert!(home.payments().is_empty());
    // The issuer knows the agent, the operator does not: the gate denies.
    let unknown = key.sign(&with(&good, "aport_agent_id", "ap_nobody".into()));
    assert!(!refund(&server, &unknown, "key-unknown").answer().is_ok());
    assert!(home.payments().is_empty());
    assert!(
        refund(&server, &key.sign(&good), "key-good")
            .answer()
            .is_ok()
    );
}

#[test]
fn a_storm_of_unknown_keys_asks_the_issuer_once_and_a_new_key_is_found() {
    let (home, old, new) = (Home::new(), Key::new("old"), Key::new("new"));
    let published = Published::start(&[&old]);
    let server = start(&home, &published.url());
    let good = claims(&server);
    assert!(
        refund(&server, &old.sign(&good), "key-oldest")
            .answer()
            .is_ok()
    );
    published.publish(&[&old, &new]);
    assert!(
        refund(&server, &new.sign(&good), "key-newest")
            .answer()
            .is_ok()
    );
    let asked = published.asked.load(Ordering::SeqCst);
    assert_eq!(asked, 2);
    let storm: Vec<String> = (0..40)
        .map(|number| Key::new(&format!("unknown-{number}")).sign(&good))
        .collect();
    std::thread::scope(|scope| {
        for token in &storm {
            scope.spawn(|| assert_eq!(refund(&server, token, "key-storm").status, 401));
        }
    });
    assert_eq!(published.asked.load(Ordering::SeqCst), asked);
    assert!(
        refund(&server, &old.sign(&good), "key-still")
            .answer()
            .is_ok()
    );
    assert_eq!(home.payments().len(), 3);
}

#[test]
fn without_the_issuers_keys_nobody_is_let_in_and_with_them_again() {
    let (home, key) = (Home::new(), Key::new("k1"));
    let published = Published::start(&[&key]);
    published.fail();
    let server = start(&home, &published.url());
    let token = key.sign(&claims(&server));
    assert_eq!(refund(&server, &token, "key-away").status, 503);
    assert!(home.payments().is_empty());
    published.publish(&[&key]);
    let back = (0..200).any(|attempt| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        refund(&server, &token, &format!("key-back-{attempt}")).status == 200
    });
    assert!(back);
    let file = home.path().join("keys.json");
    std::fs::write(&file, json!({ "keys": [key.public()] }).to_string()).unwrap();
    let server = start(&home, file.to_str().unwrap());
    let token = key.sign(&claims(&server));
    assert!(refund(&server, &token, "key-of-file").answer().is_ok());
    std::fs::write(&file, "{}").unwrap();
    assert_eq!(refund(&server, &token, "key-no-file").status, 503);
}
