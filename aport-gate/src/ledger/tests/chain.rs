use serde_json::json;

use super::super::audit::Head;
use super::*;

behaviours!(sqlite memory postgres: {
    edited_removed_and_reordered_records_are_named,
    records_are_read_in_pages,
    records_of_a_decision_are_found,
    a_kept_head_shows_a_cut_tail_and_a_rewritten_chain,
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

async fn records_of_a_decision_are_found(scratch: Scratch) {
    let ledger = scratch.open().await;
    ledger.refuse(json!({"before": true})).await.unwrap();
    let recorded = spend(&ledger, 1, 10, None).await;
    let id = recorded.decision.decision_id.clone();
    spend(&ledger, 1, 10, None).await;
    drop(recorded);
    let records = ledger.records_of(&id).await.unwrap();
    let kinds: Vec<&str> = records.iter().map(|record| record.kind.as_str()).collect();
    assert_eq!(kinds, ["decision", "outcome"]);
    assert!(
        records
            .iter()
            .all(|record| record.decision_id.as_ref() == Some(&id))
    );
    assert_eq!(ledger.records_of("unknown").await.unwrap(), []);
}

async fn a_kept_head_shows_a_cut_tail_and_a_rewritten_chain(scratch: Scratch) {
    let ledger = scratch.open().await;
    let empty = ledger.head().await.unwrap();
    assert_eq!(empty.sequence, 0);
    for number in 1..=5 {
        ledger.refuse(json!({"number": number})).await.unwrap();
    }
    let kept = ledger.head().await.unwrap();
    assert_eq!(kept.to_string().parse(), Ok(kept));
    ledger.refuse(json!({"number": 6})).await.unwrap();
    for head in [empty, kept, ledger.head().await.unwrap()] {
        assert_eq!(ledger.verify_against(head).await.unwrap().records, 6);
    }
    scratch
        .edit(&Edit {
            sql: "DELETE FROM audit WHERE sequence > 3;
                  UPDATE audit_head SET sequence = 3, hash = (SELECT hash FROM audit WHERE sequence = 3)",
            memory: |state| {
                state.audit.truncate(3);
                let last = &state.audit[2];
                state.head = Some(Head {
                    sequence: last.sequence,
                    hash: last.hash.clone(),
                });
            },
        })
        .await;
    // By itself the shorter chain holds.
    assert_eq!(ledger.verify().await.unwrap().records, 3);
    assert_eq!(tampered(ledger.verify_against(kept).await), 4);
    // Filled up to the same length with other records.
    for number in 4..=6 {
        ledger.refuse(json!({"forged": number})).await.unwrap();
    }
    assert_eq!(ledger.verify().await.unwrap().records, 6);
    assert_eq!(tampered(ledger.verify_against(kept).await), 5);
    let foreign = AuditHead {
        sequence: 0,
        hash: kept.hash,
    };
    assert!(ledger.verify_against(foreign).await.is_err());
}

fn tampered(verified: Result<AuditSummary, LedgerError>) -> u64 {
    match verified {
        Err(LedgerError::Tampered { sequence, .. }) => sequence,
        other => panic!("not noticed: {other:?}"),
    }
}
