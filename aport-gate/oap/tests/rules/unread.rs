//! Constructs of shells that are not read for certain, and are refused by name. What runs was tried with `bash`.

use crate::setting::{Setting, allows};
use serde_json::{Value, json};

const NAME: &str = "validateBlockedPatterns";

fn commands(list: &[&str]) -> Vec<Value> {
    list.iter()
        .map(|command| json!({ "command": command }))
        .collect()
}

fn limits() -> Value {
    json!({ "allowed_commands": ["cat", "echo", "git", "true", "[", "test", "for"] })
}

/// Each call is denied as one that nobody can read, with the words in its message.
#[track_caller]
fn refuses(limits: &Value, list: &[Value], words: &str) {
    for context in list {
        let decided = Setting::validator(NAME, limits.clone()).decide(context);
        assert!(!decided.allow, "{context}");
        let message = &decided.reasons[0].message;
        assert!(message.contains(words), "{context}: {message}");
        assert_eq!(decided.reasons[0].code, "oap.refused", "{context}");
    }
}

#[test]
fn a_here_document_in_a_substitution_ends_on_a_line_of_its_own() {
    refuses(
        &limits(),
        &commands(&[
            "echo $(cat <<E\na\nE) ; touch pwn\nE\n)",
            "echo $(cat <<'E'\na\nE); touch pwn; echo $(cat <<E\nb\nE\n)",
            "echo \"$(cat <<'E'\na\nE)\"; touch pwn\nE\n)\"",
            "echo $(cat <<-E\na\n\tE); touch pwn\nE\n)",
            "cat <(cat <<'E'\na\nE); touch pwn\nE\n)",
            "echo $(echo $(cat <<E\na\nE)); touch pwn\nE\n))",
            "cat <<A\n$(cat <<E\na\nE)\ntouch pwn\nE\n)\nA",
            "git commit -m \"$(cat <<'EOF'\nfix\nEOF)\"; touch pwn\nEOF\n)\"",
            "echo $(cat <<E\nE)",
        ]),
        "begins with its end `E",
    );
    allows(
        NAME,
        &limits(),
        &commands(&[
            "echo $(cat <<E\na E)\nE\n)",
            "cat <<E\nE)\nEE\nE",
            "git commit -m \"$(cat <<'EOF'\nfix (x)\nEOF\n)\"",
        ]),
    );
}

#[test]
fn arithmetic_commands_are_refused_by_name() {
    refuses(
        &limits(),
        &commands(&[
            "echo; ((1<<E))\ntouch pwn\nE",
            "echo; (\\\n(1<<E))\ntouch pwn\nE",
            "while ((1<<E)); do\ntouch pwn\nbreak\ndone\nE\n",
            "if ((1<<E)); then\ntouch pwn\nfi\nE\n",
            "for ((2>1 #$(touch pwn)\n; 3>2 ;2>1)); do echo; done",
            "((i++))",
            "i=1; ((i++)); echo $i",
        ]),
        "the arithmetic command `((…))`",
    );
    refuses(
        &limits(),
        &commands(&[
            "echo $(\\\n(1<<E))\ntouch pwn\nE\n)",
            "echo \"$\\\n(touch pwn)\"",
        ]),
        "the end of a line within `$(`",
    );
    let nested = commands(&["( (echo) )", "echo; ( ( (cat x) ) )", "echo $( (cat x) )"]);
    allows(NAME, &limits(), &nested);
    // Nothing is restricted here, so nothing has to be read.
    allows(
        NAME,
        &json!({ "allowed_commands": ["*"] }),
        &commands(&["((i++))", "x=(a b)", "echo ${!x}"]),
    );
}

#[test]
fn arrays_and_brackets_behind_words_are_refused_by_name() {
    refuses(
        &limits(),
        &commands(&[
            "echo; a=(<<E)\ntouch pwn\nE",
            "echo; a+=(1<<E)\ntouch pwn\nE",
            "echo; b=1 a=(3<<E) \ntouch pwn\nE",
            "a=(cat echo)",
        ]),
        "assigns an array",
    );
    refuses(
        &limits(),
        &commands(&["echo *(e:'touch pwn':)", "echo !(cat)"]),
        "`(` directly behind a word",
    );
}

#[test]
fn indirection_is_refused_by_name() {
    refuses(
        &limits(),
        &commands(&[
            "x='a[$'; y='(touch pwn)]'; z=\"$x$y\"; echo ${!z}",
            "for i in a; do echo ${!i}; done",
            "cat <<E\n${!x}\nE",
            "echo > ${!x}",
        ]),
        "`${!…}`",
    );
    let given = json!({ "command": "echo ${!x}", "env": { "x": "a[$(touch pwn)]" } });
    refuses(&limits(), &[given], "`${!…}`");
}
