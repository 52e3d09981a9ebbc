use serde_json::json;

use super::*;

async fn tampered_at(sql: &str) -> u64 {
    let scratch = Scratch::new();
    let ledger = scratch.open();
    for number in 1..=5 {
        ledger.refuse(json!({"number": number})).await.unwrap();
    }
    let summary = ledger.verify().await.unwrap();
    assert_eq!(summary.records, 5);
    assert_eq!(summary.head, ledger.records(4, 9).await.unwrap()[0].hash);
    scratch.raw(sql);
    match ledger.verify().await {
        Err(LedgerError::Tampered { sequence, .. }) => sequence,
        other => panic!("not noticed: {other:?}"),
    }
}

#[tokio::test]
async fn edited_removed_and_reordered_records_are_named() {
    let cases = [
        (
            r#"UPDATE audit SET body = '{"number":9}' WHERE sequence = 3"#,
            3,
        ),
        (
            "UPDATE audit SET at = '2020-01-01T00:00:00Z' WHERE sequence = 1",
            1,
        ),
        ("UPDATE audit SET decision_id = '' WHERE sequence = 2", 2),
        ("UPDATE audit SET kind = 'outcome' WHERE sequence = 5", 5),
        ("UPDATE audit SET hash = previous WHERE sequence = 4", 4),
        ("DELETE FROM audit WHERE sequence = 1", 1),
        ("DELETE FROM audit WHERE sequence = 3", 3),
        ("DELETE FROM audit WHERE sequence = 5", 5),
        ("DELETE FROM audit", 1),
        (
            "INSERT INTO audit SELECT 6, at, kind, decision_id, body, previous, hash FROM audit WHERE sequence = 5",
            6,
        ),
        (
            "UPDATE audit SET sequence = 100 WHERE sequence = 2;
             UPDATE audit SET sequence = 2 WHERE sequence = 4;
             UPDATE audit SET sequence = 4 WHERE sequence = 100;",
            2,
        ),
        (
            "DELETE FROM audit WHERE sequence = 3;
             UPDATE audit SET sequence = 3 WHERE sequence = 4;
             UPDATE audit SET sequence = 4 WHERE sequence = 5;",
            3,
        ),
    ];
    for (sql, sequence) in cases {
        assert_eq!(tampered_at(sql).await, sequence, "{sql}");
    }
}
