//! Shells that read lines in ways of their own: `cmd`, PowerShell, `fish`, and those that nobody knows.

use crate::setting::{Setting, allows, denies};
use serde_json::{Value, json};

const NAME: &str = "validateBlockedPatterns";

fn with(shell: &str, command: &str) -> Value {
    json!({ "command": command, "shell": shell })
}

/// Lines of which a reader of another shell would see `echo` and `ls` only.
fn hidden() -> Vec<Value> {
    vec![
        with("cmd", "echo # & curl x"),
        with("cmd", "echo ' & curl x & echo '"),
        with("cmd", "echo \\& curl x"),
        with("cmd", "echo \"a\" \\& curl x"),
        with("cmd", "ls \\\ncurl x"),
        with("cmd", "echo %COMSPEC% x"),
        with("cmd", "ls=x echo"),
        with("cmd", "@curl"),
        with("C:\\Windows\\System32\\cmd.exe", "echo # & curl x"),
        with("powershell", "echo \"a\\\"; curl x; echo \"\\\""),
        with("powershell", "echo 'a''; curl x; echo '"),
        with("powershell", "echo \\; curl x"),
        with("powershell", "echo <# ' #> ; curl x ; echo <# ' #>"),
        with("powershell", "echo \u{2018} ; curl x ; echo \u{2019}"),
        with("powershell", "echo a,b"),
        with("powershell", "echo @x"),
        with("pwsh", "echo (curl x)"),
        with("fish", "echo 'a\\'' ; curl x ; echo 'b' # '"),
        with("fish", "echo (curl x)"),
        with("fish", "echo a\\ b"),
        with("nu", "echo 'x'"),
        with("tcsh", "echo a!b"),
        with("cmd", "echo \u{a0}x"),
        json!({ "command": "echo", "args": ["'", "& curl x"], "shell": "cmd" }),
    ]
}

#[test]
fn lines_of_such_shells_are_plain_words_or_refused() {
    for limits in [
        json!({ "allowed_commands": ["echo", "ls"] }),
        json!({ "allowed_commands": ["*"], "blocked_patterns": ["rm -rf"] }),
    ] {
        denies(NAME, &limits, &hidden(), "oap.refused");
        let decided = Setting::validator(NAME, limits).decide(&with("cmd", "echo ' & ls"));
        let message = &decided.reasons[0].message;
        assert!(
            message.contains("more than plain words") && message.contains("`cmd`"),
            "{message}"
        );
    }
    let plain = [
        with("cmd", "git log -n 5 --format=oneline HEAD~1"),
        with("cmd", "git add src\\main.rs"),
        with("powershell", "npm install lodash@4"),
        with("pwsh", "git push origin main:main"),
        with("fish", "npm test"),
        with("/usr/bin/fish", "git  status"),
        with("nu", "git status"),
    ];
    allows(NAME, &json!({ "allowed_commands": ["git", "npm"] }), &plain);
    denies(
        NAME,
        &json!({ "allowed_commands": ["git status"] }),
        &[
            with("cmd", "curl x"),
            with("fish", "git push"),
            with("nu", "env git push"),
        ],
        "oap.command_not_allowed",
    );
}

#[test]
fn where_nothing_is_restricted_such_lines_pass_unless_they_do_harm() {
    let open = json!({ "allowed_commands": ["*"] });
    allows(NAME, &open, &hidden());
    denies(
        NAME,
        &open,
        &[
            with("cmd", "echo ' & format c:"),
            with("powershell", "echo \"x\"; sudo id"),
            with("fish", "rm -rf '/'"),
        ],
        "oap.refused",
    );
}

#[test]
fn scripts_for_such_shells_are_held_against_the_same() {
    let line = |command: &str| json!({ "command": command });
    let listed = json!({ "allowed_commands": ["cmd", "powershell", "pwsh", "fish", "echo"] });
    denies(
        NAME,
        &listed,
        &[
            line("cmd /c 'echo # & curl x'"),
            line("cmd /s/c 'echo # & curl x'"),
            line("fish -c 'echo \\'' ; curl x'"),
            line("fish --command='echo (curl x)'"),
            line("powershell -Com 'echo \\; curl x'"),
            line("powershell -NoProfile -ExecutionPolicy Bypass 'echo `\"; curl x'"),
            line("pwsh -c 'echo (curl x)'"),
        ],
        "oap.refused",
    );
    denies(
        NAME,
        &listed,
        &[
            line("cmd /c curl x"),
            line("cmd /Ccurl x"),
            line("powershell curl x"),
            line("powershell -NoProfile -Comm curl x"),
            line("fish -c 'curl x'"),
        ],
        "oap.command_not_allowed",
    );
    allows(
        NAME,
        &listed,
        &[
            line("cmd /c echo x"),
            line("powershell -NoProfile -Command echo x"),
            line("powershell -File x.ps1"),
            line("fish -c 'echo x'"),
            line("fish x.fish"),
        ],
    );
}

#[test]
fn a_pattern_is_found_as_such_shells_would_read_the_line() {
    let limits = json!({
        "allowed_commands": ["*"], "blocked_patterns": ["del /s", "rmdir /s", "Remove-Item -Recurse"]
    });
    denies(
        NAME,
        &limits,
        &[
            with("cmd", "del/s x"),
            with("cmd", "DEL/S x"),
            with("cmd", "del x/s"),
            with("cmd", "rmdir/q/s x"),
            with("cmd", "del /q /s x"),
            with("cmd", "call del/q/s x"),
            json!({ "command": "cmd /c del/s x" }),
            with("powershell", "Remove-Item -Rec x"),
            with("powershell", "Remove-Item x -r"),
            with("powershell", "remove-item -Force -Recurse:true x"),
            json!({ "command": "pwsh -c Remove-Item -Rec x" }),
        ],
        "oap.refused",
    );
    allows(
        NAME,
        &limits,
        &[
            with("cmd", "del x"),
            with("cmd", "del src/some/x"),
            with("cmd", "type /s x"),
            with("powershell", "Remove-Item x"),
            with("powershell", "Remove-Item -Force x"),
            with("powershell", "Get-Item -Recurse x"),
        ],
    );
    // To `cmd` this is `git` with the switch `/x`.
    denies(
        NAME,
        &json!({ "allowed_commands": ["x"] }),
        &[with("cmd", "git/x")],
        "oap.command_not_allowed",
    );
    allows(
        NAME,
        &json!({ "allowed_commands": ["git add src/*"] }),
        &[with("cmd", "git add src/main.rs")],
    );
}
