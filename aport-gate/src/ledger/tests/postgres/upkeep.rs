//! What is removed, what stays, and what a clock that moves may not do.

use aport_gate_test_postgres::{database, query};

use super::*;
use crate::ledger::postgres::session::Session;
use crate::ledger::postgres::target::Target;
use crate::ledger::postgres::tls;
use crate::ledger::postgres::upkeep::Upkeep;
use crate::ledger::{Pruned, Retention};

const VERSION_1: &str = include_str!("../../postgres/migrations/1.sql");

async fn session(url: &str) -> Session {
    let target = Target::parse(url, LIMIT).unwrap();
    let tls = tls::connector(&target).unwrap();
    Session::connect(&target, &tls, LIMIT).await.unwrap()
}

impl Scene {
    fn count(&self, table: &str) -> String {
        self.query(&format!("SELECT count(*) FROM {table}"))
            .remove(0)
    }

    async fn prune(&self) -> Pruned {
        self.ledger.prune(Retention::default()).await.unwrap()
    }

    /// Makes everything that is there this many days old. The windows of younger things are open.
    fn age(&self, days: u32) {
        let then = format!("now() - interval '{days} days'");
        let end = format!("floor(extract(epoch FROM {then})) + 3600");
        for sql in [
            format!("UPDATE counters SET window_end = {end}"),
            format!("UPDATE reservations SET open_until = {end}, created_at = {then}"),
            format!("UPDATE idempotency_keys SET created_at = {then}"),
        ] {
            self.query(&sql);
        }
    }
}

#[tokio::test]
async fn ended_windows_and_old_keys_go_and_the_chain_stays_whole() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    commit(spend(&scene.ledger, 5, 10, Some("old")).await)
        .await
        .unwrap();
    scene.age(91);
    let pruned = scene.prune().await;
    assert_eq!(
        (
            pruned.counters,
            pruned.idempotency_keys,
            pruned.reservations
        ),
        (1, 1, 0)
    );
    for table in ["counters", "idempotency_keys", "reservations"] {
        assert_eq!(scene.count(table), "0", "{table}");
    }
    // The window that is open has nothing spent yet; the old key counts as new.
    commit(spend(&scene.ledger, 10, 10, Some("old")).await)
        .await
        .unwrap();
    scene.age(0);
    assert_eq!(scene.prune().await, Pruned::default());
    assert_eq!(scene.total(), 10);
    assert_eq!(scene.ledger.verify().await.unwrap().records, 4);
}

#[tokio::test]
async fn open_windows_and_younger_keys_stay_however_short_the_retention() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    commit(spend(&scene.ledger, 5, 10, Some("key")).await)
        .await
        .unwrap();
    scene.age(0);
    // Past the API, as a server whose code was changed would ask.
    scene.query("SELECT prune(-100000000, -100000000, -100000000, true, 500, '', '{}')");
    assert_eq!(
        (scene.count("counters"), scene.count("idempotency_keys")),
        ("1".into(), "1".into())
    );
    // Its window is long gone, but the key has a longer retention.
    scene.age(30);
    assert_eq!(scene.prune().await.idempotency_keys, 0);
    assert_eq!(scene.count("idempotency_keys"), "1");
    assert!(
        usage(&scene.ledger, Some("key")).await.key_seen,
        "the key pays once"
    );
}

#[tokio::test]
async fn reservation_of_a_lost_process_is_recorded_as_abandoned_and_stays_taken() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    let recorded = spend(&scene.ledger, 5, 10, Some("running")).await;
    let decision_id = recorded.decision.decision_id.clone();
    scene.age(0);
    assert_eq!(scene.prune().await.reservations, 0);
    scene.age(3);
    let pruned = scene.prune().await;
    // Its counters are kept for longer than that.
    assert_eq!((pruned.reservations, pruned.counters), (1, 0));
    assert_eq!(scene.total(), 5);
    let records = scene.ledger.records_of(&decision_id).await.unwrap();
    assert_eq!(records.last().unwrap().body["outcome"], "abandoned");
    scene.ledger.verify().await.unwrap();
    let error = commit(recorded).await.unwrap_err();
    assert!(matches!(error, LedgerError::NotPending { .. }), "{error}");
}

