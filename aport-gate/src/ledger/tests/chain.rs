use serde_json::json;

use super::*;

behaviours!(sqlite memory: {
    edited_removed_and_reordered_records_are_named,
    records_are_read_in_pages,
});

/// What is done to a chain of five records, and the record that `verify` must name.
const EDITS: [(Edit, u64); 12] = [
    (
        Edit {
            sql: r#"UPDATE audit SET body = '{"number":9}' WHERE sequence = 3"#,
            memory: |state| state.audit[2].body = r#"{"number":9}"#.to_owned(),
        },
        3,
    ),
    (
        Edit {
            sql: "UPDATE audit SET at = '2020-01-01T00:00:00Z' WHERE sequence = 1",
            memory: |state| state.audit[0].at = "2020-01-01T00:00:00Z".to_owned(),
        },
        1,
    ),
    (
        Edit {
            sql: "UPDATE audit SET decision_id = '' WHERE sequence = 2",
            memory: |state| state.audit[1].decision_id = Some(String::new()),
        },
        2,
    ),
    (
        Edit {
            sql: "UPDATE audit SET kind = 'outcome' WHERE sequence = 5",
            memory: |state| state.audit[4].kind = "outcome".to_owned(),
        },
        5,
    ),
    (
        Edit {
            sql: "UPDATE audit SET hash = previous WHERE sequence = 4",
            memory: |state| state.audit[3].hash = state.audit[3].previous.clone(),
        },
        4,
    ),
    (
        Edit {
            sql: "DELETE FROM audit WHERE sequence = 1",
            memory: |state| drop(state.audit.remove(0)),
        },
        1,
    ),
    (
        Edit {
            sql: "DELETE FROM audit WHERE sequence = 3",
            memory: |state| drop(state.audit.remove(2)),
        },
        3,
    ),
    (
        Edit {
            sql: "DELETE FROM audit WHERE sequence = 5",
            memory: |state| drop(state.audit.remove(4)),
        },
        5,
    ),
    (
        Edit {
            sql: "DELETE FROM audit",
            memory: |state| state.audit.clear(),
        },
        1,
    ),
    (
        Edit {
            sql: "INSERT INTO audit SELECT 6, at, kind, decision_id, body, previous, hash
                  FROM audit WHERE sequence = 5",
            memory: |state| {
                let mut copy = state.audit[4].clone();
                copy.sequence = 6;
                state.audit.push(copy);
            },
        },
        6,
    ),
    (
        Edit {
            sql: "UPDATE audit SET sequence = 100 WHERE sequence = 2;
                  UPDATE audit SET sequence = 2 WHERE sequence = 4;
                  UPDATE audit SET sequence = 4 WHERE sequence = 100;",
            memory: |state| {
                state.audit.swap(1, 3);
                state.audit[1].sequence = 2;
                state.audit[3].sequence = 4;
            },
        },
        2,
    ),
    (
        Edit {
            sql: "DELETE FROM audit WHERE sequence = 3;
                  UPDATE audit SET sequence = 3 WHERE sequence = 4;
                  UPDATE audit SET sequence = 4 WHERE sequence = 5;",
            memory: |state| {
                state.audit.remove(2);
                state.audit[2].sequence = 3;
                state.audit[3].sequence = 4;
            },
        },
        3,
    ),
];

async fn edited_removed_and_reordered_records_are_named(first: Scratch) {
    let mut scratch = first;
    for (edit, sequence) in &EDITS {
        let ledger = scratch.open().await;
        for number in 1..=5 {
            ledger.refuse(json!({"number": number})).await.unwrap();
        }
        let summary = ledger.verify().await.unwrap();
        assert_eq!(summary.records, 5);
        assert_eq!(summary.head, ledger.records(4, 9).await.unwrap()[0].hash);
        scratch.edit(edit).await;
        match ledger.verify().await {
            Err(LedgerError::Tampered {
                sequence: found, ..
            }) => {
                assert_eq!(found, *sequence, "{}", edit.sql);
            }
            other => panic!("not noticed: {other:?} after {}", edit.sql),
        }
        scratch = scratch.another().await;
    }
}

async fn records_are_read_in_pages(scratch: Scratch) {
    let ledger = scratch.open().await;
    for number in 1..=5 {
        ledger
            .refuse(json!({"b": number, "a": "é\u{0}\n"}))
            .await
            .unwrap();
    }
    let page = |after, limit| {
        let ledger = &ledger;
        async move {
            let records = ledger.records(after, limit).await.unwrap();
            records
                .into_iter()
                .map(|record| (record.sequence, record.body))
                .collect::<Vec<_>>()
        }
    };
    let record = |number: u64| (number, json!({"a": "é\u{0}\n", "b": number}));
    assert_eq!(page(0, 2).await, [record(1), record(2)]);
    assert_eq!(page(2, 2).await, [record(3), record(4)]);
    assert_eq!(page(4, 2).await, [record(5)]);
    assert_eq!(page(5, 2).await, []);
    assert_eq!(page(u64::MAX, 2).await, []);
    assert_eq!(page(0, 0).await, []);
}
