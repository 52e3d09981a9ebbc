//! A role that may serve and nothing else.

use aport_gate_test_postgres::{database, query, try_query};

use super::*;

/// URL of a new role on the database.
fn role(url: &str) -> (String, String) {
    let name = format!("server_{}", url.rsplit('/').next().unwrap());
    query(
        url,
        &format!("CREATE ROLE {name} LOGIN PASSWORD 'serving-s3cret'"),
    );
    let (_, host) = url.split_once('@').unwrap();
    (format!("postgres://{name}:serving-s3cret@{host}"), name)
}

#[tokio::test]
async fn role_that_may_only_call_the_functions_serves() {
    let Some(url) = database() else { return };
    let (server, name) = role(&url);
    let error = Ledger::connect(&server, LIMIT).await.unwrap_err();
    assert!(
        matches!(error, LedgerError::Misconfigured { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("migrate"), "{error}");

    Ledger::migrate(&url, LIMIT).await.unwrap();
    Ledger::migrate(&url, LIMIT).await.unwrap();
    let error = Ledger::connect(&server, LIMIT).await.unwrap_err();
    assert!(
        matches!(error, LedgerError::Misconfigured { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("permission denied"), "{error}");

    query(&url, &format!("SELECT grant_server('{name}')"));
    let ledger = Ledger::connect(&server, LIMIT).await.unwrap();
    commit(spend(&ledger, 3, 100, Some("k")).await)
        .await
        .unwrap();
    drop(spend(&ledger, 3, 100, None).await);
    assert_eq!(total(&ledger).await, 3);
    ledger.verify().await.unwrap();
    for forbidden in [
        "INSERT INTO audit VALUES (9, '', 'refusal', NULL, '{}', '', '')",
        "UPDATE audit SET body = '{}'",
        "DELETE FROM audit",
        "UPDATE audit_head SET sequence = 0",
        "UPDATE counters SET total = 0",
        "SELECT * FROM counters",
        "UPDATE reservations SET state = 'released'",
        "DELETE FROM idempotency_keys",
        "SELECT append('', 'refusal', NULL, '{}')",
        "UPDATE version SET version = 0",
        "BEGIN; LOCK TABLE turn IN EXCLUSIVE MODE",
        "CREATE TABLE aport_gate.mine (x int)",
        "DROP SCHEMA aport_gate CASCADE",
    ] {
        let refused = try_query(&server, forbidden);
        let refused = refused.expect_err(forbidden);
        assert!(
            refused.contains("permission denied") || refused.contains("must be owner"),
            "{forbidden}: {refused}"
        );
    }
    assert_eq!(ledger.verify().await.unwrap().records, 5);
}

#[tokio::test]
async fn other_roles_may_not_call_the_functions() {
    let Some(url) = database() else { return };
    let (other, name) = role(&url);
    Ledger::migrate(&url, LIMIT).await.unwrap();
    query(&url, &format!("GRANT USAGE ON SCHEMA aport_gate TO {name}"));
    for forbidden in [
        "SELECT refuse('', '{}')",
        "SELECT settle('', 'released', '', '{}', true)",
        "SELECT read('{}', NULL)",
        "SELECT prune(0, 0, 0, true, 1, '', '')",
        "SELECT take_turn()",
        "SELECT grant_server(current_user)",
    ] {
        let refused = try_query(&other, forbidden).expect_err(forbidden);
        assert!(
            refused.contains("permission denied"),
            "{forbidden}: {refused}"
        );
    }
}
