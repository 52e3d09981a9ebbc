//! Sessions and their resources, and sizes of parameters.

use crate::setting::{Setting, allows, denies};
use serde_json::{Value, json};

#[test]
fn resources_stay_within_the_quota() {
    let name = "validateResourceQuota";
    let asks = |resources: Value| json!({ "user_id": "u", "resources": resources });
    for limits in [
        json!({ "resource_quota": { "memory_mb": 512, "cpu_millicores": 1000 } }),
        json!({ "max_resources": { "max_memory_mb": 512, "cpu_millicores": 1000 } }),
        json!({ "max_memory_mb": 512, "max_cpu_millicores": 1000 }),
    ] {
        allows(
            name,
            &limits,
            &[
                json!({ "user_id": "u" }),
                asks(json!({})),
                asks(json!({ "memory_mb": 512, "cpu_millicores": 1000 })),
            ],
        );
        denies(
            name,
            &limits,
            &[
                asks(json!({ "memory_mb": 513 })),
                asks(json!({ "cpu_millicores": 1000.5 })),
            ],
            "oap.refused",
        );
        denies(
            name,
            &limits,
            &[asks(json!({ "memory_mb": "512" })), asks(json!([]))],
            "oap.policy_error",
        );
    }
    denies(
        name,
        &json!({ "resource_quota": { "memory_mb": 512 } }),
        &[asks(json!({ "storage_gb": 1 }))],
        "oap.refused",
    );
    allows(name, &json!({}), &[asks(json!({ "memory_mb": 9999 }))]);
    denies(
        name,
        &json!({ "resource_quota": 7 }),
        &[asks(json!({ "memory_mb": 1 }))],
        "oap.policy_error",
    );
}

#[test]
fn sessions_that_run_are_what_the_server_says() {
    let name = "validateConcurrentSessions";
    let limits = json!({ "max_concurrent_sessions": 3 });
    allows(
        name,
        &limits,
        &[
            json!({ "user_id": "u", "active_sessions": 2 }),
            json!({ "active_sessions": [1, 2] }),
        ],
    );
    denies(
        name,
        &limits,
        &[
            json!({ "active_sessions": 3 }),
            json!({ "concurrent_sessions": 9 }),
        ],
        "oap.refused",
    );
    denies(
        name,
        &limits,
        &[
            json!({ "active_sessions": "2" }),
            json!({ "active_sessions": -1 }),
        ],
        "oap.policy_error",
    );
}

#[test]
fn without_that_fact_the_sessions_of_the_day_count() {
    let mut setting = Setting::validator(
        "validateConcurrentSessions",
        json!({ "max_concurrent_sessions": 3, "max_sessions_per_user": 2 }),
    );
    let of = |user: &str| json!({ "user_id": user });
    assert!(setting.run(&of("a")).allow);
    assert!(setting.run(&of("a")).allow);
    let third = setting.run(&of("a"));
    assert!(
        third.reasons[0]
            .message
            .contains("`max_sessions_per_user` is 2"),
        "{:?}",
        third.reasons
    );
    assert!(setting.run(&of("b")).allow);
    let fourth = setting.run(&of("b"));
    assert!(
        fourth.reasons[0]
            .message
            .contains("`max_concurrent_sessions` is 3"),
        "{:?}",
        fourth.reasons
    );
}

#[test]
fn parameters_are_measured_as_json() {
    let name = "validateParameterSize";
    let of = |text: &str| json!({ "parameters": { "a": text } });
    for limits in [
        json!({ "max_parameter_size": 12 }),
        json!({ "max_parameter_size_bytes": 12 }),
        json!({ "max_params_size": 12 }),
    ] {
        allows(name, &limits, &[of("1234")]);
        denies(
            name,
            &limits,
            &[of("12345"), of("ééé"), json!({})],
            "oap.refused",
        );
    }
    allows(
        name,
        &json!({ "max_parameter_size_kb": 1 }),
        &[of(&"x".repeat(1016))],
    );
    denies(
        name,
        &json!({ "max_parameter_size_kb": 1 }),
        &[of(&"x".repeat(1017))],
        "oap.refused",
    );
    allows(name, &json!({}), &[of("x"), json!({})]);
}

#[test]
fn a_number_of_sessions_under_another_name_only_speaks_against_the_call() {
    let limits = json!({ "max_concurrent_sessions": 3 });
    let setting = || Setting::validator("validateConcurrentSessions", limits.clone());
    assert!(
        !setting()
            .decide(&json!({ "user_id": "u", "current_session_count": 3 }))
            .allow
    );
    let mut running = setting();
    for _ in 0..3 {
        assert!(
            running
                .run(&json!({ "user_id": "u", "current_session_count": 0 }))
                .allow
        );
    }
    assert!(
        !running
            .run(&json!({ "user_id": "u", "current_session_count": 0 }))
            .allow
    );
}