#[tokio::test]
async fn a_key_that_was_pruned_too_early_pays_no_second_time() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    commit(spend(&scene.ledger, 5, 10, Some("key")).await)
        .await
        .unwrap();
    // Of a clock of the database that ran ahead.
    scene.query("UPDATE idempotency_keys SET created_at = now() - interval '89 days'");
    let short = Retention::default().idempotency_keys(std::time::Duration::from_secs(88 * 86_400));
    assert_eq!(scene.ledger.prune(short).await.unwrap().idempotency_keys, 1);
    // A day ago it was one.
    let until = scene.query("SELECT extract(epoch FROM now())::bigint - pruned_until FROM upkeep");
    let ago: i64 = until[0].parse().unwrap();
    assert!(
        (86_400 + 3600 - 60..=86_400 + 3600 + 60).contains(&ago),
        "{ago}"
    );
}

#[tokio::test]
async fn clock_behind_what_was_pruned_is_refused() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    scene.query("UPDATE upkeep SET pruned_until = 4102444800");
    let error = try_spend(&scene.ledger, 5, 10, None).await.unwrap_err();
    assert!(matches!(error, LedgerError::ClockBehind { .. }), "{error}");
    assert!(error.to_string().contains("2100-01-01"), "{error}");
    assert_eq!(scene.total(), 0);
    scene.query("UPDATE upkeep SET pruned_until = 0");
    commit(spend(&scene.ledger, 5, 10, None).await)
        .await
        .unwrap();
}

#[tokio::test]
async fn regular_look_removes_once_an_hour_what_was_old_at_the_look_before() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    let look = async || {
        let session = session(&scene.url).await;
        let mut upkeep = Upkeep::new(Retention::default());
        upkeep.look(&session.client, "ledger").await;
        session.close().await;
    };
    let looked = |seconds_ago: i64| {
        scene.query(&format!(
            "UPDATE upkeep SET looked_at = floor(extract(epoch FROM now())) - {seconds_ago}"
        ));
    };
    commit(spend(&scene.ledger, 5, 10, None).await)
        .await
        .unwrap();
    // Old now, but not when somebody looked last: the clock may have jumped.
    scene.age(9);
    looked(3 * 86_400);
    look().await;
    assert_eq!(scene.count("counters"), "1");
    // That look was just now: the next one is an hour away.
    look().await;
    assert_eq!(scene.count("counters"), "1");
    looked(4000);
    look().await;
    assert_eq!(scene.count("counters"), "0");
}

#[tokio::test]
async fn large_backlog_goes_in_several_steps() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    scene.query(
        "INSERT INTO counters SELECT sha256(i::text::bytea), 'a', 'p', 'c', i::text, 'day', 0, 86400, 1
         FROM generate_series(1, 1203) AS i",
    );
    assert_eq!(scene.prune().await.counters, 1203);
}

#[tokio::test]
async fn schema_of_version_1_is_migrated_with_what_it_holds_and_whom_it_serves() {
    let Some(url) = database() else { return };
    query(&url, &format!("CREATE SCHEMA aport_gate; {VERSION_1}"));
    let name = format!("old_{}", url.rsplit('/').next().unwrap());
    query(
        &url,
        &format!("CREATE ROLE {name} LOGIN PASSWORD 'serving'"),
    );
    query(&url, &format!("SELECT grant_server('{name}')"));
    query(
        &url,
        "INSERT INTO counters VALUES ('\\x01', 'a', 'p', 'c', '', 'day', 0, 86400, 7);
         INSERT INTO reservations VALUES ('d', 'a', 'p', 'pending', '{\"\\\\x01\"}', '{7}', '\\x02');
         INSERT INTO idempotency_keys VALUES ('\\x02', 'a', 'p', 'key', 'd')",
    );
    Ledger::migrate(&url, LIMIT).await.unwrap();
    assert_eq!(
        query(&url, "SELECT open_until FROM reservations"),
        ["86400"]
    );
    let (_, host) = url.split_once('@').unwrap();
    let server = format!("postgres://{name}:serving@{host}");
    let ledger = Ledger::connect(&server, LIMIT).await.unwrap();
    commit(spend(&ledger, 5, 10, Some("new")).await)
        .await
        .unwrap();
    let pruned = ledger.prune(Retention::default()).await.unwrap();
    assert_eq!((pruned.reservations, pruned.counters), (1, 2));
}
