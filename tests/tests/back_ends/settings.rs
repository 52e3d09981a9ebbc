//! Which desks the environment chooses, and what it must not be.

use aport_gate_tests::{AGENT, Home, ServerProcess, refund_arguments, server_command, wait_for};

use crate::stripe_api::{Stripe, order};

/// What a server says that does not start.
fn complaint(envs: &[(&str, &str)]) -> String {
    let home = Home::new();
    let mut server = server_command(home.path(), envs).spawn().unwrap();
    let status = wait_for(&mut server, std::time::Duration::from_secs(60)).unwrap();
    assert_eq!(status.code(), Some(2), "{envs:?}");
    std::io::read_to_string(server.stderr.take().unwrap()).unwrap()
}

#[test]
fn half_a_configuration_is_an_error_that_names_the_variable_and_shows_no_key() {
    let github = ("GITHUB_TOKEN", "hunter2");
    let stripe = ("STRIPE_API_KEY", "rk_live_hunter2");
    for (envs, named) in [
        (vec![("GITHUB_TOKEN", "")], "`GITHUB_TOKEN` is empty"),
        (
            vec![("GITHUB_TOKEN", "${GITHUB_TOKEN}")],
            "`GITHUB_TOKEN` holds an unexpanded",
        ),
        (
            vec![("GITHUB_TOKEN", "hunter2\r\nx: y")],
            "`GITHUB_TOKEN` holds a space",
        ),
        (
            vec![github, ("GITHUB_API_URL", "http://git.example.com")],
            "`GITHUB_API_URL` is `http:`",
        ),
        (
            vec![
                github,
                ("GITHUB_API_URL", "https://hunter2@git.example.com"),
            ],
            "`GITHUB_API_URL` holds a user",
        ),
        (
            vec![github, ("GITHUB_MERGE_METHOD", "force")],
            "`GITHUB_MERGE_METHOD` is none of",
        ),
        (vec![("STRIPE_API_KEY", " ")], "`STRIPE_API_KEY` is empty"),
        (
            vec![("STRIPE_API_KEY", "pk_live_hunter2")],
            "`STRIPE_API_KEY` is a publishable key",
        ),
        (
            vec![stripe, ("STRIPE_API_BASE", "http://10.0.0.1")],
            "`STRIPE_API_BASE` is `http:`",
        ),
        (
            vec![stripe, ("STRIPE_API_BASE", "${user_config.base}")],
            "`STRIPE_API_BASE` holds an unexpanded",
        ),
        (
            vec![stripe, ("STRIPE_TIMEOUT_MS", "soon")],
            "`STRIPE_TIMEOUT_MS` is no number",
        ),
        (
            vec![("STRIPE_API_BASE", "https://api.stripe.com")],
            "`STRIPE_API_KEY` is not set",
        ),
    ] {
        let said = complaint(&envs);
        assert!(said.contains(named), "{named}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn each_desk_is_chosen_for_itself_and_says_what_it_is() {
    let (home, stripe) = (Home::new(), Stripe::with([]));
    let server = stripe.server(&home);
    assert!(
        server.log().contains("git host: simulated"),
        "{}",
        server.log()
    );
    let merged = server.call_tool(
        "merge_pull_request",
        serde_json::json!({"repository": "my-org/my-repo", "pr_number": 7}),
        None,
    );
    assert!(
        merged.text().contains("The git host is simulated"),
        "{merged:?}"
    );
    let paid = server.call_tool("process_refund", order("pi_1", 1, "refund-0001"), None);
    assert!(!paid.text().contains("simulated"), "{paid:?}");

    let home = Home::new();
    // What every job of GitHub Actions has is no configuration.
    let envs = [
        ("APORT_AGENT_ID", AGENT),
        ("GITHUB_API_URL", "https://api.github.com"),
    ];
    let simulated = ServerProcess::spawn(home.path(), &envs);
    let paid = simulated.call_tool("process_refund", refund_arguments(1, "refund-0001"), None);
    assert!(
        paid.text()
            .contains("The payment desk is simulated: no money was moved"),
        "{paid:?}"
    );
    assert!(
        simulated.log().contains("payment desk: simulated"),
        "{}",
        simulated.log()
    );
}
