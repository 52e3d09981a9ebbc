//! The refund pack against general policy engines.

use super::harness::{Effort, measure, row};
use super::peers::{Cedar, Cel, Peer, Regorus};
use super::refund::Ours;
use super::refund::cases::{cases, pack, rules_only};
use std::hint::black_box;

pub fn run(effort: Effort) {
    let (rules, whole) = (Ours::new(rules_only()), Ours::new(pack()));
    let (cedar, regorus, cel) = (Cedar::new(), Regorus::new(), Cel::new());
    let peers: [(&str, &dyn Peer); 3] = [
        ("cedar-policy `is_authorized`", &cedar),
        ("regorus `eval_with_input`", &regorus),
        ("cel `execute`", &cel),
    ];
    for case in cases() {
        for ours in [&rules, &whole] {
            let allow = ours.decide(&case.context, &ours.usage(&case));
            assert_eq!(allow, case.allow, "aport-gate-oap: {}", case.name);
        }
        for (name, peer) in &peers {
            assert_eq!(peer.call(&case)(), case.allow, "{name}: {}", case.name);
        }
    }
    println!("\nAll engines answered {} calls alike.", cases().len());

    for (what, wanted) in [
        ("an allow", "within all limits"),
        ("a deny", "over the transaction cap"),
    ] {
        let case = cases()
            .into_iter()
            .find(|case| case.name == wanted)
            .expect("the case");
        let (usage, whole_usage) = (rules.usage(&case), whole.usage(&case));
        let context = &case.context;
        let mut rows = vec![
            row("aport-gate-oap, rules", || {
                black_box(rules.decide(black_box(context), &usage));
            }),
            row(
                "aport-gate-oap, JSON Schema of the context and rules",
                || {
                    black_box(whole.decide(black_box(context), &whole_usage));
                },
            ),
            row("aport-gate-oap, what to read from the ledger", || {
                black_box(whole.plan(black_box(context)));
            }),
        ];
        for (name, peer) in &peers {
            let mut call = peer.call(&case);
            rows.push(row(*name, move || {
                black_box(call());
            }));
        }
        let title = format!("Refund pack: {what} ({wanted})");
        measure(&title, effort, rows).print(peers[0].0);
    }
}
