//! Facts in each form, and redacted arguments.
#![deny(warnings)]

use aport_gate::{PolicyFacts, policy_gated};

pub struct Host;

#[derive(PolicyFacts)]
pub struct PullRequest {
    branch: String,
    pub size_kb: Option<u64>,
    #[policy_facts(record_only)]
    r#type: &'static str,
}

mod host {
    use super::{Host, PullRequest};

    pub async fn pull_request(_: &Host, repository: &str, number: &u64) -> Result<PullRequest, std::fmt::Error> {
        let _ = number;
        Ok(PullRequest { branch: repository.to_owned(), size_kb: None, r#type: "squash" })
    }
}

impl Host {
    async fn by_number(&self, number: u64) -> PullRequest {
        PullRequest { branch: number.to_string(), size_kb: None, r#type: "squash" }
    }
}

#[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"), facts = host::pull_request)]
pub async fn by_path(#[service] _: &Host, repository: String, pr_number: u64) -> String {
    format!("{repository} {pr_number}")
}

#[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"), facts = host.by_number(*pr_number))]
pub async fn by_method(#[service] host: &Host, #[redact] repository: String, pr_number: u64) -> String {
    let Host = host;
    format!("{repository} {pr_number}")
}

/// A function of facts may be called like an argument.
#[policy_gated(pack = "code.repository.merge.v1", unchecked, facts = branch)]
pub async fn shadowed(branch: String) -> String {
    branch
}

async fn branch(branch: &str) -> PullRequest {
    PullRequest { branch: branch.to_owned(), size_kb: Some(1), r#type: "squash" }
}

fn main() {}
