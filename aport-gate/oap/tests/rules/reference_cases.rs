//! What each published pack has to allow, and how each of its rules is made to deny.

use serde_json::{Value, json};

/// What one published pack is tried with.
pub(crate) struct Case {
    pub(crate) pack: &'static str,
    pub(crate) waive: &'static [&'static str],
    /// Fields of the passport besides `capabilities`.
    pub(crate) passport: Value,
    pub(crate) allow: Value,
    /// Rule, changes to the context (`null` removes), changes to the limits, counters that are full.
    pub(crate) deny: Vec<(&'static str, Value, Value)>,
}

pub(crate) fn cases() -> Vec<Case> {
    let full = json!({ "(full)": true });
    vec![
        Case {
            pack: "agent.session.create.v1",
            waive: &[],
            passport: json!({ "limits": { "agent.session.create": {
                "max_sessions_per_user": 5, "max_session_duration": 3600, "max_concurrent_sessions": 3, "allowed_session_types": ["batch"],
                "resource_quota": { "memory_mb": 512 } } } }),
            allow: json!({ "user_id": "u", "session_type": "batch", "requested_duration": 3600, "resources": { "memory_mb": 512 } }),
            deny: vec![
                (
                    "session_duration_limit",
                    json!({ "requested_duration": 3601 }),
                    json!({}),
                ),
                (
                    "session_type_allowed",
                    json!({ "session_type": "webhook" }),
                    json!({}),
                ),
                (
                    "resource_quota",
                    json!({ "resources": { "memory_mb": 513 } }),
                    json!({}),
                ),
                ("concurrent_session_limit", full.clone(), json!({})),
                (
                    "concurrent_session_limit",
                    json!({ "active_sessions": 3 }),
                    json!({}),
                ),
                (
                    "concurrent_session_limit",
                    json!({}),
                    json!({ "agent.session.create": { "max_sessions_per_user": null, "max_concurrent_sessions": null } }),
                ),
            ],
        },
        Case {
            pack: "agent.tool.register.v1",
            waive: &[],
            passport: json!({ "limits": { "agent": { "tool": { "register": {
                "max_tools_per_agent": 9, "max_registrations_per_day": 5, "allowed_tool_types": ["api"], "allowed_capabilities": ["data.*"],
                "reserved_tool_names": ["system*"] } } } } }),
            allow: json!({ "tool_name": "acme.look", "tool_type": "api", "capabilities": ["data.read"] }),
            deny: vec![
                (
                    "tool_type_allowed",
                    json!({ "tool_type": "command" }),
                    json!({}),
                ),
                (
                    "naming_convention",
                    json!({ "tool_name": "system.look" }),
                    json!({}),
                ),
                ("tool_name_unique", full.clone(), json!({})),
                (
                    "tool_name_unique",
                    json!({ "existing_tools": ["acme.look"] }),
                    json!({}),
                ),
                (
                    "capability_validation",
                    json!({ "capabilities": ["data.read", "system.run"] }),
                    json!({}),
                ),
            ],
        },
        Case {
            pack: "code.release.publish.v1",
            waive: &[
                "version_format_valid",
                "file_extensions_allowed",
                "repository_permission",
            ],
            passport: json!({ "limits": {}, "assurance_level": "L3" }),
            allow: json!({ "repository": "acme/shop", "version": "1.2.3", "files": ["a.tgz"] }),
            deny: vec![],
        },
        Case {
            // It asks that the action itself be a capability, which no capability id of a passport is.
            pack: "code.repository.merge.v1",
            waive: &[],
            passport: json!({
                "capabilities": [{ "id": "repo.pr.create" }, { "id": "repo.merge" }, { "id": "pr.merge" }],
                "limits": { "repo.merge": { "max_prs_per_day": 5, "max_merges_per_day": 3, "max_pr_size_kb": 1 } } }),
            allow: json!({ "repository": "acme/shop", "action": "pr.merge", "branch": "main", "lines_added": 900, "lines_removed": 100 }),
            deny: vec![
                (
                    "repo_capability",
                    json!({ "action": "branch.delete" }),
                    json!({}),
                ),
                ("pr_size_limit", json!({ "lines_added": 901 }), json!({})),
                ("daily_pr_limit", full.clone(), json!({})),
                ("daily_merge_limit", full.clone(), json!({})),
            ],
        },
        Case {
            pack: "data.export.create.v1",
            waive: &[],
            passport: json!({ "limits": { "data.export": { "max_rows": 1000, "allow_pii": false } } }),
            allow: json!({ "export_type": "users", "format": "csv", "filters": {}, "estimated_rows": 1000, "include_pii": false }),
            deny: vec![
                (
                    "row_limit_check",
                    json!({ "estimated_rows": 1001 }),
                    json!({}),
                ),
                ("pii_handling", json!({ "include_pii": true }), json!({})),
                // A format outside the list fails the schema first; the rule repeats it.
                ("format_support", json!({ "format": "pdf" }), json!({})),
            ],
        },
        Case {
            pack: "data.file.read.v1",
            waive: &[],
            passport: json!({ "limits": { "data.file.read": {
                "allowed_paths": ["/workspace/"], "blocked_patterns": ["*.sqlite"], "max_file_size_mb": 2, "allowed_extensions": [".md"] } } }),
            allow: json!({ "file_path": "/workspace/a.md", "file_size_mb": 2 }),
            deny: vec![
                (
                    "path_allowlist",
                    json!({ "file_path": "/home/a.md" }),
                    json!({}),
                ),
                (
                    "blocked_patterns",
                    json!({ "file_path": "/workspace/.ssh/a.md" }),
                    json!({}),
                ),
                (
                    "blocked_patterns",
                    json!({ "file_path": "/workspace/../a.md" }),
                    json!({}),
                ),
                ("file_size_limit", json!({ "file_size_mb": 2.5 }), json!({})),
                (
                    "extension_check",
                    json!({ "file_path": "/workspace/a.rs" }),
                    json!({}),
                ),
            ],
        },
        Case {
            pack: "data.file.write.v1",
            waive: &[],
            passport: json!({ "limits": { "data.file.write": {
                "allowed_paths": ["/workspace/"], "blocked_paths": ["/workspace/live"], "max_file_size_mb": 1, "allowed_extensions": ["md"],
                "max_writes_per_hour": 10 } } }),
            allow: json!({ "file_path": "/workspace/a.md", "content": "x" }),
            deny: vec![
                (
                    "path_allowlist",
                    json!({ "file_path": "/home/a.md" }),
                    json!({}),
                ),
                (
                    "blocked_paths",
                    json!({ "file_path": "/workspace/live/a.md" }),
                    json!({}),
                ),
                (
                    "extension_check",
                    json!({ "file_path": "/workspace/a.sh" }),
                    json!({}),
                ),
                (
                    "file_size_limit",
                    json!({ "content_length": 1_048_577 }),
                    json!({}),
                ),
                ("rate_limit", full.clone(), json!({})),
                (
                    "parent_directory_check",
                    json!({ "create_dirs": true }),
                    json!({ "data.file.write": { "allow_create_dirs": false } }),
                ),
                (
                    "parent_directory_check",
                    json!({ "parent_exists": false }),
                    json!({}),
                ),
            ],
        },
        Case {
            pack: "data.report.ingest.v1",
            waive: &[],
            passport: json!({ "limits": { "data.report.ingest": {
                "allowed_report_types": ["ESG", "other"], "min_source_reputation_score": 50,
                "ESG": { "approved_sources": ["feed"], "max_data_age_seconds": 3600, "max_data_size_mb": 5, "max_ingest_frequency_per_hour": 2,
                         "data_quality_threshold": 0.5, "required_validation_checks": ["schema"], "allowed_metric_types": ["carbon"] } } } }),
            allow: json!({
                "report_type": "ESG", "data_source_id": "feed", "data_timestamp": "2026-11-23T11:30:00Z", "metric_type": "carbon",
                "data_size_mb": 5, "data_quality_score": 0.5, "validation_checks": ["schema"], "idempotency_key": "key-1",
                "data_source_reputation": { "feed": 50, "weak": 10 } }),
            deny: vec![
                (
                    "source_is_approved",
                    json!({ "data_source_id": "weak" }),
                    json!({}),
                ),
                (
                    "data_is_fresh",
                    json!({ "data_timestamp": "2026-11-23T10:00:00Z" }),
                    json!({}),
                ),
                (
                    "data_size_limit_check",
                    json!({ "data_size_mb": 6 }),
                    json!({}),
                ),
                ("ingest_frequency_check", full.clone(), json!({})),
                (
                    "data_quality_check",
                    json!({ "data_quality_score": 0.4 }),
                    json!({}),
                ),
                (
                    "validation_checks_required",
                    json!({ "validation_checks": ["other"] }),
                    json!({}),
                ),
                ("idempotency_check", full.clone(), json!({})),
                (
                    "report_type_allowed",
                    json!({ "report_type": "unknown" }),
                    json!({}),
                ),
                (
                    "data_source_reputation_check",
                    json!({ "data_source_id": "weak" }),
                    json!({}),
                ),
                (
                    "metric_type_validation",
                    json!({ "metric_type": "water" }),
                    json!({}),
                ),
            ],
        },
        Case {
            pack: "deliverable.task.complete.v1",
            waive: &[],
            passport: json!({ "limits": { "deliverable.task.complete": {
                "acceptance_criteria": [{ "id": "a" }], "require_summary": true, "min_summary_words": 2, "require_tests_passing": true,
                "require_different_reviewer": true, "scan_output": true, "blocked_patterns": ["TODO"] } } }),
            allow: json!({
                "task_id": "t", "output_type": "code", "summary": "all done", "tests_passing": true, "reviewer_agent_id": "r", "author_agent_id": "w",
                "criteria_attestations": [{ "criterion_id": "a", "met": true, "evidence": "run 7" }], "output_content": "x" }),
            deny: vec![
                (
                    "all_passport_criteria_attested",
                    json!({ "criteria_attestations": [] }),
                    json!({}),
                ),
                (
                    "all_criteria_have_evidence",
                    json!({ "criteria_attestations": [{ "criterion_id": "a", "met": true, "evidence": " " }] }),
                    json!({}),
                ),
                (
                    "all_criteria_attested",
                    json!({ "criteria_attestations": [{ "criterion_id": "a", "met": false, "evidence": "x" }] }),
                    json!({}),
                ),
                ("summary_required", json!({ "summary": "done" }), json!({})),
                ("summary_required", json!({ "summary": null }), json!({})),
                (
                    "tests_passing_required",
                    json!({ "tests_passing": false }),
                    json!({}),
                ),
                (
                    "different_reviewer_required",
                    json!({ "reviewer_agent_id": "w" }),
                    json!({}),
                ),
                (
                    "different_reviewer_required",
                    json!({ "reviewer_agent_id": null }),
                    json!({}),
                ),
                (
                    "no_blocked_patterns",
                    json!({ "output_content": "TODO" }),
                    json!({}),
                ),
            ],
        },
        Case {
            pack: "finance.payment.refund.v1",
            waive: &[],
            passport: json!({ "limits": { "finance.payment.refund": {
                "currency_limits": { "USD": { "max_per_tx": 60_000, "daily_cap": 90_000 } }, "reason_codes": ["defect"] } }, "assurance_level": "L3" }),
            allow: json!({ "order_id": "o", "customer_id": "c", "amount": 50_000, "currency": "USD", "region": "US", "reason_code": "defect", "idempotency_key": "key-0001" }),
            deny: vec![
                ("assurance_minimum", json!({ "amount": 50_001 }), json!({})),
                (
                    "currency_supported",
                    json!({ "currency": "JPY" }),
                    json!({}),
                ),
                ("per_tx_amount_cap", json!({ "amount": 60_001 }), json!({})),
                (
                    "reason_code_valid",
                    json!({ "reason_code": "whim" }),
                    json!({}),
                ),
                (
                    "cross_currency_check",
                    json!({ "order_currency": "EUR" }),
                    json!({}),
                ),
                ("daily_cap_check", full.clone(), json!({})),
                ("idempotency_check", full.clone(), json!({})),
                ("region_authorization", json!({ "region": "CN" }), json!({})),
            ],
        },
        Case {
            pack: "mcp.tool.execute.v1",
            waive: &[],
            passport: json!({ "limits": { "mcp.tool.execute": {
                "allowed_servers": ["*"], "allowed_tools": ["pulls.list"], "allowed_tool_prefixes": ["issues."], "max_calls_per_minute": 5,
                "max_timeout": 30, "max_parameter_size": 20 } } }),
            allow: json!({ "server": "https://mcp.example.com", "tool": "issues.list", "parameters": { "a": 1 }, "timeout": 30 }),
            deny: vec![
                (
                    "server_allowlist",
                    json!({}),
                    json!({ "mcp.tool.execute": { "allowed_servers": ["https://other.example"] } }),
                ),
                (
                    "server_url_format",
                    json!({ "server": "http://mcp.example.com" }),
                    json!({}),
                ),
                (
                    "tool_allowlist",
                    json!({ "tool": "pulls.merge" }),
                    json!({}),
                ),
                ("rate_limit", full.clone(), json!({})),
                (
                    "rate_limit",
                    json!({}),
                    json!({ "mcp.tool.execute": { "max_calls_per_minute": null } }),
                ),
                ("timeout_limit", json!({ "timeout": 31 }), json!({})),
                (
                    "parameter_size_limit",
                    json!({ "parameters": { "a": "x".repeat(30) } }),
                    json!({}),
                ),
            ],
        },
        Case {
            pack: "messaging.message.send.v1",
            waive: &[],
            passport: json!({ "limits": { "messaging.send": { "msgs_per_min": 5, "msgs_per_day": 50 } } }),
            allow: json!({ "channel_id": "c", "message": "hello", "message_type": "text" }),
            deny: vec![
                ("rate_limit_minute", full.clone(), json!({})),
                ("rate_limit_daily", full.clone(), json!({})),
                (
                    "content_validation",
                    json!({ "message": "x".repeat(2001) }),
                    json!({}),
                ),
            ],
        },
        Case {
            pack: "system.command.execute.v1",
            waive: &[],
            passport: json!({ "limits": { "system.command.execute": {
                "allowed_commands": ["git", "npm"], "blocked_patterns": ["push --force"], "max_execution_time": 60, "allowed_directories": ["/workspace"],
                "blocked_env_vars": ["SECRET_*"] } } }),
            allow: json!({ "command": "git status && npm test", "cwd": "/workspace/a", "timeout": 60, "env": { "CI": "1" } }),
            deny: vec![
                ("command_allowlist", json!({ "command": "ls" }), json!({})),
                (
                    "blocked_patterns",
                    json!({ "command": "git push  --force" }),
                    json!({}),
                ),
                ("execution_time_limit", json!({ "timeout": 61 }), json!({})),
                (
                    "working_directory",
                    json!({ "cwd": "/workspaces" }),
                    json!({}),
                ),
                (
                    "environment_variables",
                    json!({ "env": { "SECRET_KEY": "x" } }),
                    json!({}),
                ),
            ],
        },
        Case {
            pack: "web.browser.v1",
            waive: &[],
            passport: json!({ "limits": { "web.browser": {
                "allowed_domains": ["example.com", "127.0.0.1", "evil.example"], "blocked_domains": ["evil.example"], "block_private_ips": true,
                "allowed_actions": ["navigate", "type", "screenshot"], "allow_form_submission": false, "max_screenshots_per_hour": 2, "max_navigations_per_hour": 2 } } }),
            allow: json!({ "action": "navigate", "url": "https://www.example.com/" }),
            deny: vec![
                (
                    "domain_allowlist",
                    json!({ "url": "https://other.org/" }),
                    json!({}),
                ),
                (
                    "blocked_domains",
                    json!({ "url": "https://evil.example/" }),
                    json!({}),
                ),
                (
                    "private_ip_check",
                    json!({ "url": "http://127.0.0.1/" }),
                    json!({}),
                ),
                (
                    "action_restriction",
                    json!({ "action": "scroll" }),
                    json!({}),
                ),
                (
                    "form_submission_check",
                    json!({ "action": "type", "selector": "#q" }),
                    json!({}),
                ),
                (
                    "screenshot_rate_limit",
                    json!({ "action": "screenshot", "(full)": true }),
                    json!({}),
                ),
                ("navigation_rate_limit", full.clone(), json!({})),
            ],
        },
        Case {
            pack: "web.fetch.v1",
            waive: &[],
            passport: json!({ "limits": { "web": { "fetch": {
                "allowed_domains": ["*"], "blocked_domains": ["evil.example"], "allowed_methods": ["GET"], "max_requests_per_hour": 3 } } } }),
            allow: json!({ "url": "https://www.example.com/", "method": "GET", "headers": { "Accept": "*/*" } }),
            deny: vec![
                (
                    "domain_allowlist",
                    json!({ "url": "https://other.org/" }),
                    json!({ "web": { "fetch": { "allowed_domains": ["example.com"] } } }),
                ),
                (
                    "blocked_domains",
                    json!({ "url": "https://x.evil.example/" }),
                    json!({}),
                ),
                (
                    "private_ip_check",
                    json!({ "url": "http://[::ffff:10.0.0.1]/" }),
                    json!({}),
                ),
                ("method_restriction", json!({ "method": "PUT" }), json!({})),
                (
                    "header_restriction",
                    json!({ "headers": { "Cookie": "a=b" } }),
                    json!({}),
                ),
                ("rate_limit", full, json!({})),
            ],
        },
    ]
}
