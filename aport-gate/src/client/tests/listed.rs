//! How long a listing is believed.

use serde_json::json;

use super::arguments;
use super::wire::Wire;
use crate::client::ClientError;

#[tokio::test]
async fn a_listing_is_kept_as_long_as_the_server_says() {
    for (ttl, listings) in [(None, 1), (Some(60_000), 1), (Some(0), 3)] {
        let wire = Wire::new([]);
        if let Some(ttl) = ttl {
            wire.hold(ttl);
        }
        let client = wire.connect().await.unwrap();
        for _ in 0..3 {
            let arguments = arguments(json!({ "amount": 1 }));
            client.call("plain", arguments).await.unwrap();
        }
        assert_eq!(wire.books.lock().unwrap().listings, listings, "{ttl:?}");
    }
}

#[tokio::test]
async fn callers_who_wait_for_one_listing_share_it_however_short_it_holds() {
    let wire = Wire::new([]);
    wire.hold(0);
    let client = wire.connect().await.unwrap();
    let calls = (0..20).map(|_| client.call("plain", arguments(json!({ "amount": 1 }))));
    for outcome in futures::future::join_all(calls).await {
        outcome.unwrap();
    }
    let listings = wire.books.lock().unwrap().listings;
    assert!(listings <= 2, "{listings}");
}

#[tokio::test]
async fn a_lifetime_that_is_none_keeps_nobody_from_the_tools_and_is_zero() {
    for ttl in [
        json!(0.5),
        json!("100"),
        json!(1e30),
        json!(true),
        json!([]),
    ] {
        let wire = Wire::new([]);
        wire.hold(ttl.clone());
        let client = wire.connect().await.unwrap();
        assert_eq!(client.list_tools().await.unwrap().len(), 3, "{ttl}");
        let before = wire.books.lock().unwrap().listings;
        for _ in 0..2 {
            let arguments = arguments(json!({ "amount": 1 }));
            client.call("plain", arguments).await.unwrap();
        }
        assert!(wire.books.lock().unwrap().listings >= before + 2, "{ttl}");
        assert_eq!(wire.calls().len(), 2);
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_says_what_is_wrong_and_that_nothing_was_called() {
    let wire = Wire::new([]);
    wire.list(json!([{ "name": 7 }]));
    let client = wire.connect().await.unwrap();
    let called = client.call("plain", arguments(json!({}))).await;
    for error in [called.unwrap_err(), client.list_tools().await.unwrap_err()] {
        assert!(matches!(error, ClientError::Protocol { .. }), "{error:?}");
        assert!(!error.may_have_run(), "{error}");
        let told = error.to_string();
        assert!(
            told.contains("no tool was called") && told.contains("expected a string"),
            "{told}"
        );
    }
    assert_eq!(wire.calls().len(), 0);
}
