//! `aport-gate doctor --client` starts what a client would start.
#![allow(missing_docs, clippy::unwrap_used)]

use aport_gate_tests::{AGENT, Home, Operated, command_binary, server_binary};
use serde_json::{Value, json};

/// A folder with a client's configuration in it, beside the gate's own.
struct Desk {
    home: Home,
    client: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self {
            home: Home::new(),
            client: tempfile::tempdir().unwrap(),
        }
    }

    /// An entry that starts this program with these arguments, and these variables beside home and agent.
    fn entry(&self, program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Value {
        let mut entry = json!({
            "command": program, "args": arguments,
            "env": { "APORT_HOME": self.home.path(), "APORT_AGENT_ID": AGENT },
        });
        for (name, value) in variables {
            entry["env"][name] = (*value).into();
        }
        entry
    }

    fn look(&self, entry: Value, more: &[&str]) -> Operated {
        let document = json!({ "mcpServers": { "gate": entry } });
        self.look_at("client.json", &document.to_string(), more)
    }

    /// At a file of this name.
    fn look_at(&self, file: &str, document: &str, more: &[&str]) -> Operated {
        let file = self.client.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, document).unwrap();
        let file = file.to_str().unwrap();
        let arguments = [&["doctor", "--json", "--client", file], more].concat();
        // What this shell has is not what a client passes on.
        let mut command = self.home.operator_command(&arguments);
        command
            .env("GITHUB_TOKEN", "of-this-shell")
            .env("DOCTOR_HOME", self.home.path())
            .env("GITHUB_MERGE_METHOD", "guess");
        let output = command.output().unwrap();
        Operated {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Health, finding and next step of what it says about this subject.
fn told(run: &Operated, subject: &str) -> (String, String) {
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    let checks = answer["checks"].as_array().unwrap();
    let about: Vec<&Value> = checks
        .iter()
        .filter(|check| check["subject"] == subject)
        .collect();
    assert_eq!(about.len(), 1, "{subject}: {run:?}");
    let text = |key: &str| about[0][key].as_str().unwrap_or_default().to_owned();
    (
        text("health"),
        format!("{}; {}", text("found"), text("next")),
    )
}

fn server() -> &'static str {
    server_binary().to_str().unwrap()
}

#[test]
fn a_server_that_serves_is_named_with_its_tools_and_what_guards_them() {
    let desk = Desk::new();
    let run = desk.look(desk.entry(server(), &[], &[]), &[]);
    assert_eq!(run.code, 0, "{run:?}");
    let (health, found) = told(&run, "start");
    assert_eq!(health, "ok", "{found}");
    assert!(
        found.contains("started `") && found.contains("it is `aport-gate-server`"),
        "{found}"
    );
    let (health, found) = told(&run, "tools");
    assert_eq!(health, "ok", "{found}");
    for part in [
        "`process_refund` by finance.payment.refund.v1",
        "`merge_pull_request` by code.repository.merge.v1",
    ] {
        assert!(found.contains(part), "{found}");
    }
}

#[test]
fn a_server_that_does_not_start_is_a_failure_with_what_its_log_says_and_no_key() {
    let desk = Desk::new();
    let token = ("GITHUB_TOKEN", "github_pat_hunter2hunter2");
    for (variables, named) in [
        (
            vec![token, ("GITHUB_MERGE_METHOD", "fast")],
            "GITHUB_MERGE_METHOD",
        ),
        (
            vec![token, ("GITHUB_API_URL", "http://git.acme.example")],
            "GITHUB_API_URL",
        ),
        (
            vec![("STRIPE_API_KEY", "sk live hunter2")],
            "STRIPE_API_KEY",
        ),
        (
            vec![("STRIPE_API_BASE", "https://api.example")],
            "STRIPE_API_KEY",
        ),
    ] {
        let run = desk.look(desk.entry(server(), &[], &variables), &[]);
        assert_eq!(run.code, 1, "{run:?}");
        let (health, found) = told(&run, "start");
        assert_eq!(health, "failed", "{found}");
        assert!(
            found.contains("it ended (exit status: 2)") || cfg!(windows),
            "{found}"
        );
        assert!(found.contains(named), "{named}: {found}");
        assert!(!run.stdout.contains("hunter2"), "{run:?}");
    }
}

#[test]
fn arguments_with_which_the_server_serves_nobody_here_are_a_failure() {
    let desk = Desk::new();
    for arguments in [&["--http", "127.0.0.1:0"][..], &["--http=127.0.0.1:0"]] {
        let run = desk.look(desk.entry(server(), arguments, &[]), &[]);
        assert_eq!(run.code, 1, "{run:?}");
        assert_eq!(told(&run, "args").0, "failed");
        assert!(told(&run, "start").1.contains("not started"), "{run:?}");
    }
    for (arguments, part) in [
        (&["--inventory"][..], "to standard output it wrote `{"),
        (
            &["--version"],
            "to standard output it wrote `aport-gate-server ",
        ),
        (&["--nonsense"], "--nonsense"),
    ] {
        let run = desk.look(desk.entry(server(), arguments, &[]), &[]);
        assert_eq!(run.code, 1, "{run:?}");
        let (health, found) = told(&run, "start");
        assert_eq!(health, "failed", "{found}");
        assert!(found.contains(part), "{part}: {found}");
    }
}

#[test]
fn a_program_that_is_no_server_is_a_failure() {
    let desk = Desk::new();
    let run = desk.look(
        desk.entry(command_binary().to_str().unwrap(), &["keys", "jwks"], &[]),
        &[],
    );
    assert_eq!(
        (run.code, told(&run, "start").0.as_str()),
        (1, "failed"),
        "{run:?}"
    );
}

#[test]
fn nothing_is_started_where_it_is_not_wanted_or_only_the_client_can() {
    let desk = Desk::new();
    let entry = desk.entry(server(), &[], &[]);
    let asked = desk.entry(server(), &[], &[("APORT_API_KEY", "${input:key}")]);
    let mut elsewhere = desk.entry(server(), &[], &[]);
    elsewhere["envFile"] = "${workspaceFolder}/.env".into();
    for (entry, more, why) in [
        (entry, &["--no-start"][..], "--no-start"),
        (asked, &[], "the client asks for APORT_API_KEY first"),
        (elsewhere, &[], "envFile"),
    ] {
        let run = desk.look(entry, more);
        assert_eq!(run.code, 0, "{run:?}");
        let (health, found) = told(&run, "start");
        assert!(health == "ok" && found.contains("not started"), "{found}");
        assert!(found.contains(why), "{found}");
        assert!(!desk.home.ledger().exists(), "a start makes the ledger");
    }
}

#[test]
fn keys_in_plain_text_are_warned_of_and_never_shown() {
    let desk = Desk::new();
    for name in ["APORT_API_KEY", "GITHUB_TOKEN", "STRIPE_API_KEY"] {
        let run = desk.look(
            desk.entry(server(), &[], &[(name, "hunter2hunter2")]),
            &["--no-start"],
        );
        assert_eq!(run.code, 0, "{run:?}");
        let plain = format!("{name} is in the file in plain text");
        assert!(run.stdout.contains(&plain), "{run:?}");
        assert!(!run.stdout.contains("hunter2"), "{run:?}");
    }
}

const DESKTOP: &str = "claude_desktop_config.json";

#[test]
fn what_this_client_does_not_fill_in_or_read_is_a_failure() {
    let desk = Desk::new();
    let filled = |form: &str| desk.entry(server(), &[], &[("APORT_HOME", form)]);
    let with = |key: &str, value: Value| {
        let mut entry = desk.entry(server(), &[], &[]);
        entry[key] = value;
        entry
    };
    let asked = desk.entry(server(), &[], &[("GITHUB_TOKEN", "${input:nokey}")]);
    let (code, vs_code) = (".mcp.json", ".vscode/mcp.json");
    for (file, key, entry, part) in [
        (
            DESKTOP,
            "mcpServers",
            filled("${DOCTOR_HOME}"),
            "Claude Desktop does not fill in",
        ),
        (code, "mcpServers", filled("${userHome}/x"), "APORT_HOME"),
        (
            vs_code,
            "servers",
            filled("${DOCTOR_HOME}"),
            "VS Code does not fill in",
        ),
        (vs_code, "servers", asked, "no such `id`"),
        (
            DESKTOP,
            "servers",
            with("disabled", false.into()),
            "reads `mcpServers`",
        ),
        (
            vs_code,
            "mcpServers",
            with("disabled", false.into()),
            "reads `servers`",
        ),
        (
            DESKTOP,
            "mcpServers",
            with("env", json!(["A=b"])),
            "`env` is no object",
        ),
        (
            DESKTOP,
            "mcpServers",
            with("type", "http".into()),
            "needs a `url`",
        ),
        (
            DESKTOP,
            "mcpServers",
            filled("~/aport-home"),
            "APORT_HOME is `~/aport-home`",
        ),
    ] {
        let document = json!({ key: { "gate": entry } }).to_string();
        let run = desk.look_at(file, &document, &[]);
        assert_eq!(run.code, 1, "{file} {part}: {run:?}");
        assert!(run.stdout.contains(part), "{part}: {run:?}");
        assert!(!run.stdout.contains("and ended it again"), "{run:?}");
    }
    assert!(!std::path::Path::new("~").exists());
    // And what it does.
    for (file, key, form) in [
        (code, "mcpServers", "${DOCTOR_HOME}"),
        (vs_code, "servers", "${env:DOCTOR_HOME}"),
    ] {
        let document = json!({ key: { "gate": filled(form) } }).to_string();
        let run = desk.look_at(file, &document, &[]);
        assert_eq!((run.code, &*told(&run, "start").0), (0, "ok"), "{run:?}");
    }
}

#[test]
fn a_configuration_with_comments_is_read_as_vs_code_reads_it() {
    let desk = Desk::new();
    let entry = desk.entry(server(), &[], &[]);
    for (file, key, code) in [
        (".vscode/mcp.json", "servers", 0),
        (DESKTOP, "mcpServers", 1),
    ] {
        let document = format!("{{ // mine\n \"{key}\": {{ \"gate\": {entry}, }} /* all */ }}");
        let run = desk.look_at(file, &document, &["--no-start"]);
        assert_eq!(run.code, code, "{run:?}");
    }
}

#[test]
fn a_gate_that_would_refuse_every_call_and_the_only_entry_with_a_url_are_told() {
    let desk = Desk::new();
    let mut unbound = desk.entry(server(), &[], &[("APORT_SECURITY", "secure")]);
    unbound["env"]
        .as_object_mut()
        .unwrap()
        .remove("APORT_AGENT_ID");
    let run = desk.look(unbound, &["--no-start"]);
    assert!(
        run.stdout.contains("every gated call would be refused"),
        "{run:?}"
    );
    let run = desk.look(json!({ "url": "http://127.0.0.1:8080/mcp" }), &[]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        run.stdout
            .contains("doctor --http http://127.0.0.1:8080/mcp"),
        "{run:?}"
    );
}

/// Programs that a test writes as it needs them.
#[cfg(unix)]
mod scripts {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::{Duration, Instant};

    use super::*;

    fn script(desk: &Desk, text: &str) -> String {
        let file = desk.client.path().join("program");
        std::fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).unwrap();
        file.to_str().unwrap().to_owned()
    }

    #[test]
    fn what_a_program_says_when_it_ends_is_shown_in_part_and_without_its_secrets() {
        let desk = Desk::new();
        let text = "i=0\nwhile [ $i -lt 3000 ]; do echo \"noise $i\" >&2; i=$((i+1)); done\n\
                    echo \"bad token $SHOP_TOKEN, bad option $2\" >&2\nexit 3";
        let program = script(&desk, text);
        let variables = [("SHOP_TOKEN", "hunter2-variable")];
        let run = desk.look(
            desk.entry(&program, &["--api-key", "hunter2-option"], &variables),
            &[],
        );
        let (health, found) = told(&run, "start");
        assert_eq!(health, "failed", "{found}");
        for part in [
            "exit status: 3",
            "bad token [hidden], bad option [hidden]",
            "noise 2999",
        ] {
            assert!(found.contains(part), "{part}: {found}");
        }
        assert!(!run.stdout.contains("hunter2"), "{run:?}");
        assert!(found.len() < 2000, "{}", found.len());
    }

    #[test]
    fn a_program_that_never_answers_is_ended_in_time() {
        let desk = Desk::new();
        let pid = desk.client.path().join("pid");
        let text = format!(
            "echo $$ > '{}'\necho listening\nexec sleep 600",
            pid.display()
        );
        let program = script(&desk, &text);
        let since = Instant::now();
        let run = desk.look(desk.entry(&program, &[], &[]), &["--start-timeout", "1"]);
        assert!(since.elapsed() < Duration::from_secs(60));
        let (health, found) = told(&run, "start");
        assert_eq!(health, "failed", "{found}");
        for part in ["did not tell its tools within 1 s", "`listening`"] {
            assert!(found.contains(part), "{part}: {found}");
        }
        let pid = std::fs::read_to_string(pid).unwrap();
        let alive = std::process::Command::new("kill")
            .args(["-0", pid.trim()])
            .output()
            .unwrap();
        assert!(!alive.status.success(), "{} lives on", pid.trim());
    }

    /// Whether the process whose id is in this file is there no more.
    fn is_gone(file: &std::path::Path) -> bool {
        let pid = std::fs::read_to_string(file).unwrap();
        (0..50).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            let ps = std::process::Command::new("ps")
                .args(["-o", "stat=", "-p", pid.trim()])
                .output()
                .unwrap();
            let state = String::from_utf8(ps.stdout).unwrap();
            state.trim().is_empty() || state.trim().starts_with('Z')
        })
    }

    #[test]
    fn nothing_that_a_program_starts_itself_is_left_behind() {
        let desk = Desk::new();
        let pid = desk.client.path().join("pid");
        let kept = format!("sleep 600 &\necho $! > '{}'", pid.display());
        let serves = script(&desk, &format!("{kept}\nexec '{}'", server()));
        let run = desk.look(desk.entry(&serves, &[], &[]), &[]);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(is_gone(&pid), "{run:?}");
        let hangs = script(&desk, &format!("{kept}\nwait"));
        let entry = desk.entry(&hangs, &[], &[]);
        let run = desk.look(entry.clone(), &["--start-timeout", "1"]);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(is_gone(&pid), "{run:?}");
        // Nor when this program is asked to end.
        std::fs::remove_file(&pid).unwrap();
        let file = desk.client.path().join("client.json");
        let arguments = ["doctor", "--client", file.to_str().unwrap()];
        let mut command = desk.home.operator_command(&arguments);
        let command = command.stdout(std::process::Stdio::null());
        let mut doctor = command.spawn().unwrap();
        while std::fs::read_to_string(&pid).unwrap_or_default().is_empty() {
            assert!(doctor.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(20));
        }
        let id = doctor.id().to_string();
        let asked = std::process::Command::new("kill").arg(&id).status();
        assert!(asked.unwrap().success());
        assert!(!doctor.wait().unwrap().success());
        assert!(is_gone(&pid));
    }

    /// Longer than rmcp waits before it asks in the older protocol.
    #[test]
    fn a_server_that_is_slow_to_start_has_the_time_that_was_given() {
        let desk = Desk::new();
        let slow = script(&desk, &format!("sleep 11\nexec '{}'", server()));
        let run = desk.look(desk.entry(&slow, &[], &[]), &["--start-timeout", "40"]);
        assert_eq!((run.code, &*told(&run, "start").0), (0, "ok"), "{run:?}");
    }

    #[test]
    fn nothing_that_only_the_configuration_knows_is_shown() {
        let desk = Desk::new();
        let program = script(
            &desk,
            "echo \"$DB_PASS $3 $2\" >&2\nprintf '%s\\n' \"$PEM\" >&2\nexit 3",
        );
        let variables = [("DB_PASS", "hunter2"), ("PEM", "a\nhunter3\nb")];
        let arguments = ["-e", "NAME=hunter4", "Authorization: Bearer hunter5"];
        let run = desk.look(desk.entry(&program, &arguments, &variables), &[]);
        let (_, found) = told(&run, "start");
        assert!(found.contains("[hidden]"), "{found}");
        assert!(!run.stdout.contains("hunter"), "{run:?}");
    }

    #[test]
    fn a_server_whose_tools_nothing_guards_or_that_talks_beside_mcp_is_doubtful() {
        let desk = Desk::new();
        // As servers of the older protocol answer: one thing after the other, by the ids that came.
        let text = r#"echo "ready, $PWD"
while read -r line; do
  id=${line#*\"id\":}; id=${id%%[,\}]*}
  case $line in
    *'"method":"initialize"'*) r='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"old","version":"7"}}' ;;
    *'"method":"tools/list"'*) r='{"tools":[{"name":"pay","inputSchema":{"type":"object"}}]}' ;;
    *'"method":"notifications'*) continue ;;
    *) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no such method"}}\n' "$id"; continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$r"
done"#;
        let program = script(&desk, text);
        let mut entry = desk.entry(&program, &[], &[]);
        entry["cwd"] = desk.client.path().to_str().unwrap().into();
        let run = desk.look(entry, &[]);
        assert_eq!(run.code, 0, "{run:?}");
        let (health, found) = told(&run, "tools");
        assert!(
            health == "warning" && found.contains("none of them: `pay`"),
            "{found}"
        );
        assert!(run.stdout.contains("it is `old` 7"), "{run:?}");
        let stray = format!("ready, {}", desk.client.path().display());
        assert!(run.stdout.contains(&stray), "{run:?}");
    }
}
