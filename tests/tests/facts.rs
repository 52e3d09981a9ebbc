//! Facts: what the server looked up counts, whatever the agent says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aport_gate::{FactsError, Permit, PolicyFacts, Server, policy_gated};
use aport_gate_tests::in_process::{InProcess, codes, gate_with, text};
use serde_json::{Value, json};

struct Host {
    replicas: Option<u32>,
    asked: Arc<AtomicU32>,
}

#[derive(PolicyFacts)]
struct Target {
    replicas: Option<u32>,
}

async fn target(host: &Host, target: &str, _replicas: &Option<u32>) -> Result<Target, FactsError> {
    host.asked.fetch_add(1, Ordering::SeqCst);
    match target {
        "lost" => Err(FactsError::internal("db-7.internal does not know it")),
        "closed" => Err(FactsError::for_caller("the target is closed")),
        "gone" => Err(FactsError::refused("there is no such target any more")),
        "broken" => panic!("host"),
        "slow" => std::future::pending().await,
        "blocking" => {
            std::thread::sleep(std::time::Duration::from_millis(600));
            Ok(Target { replicas: Some(1) })
        }
        _ => Ok(Target {
            replicas: host.replicas,
        }),
    }
}

/// Deploy.
#[policy_gated(pack = "acme.deploy.v1", unchecked, facts = target)]
async fn deploy(
    #[service] host: &Host,
    #[permit] permit: &Permit,
    target: String,
    replicas: Option<u32>,
) -> String {
    let decided = permit.fact("replicas");
    let claimed = permit.fact("target");
    format!(
        "{replicas:?} on {target}, really {:?}, decided on {decided:?} and {claimed:?}",
        host.replicas
    )
}

async fn served(replicas: Option<u32>) -> InProcess<Server<Host>> {
    served_counting(replicas, Arc::default()).await
}

async fn served_counting(replicas: Option<u32>, asked: Arc<AtomicU32>) -> InProcess<Server<Host>> {
    let pack = include_str!("../policies/acme.deploy.v1.json");
    let targets = [
        "staging", "lost", "closed", "gone", "broken", "slow", "blocking",
    ];
    let limits = json!({"targets": targets, "max_replicas": 3});
    let (gate, home) = gate_with("acme.deploy", limits, |builder| {
        builder
            .pack(pack)
            .timeout(std::time::Duration::from_millis(500))
    })
    .await;
    let server = Server::new(gate.clone(), Host { replicas, asked }).with_route(deploy);
    InProcess::serve(server, gate, home).await
}

#[tokio::test]
async fn a_fact_wins_over_what_the_agent_says_and_is_marked_in_the_record() {
    let served = served(Some(9)).await;
    let denied = served
        .call("deploy", json!({"target": "staging", "replicas": 1}))
        .await;
    assert_eq!(codes(&denied), ["oap.limit_exceeded"]);
    let records = served.records("decision").await;
    assert_eq!(
        records[0]["facts"],
        json!({"trusted": true, "fields": {"replicas": 9}})
    );
}

#[tokio::test]
async fn a_fact_that_is_none_takes_the_agents_word_away() {
    let served = served(None).await;
    let denied = served
        .call("deploy", json!({"target": "staging", "replicas": 1}))
        .await;
    assert_eq!(codes(&denied), ["oap.invalid_context"]);
}

#[tokio::test]
async fn the_body_reads_the_facts_that_were_decided_on_and_no_claim_among_them() {
    let served = served(Some(2)).await;
    let arguments = json!({"target": "staging", "replicas": 1});
    let allowed = served.call("deploy", arguments).await;
    assert!(
        text(&allowed).ends_with("decided on Some(Number(2)) and None"),
        "{}",
        text(&allowed)
    );
}

#[tokio::test]
async fn a_call_whose_facts_cannot_be_had_is_refused_and_recorded() {
    let served = served(Some(1)).await;
    for (target, problem) in [
        ("closed", "the target is closed"),
        ("broken", "panicked"),
        ("slow", "within 500 ms"),
    ] {
        let refused = served.call("deploy", json!({"target": target})).await;
        assert_eq!(codes(&refused), ["gate.facts_unavailable"]);
        assert!(text(&refused).contains(problem), "{}", text(&refused));
        assert!(text(&refused).ends_with("The tool was not run."));
    }
    assert_eq!(served.records("refusal").await.len(), 3);
    assert_eq!(served.records("decision").await, Vec::<Value>::new());
}

#[tokio::test]
async fn facts_that_rule_the_call_out_are_told_to_the_caller_under_a_code_of_their_own() {
    let served = served(Some(1)).await;
    let refused = served.call("deploy", json!({"target": "gone"})).await;
    assert_eq!(codes(&refused), ["gate.facts_refused"]);
    assert_eq!(
        text(&refused),
        "Policy check failed: the facts rule the call out: there is no such target any more\nThe tool was not run."
    );
    assert_eq!(
        served.records("refusal").await[0]["code"],
        "gate.facts_refused"
    );
    assert_eq!(served.records("decision").await, Vec::<Value>::new());
}

#[tokio::test]
async fn facts_that_block_past_the_deadline_refuse_the_call() {
    let served = served(Some(1)).await;
    let refused = served.call("deploy", json!({"target": "blocking"})).await;
    assert_eq!(codes(&refused), ["gate.timeout"]);
}

#[tokio::test]
async fn what_an_error_of_the_look_up_says_is_for_the_record_and_not_for_the_caller() {
    let served = served(Some(1)).await;
    let refused = served.call("deploy", json!({"target": "lost"})).await;
    assert_eq!(codes(&refused), ["gate.facts_unavailable"]);
    assert!(!format!("{refused:?}").contains("db-7"), "{refused:?}");
    let records = served.records("refusal").await;
    let message = records[0]["message"].as_str().unwrap();
    assert!(
        message.ends_with("db-7.internal does not know it"),
        "{message}"
    );
}

#[tokio::test]
async fn nothing_is_looked_up_for_an_agent_without_a_passport_in_good_standing() {
    let asked = Arc::default();
    let served = served_counting(Some(1), Arc::clone(&asked)).await;
    let file = served.home.path().join("passports/ap_tester.json");
    let passport = std::fs::read_to_string(&file).unwrap();
    let call = || served.call("deploy", json!({"target": "staging"}));

    std::fs::write(&file, passport.replace("active", "suspended")).unwrap();
    assert_eq!(codes(&call().await), ["oap.passport_suspended"]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(codes(&call().await), ["oap.passport_not_found"]);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert_eq!(served.records("decision").await.len(), 2);

    std::fs::write(&file, passport).unwrap();
    assert_eq!(codes(&call().await), ["oap.allowed"]);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}
