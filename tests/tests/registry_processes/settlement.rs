//! What becomes of what a decision took, once the registry is told.

use aport_gate_tests::{Home, RegistryProcess, refund_arguments};
use serde_json::json;

use crate::decisions::refund;
use crate::trail::{settled, wait_for};

#[test]
fn what_a_body_did_is_settled_in_the_registry() {
    let (desk, office) = (Home::new(), Home::new());
    let registry = RegistryProcess::start(&office, &[], &[]);
    let gate = registry.gate(&desk, &[]);
    let paid = refund(&gate, 3000, "refund-0001");
    assert_eq!(settled(&office, paid.decision_id()), "committed");

    let merge = |number: u64| {
        let call = json!({"repository": "my-org/my-repo", "pr_number": number});
        gate.call_tool("merge_pull_request", call, None)
    };
    assert!(merge(1).is_ok());
    // More often than the cap of three a day would bear, had it not been given back before the answer.
    for _ in 0..4 {
        let merged_already = merge(1);
        assert!(
            merged_already.text().contains("already merged"),
            "{merged_already:?}"
        );
        assert_eq!(settled(&office, merged_already.decision_id()), "released");
    }
    assert!(merge(2).is_ok());
    // What is not told before the server leaves is never told.
    let last = merge(3);
    assert!(last.is_ok() && gate.leave());
    assert_eq!(settled(&office, last.decision_id()), "committed");
    let over = json!({"repository": "my-org/my-repo", "pr_number": 4});
    let over = registry
        .gate(&desk, &[])
        .call_tool("merge_pull_request", over, None);
    assert_eq!(over.codes(), ["oap.limit_exceeded"], "{over:?}");
    assert_eq!(registry.refunded_today(None), 3000);
    let _ = office.operate(&["audit", "verify"]).exits(0);
}

#[test]
fn a_gate_that_is_killed_in_a_body_leaves_its_share_held() {
    let (desk, office) = (Home::new(), Home::new());
    let registry = RegistryProcess::start(&office, &["--settle-within", "1"], &[]);
    let gate = registry.gate(&desk, &[]);
    // The simulated desk waits for its books, so that the body is caught in the middle.
    let books = std::fs::File::create(desk.path().join("simulated-refunds.jsonl")).unwrap();
    books.lock().unwrap();
    let decided = std::thread::scope(|scope| {
        let call = scope.spawn(|| {
            gate.try_call_tool(
                "process_refund",
                refund_arguments(4000, "refund-0001"),
                None,
            )
        });
        let decided = wait_for(&desk, |record| record.kind == "decision");
        gate.kill();
        assert!(call.join().unwrap().is_none());
        decided.decision_id.unwrap()
    });
    assert_eq!(settled(&office, &decided), "held");
    assert_eq!(
        registry.refunded_today(None),
        4000,
        "nobody knows whether it was paid"
    );
    drop(books);
    let heir = registry.gate(&desk, &[]);
    let again = refund(&heir, 4000, "refund-0001");
    assert!(!again.is_ok(), "the key is taken: {again:?}");
    assert!(refund(&heir, 5000, "refund-0002").is_ok());
    assert_eq!(
        refund(&heir, 1001, "refund-0003").codes(),
        ["oap.limit_exceeded"]
    );
}
