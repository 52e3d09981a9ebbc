//! How long a listing is believed.

use serde_json::json;

use super::arguments;
use super::wire::Wire;

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
