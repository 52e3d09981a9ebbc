//! Constructs of shells that are not read for certain, and are refused by name. What runs was tried with `bash`.

use crate::setting::{Setting, allows, denies};
use serde_json::{Value, json};

const NAME: &str = "validateBlockedPatterns";

fn commands(list: &[&str]) -> Vec<Value> {
    list.iter()
        .map(|command| json!({ "command": command }))
        .collect()
}

fn limits() -> Value {
    json!({ "allowed_commands": ["cat", "echo", "git", "true", "[", "[[", "test"] })
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

#[test]
fn what_is_computed_is_given_numbers_and_nothing_else() {
    let words = "computes with a variable or an output";
    refuses(
        &limits(),
        &commands(&[
            "x='a[$' y='(touch pwn)]'; z=$x$y; echo $((z))",
            "x='a[$' y='(touch pwn)]'; echo $(($x$y))",
            "x='a[$'; x+='(touch pwn)]'; echo $((x))",
            "x='a[$_(touch pwn)]'; echo $((${x/_}))",
            "x='a[$' y='(touch pwn)]'; [[ $x$y -eq 1 ]]",
            "x='a[$' y='(touch pwn)]'; [ -v $x$y ]",
            "x='-v a[$' y='({touch,pwn})]'; x+=$y; [ $x ]",
            "o=-v x='a[$' y='(touch pwn)]'; x+=$y; test \"$o\" \"$x\"",
            "for i in 'a[$'; do for j in '(touch pwn)]'; do echo $(($i$j)); done; done",
            "x='a[$' y='(touch pwn)]'; x+=$y; echo ${PATH:x}",
            "echo 'a[$''(touch pwn)]'; echo $(($_))",
            "echo $(( $(echo -n 'a[$'; echo '(touch pwn)]') ))",
            "x=b; cat <<E\n$((x))\nE",
            "echo $(($1))",
            "[[ $(cat f) -eq 1 ]]",
            "[ -v \"$(cat f)\" ]",
            "test -v a[\\$\\(touch\\ pwn\\)]",
        ]),
        words,
    );
    let mut more = limits();
    let list = [
        "read", "echo", "env", "bash", "declare", "printf", "let", "while", "wait", "cd", "select",
        "command",
    ];
    more["allowed_commands"] = json!(list);
    refuses(
        &more,
        &commands(&[
            "read x < f; echo $((x))",
            "while read x; do echo $((x)); done < f",
            "command read x < f; echo $((x))",
            "env x=a bash -c 'echo $((x))'",
            "x=a bash -c 'echo $((x))'",
            "declare -i x; x='a[$'\"(touch pwn)]\"",
            "declare x=a; let x=x+1",
            "declare \"$x\"; let x=x+1",
            "printf -v x a; echo $((x))",
            "printf -v 'a[$''(touch pwn)]' a",
            "wait -n -p 'a[$''(touch pwn)]'",
            "cd 'a'; echo $((PWD))",
            "bash -c 'echo $(($0))' a",
        ]),
        words,
    );
    allows(
        NAME,
        &more,
        &commands(&[
            "declare -i x=1; let x=x+1",
            "read x < f; echo \"$x\"",
            "printf '%s %d' \"$x\" 5",
            "i=1; bash -c 'echo $((i))'",
            "declare -x A=b; echo ${A:-c}",
            "x=abc; echo ${x:0:2} ${x: -1} ${x::1}",
        ]),
    );
    let with = |value: &str| json!({ "command": "echo $((x))", "env": { "x": value } });
    refuses(&limits(), &[with("a[$(touch pwn)]"), with("a")], words);
    allows(NAME, &limits(), &[with("12")]);
    let apart = json!({ "command": "env", "args": ["x=a", "bash", "-c", "echo $((x))"] });
    refuses(&more, &[apart], words);
}

#[test]
fn an_element_of_an_array_is_not_assigned() {
    let open = json!({ "allowed_commands": ["*"], "blocked_patterns": ["rm -rf"] });
    refuses(
        &open,
        &commands(&["b['$''(touch pwn)']=1", "x=1 b[1 + 1]=2", "echo; a[i]+=1"]),
        "assigns an element of an array",
    );
}

#[test]
fn a_script_with_an_expansion_in_it_is_not_read() {
    let limits = json!({
        "allowed_commands": [
            "echo", "eval", "bash", "set", "read", "env", "find", "trap", "watch", "parallel", "tar", "alias", "ls"
        ]
    });
    refuses(
        &limits,
        &commands(&[
            "x='; touch pwn'; eval echo $x",
            "set -- '; touch pwn'; eval \"echo $*\"",
            "set -- '; touch pwn'; eval echo $1",
            "read x <<< '; touch pwn'; eval echo $x",
            "x='; touch pwn'; bash -c \"echo $x\"",
            "bash -c 'eval echo $0' '; touch pwn'",
            "env x='; touch pwn' bash -c 'eval echo $x'",
            "find . -exec bash -c 'echo {}' \\;",
            "trap \"echo $x\" EXIT",
            "watch ls $x",
            "alias l=\"ls $x\"",
        ]),
        "nobody knows what",
    );
    refuses(
        &limits,
        &commands(&[
            "tar xf a --to-command=\"echo $x\"",
            "tar xf a --to-command \"echo '$x'\"",
        ]),
        "nobody knows what an expansion",
    );
    refuses(
        &limits,
        &commands(&[
            "bash $x 'touch pwn'",
            "bash ${x:--c} 'touch pwn'",
            "bash $(echo -c) 'touch pwn'",
            "bash -e \"$x\" 'touch pwn'",
        ]),
        "may be an option",
    );
    allows(NAME, &limits, &commands(&["bash -- \"$x\"", "bash ./$x"]));
    refuses(
        &limits,
        &commands(&[
            "find . $o touch pwn \\;",
            "find . \"$o\" touch pwn \\;",
            "find . \"$o\" touch pwn {} +",
            "find . $(echo -exec touch pwn) \\;",
        ]),
        "what may be `-exec`",
    );
    allows(
        NAME,
        &limits,
        &commands(&["find \"$d\" -name x", "find ./$d -exec ls {} \\;"]),
    );
    let joined = commands(&["watch ls ';' touch pwn", "parallel echo ';' touch pwn"]);
    denies(NAME, &limits, &joined, "oap.command_not_allowed");
    allows(
        NAME,
        &limits,
        &commands(&[
            "eval 'echo $x'",
            "bash -c 'echo \"$0\"' \"$x\"",
            "find . -exec bash -c 'ls \"$1\"' _ {} \\;",
            "trap 'echo $x' EXIT",
            "watch -n 1 ls -l",
            "watch -x ls $x",
            "parallel ls ::: $x",
            "tar xf $x --to-command=ls",
        ]),
    );
}

#[test]
fn commands_of_shells_that_evaluate_are_refused() {
    let open = json!({ "allowed_commands": ["*"], "blocked_patterns": ["rm -rf"] });
    refuses(
        &open,
        &commands(&[
            "compgen -W '$(touch pwn)'",
            "complete -C x y",
            "hash -p /tmp/x ls",
            "mapfile -tC x y",
            "enable -f ./x.so y",
            "bind -x '\"a\":touch pwn'",
            "bind '\"a\": \"touch pwn\\n\"'",
            "jobs -x touch pwn",
            "fc -s",
        ]),
        "lets `",
    );
    refuses(&open, &commands(&["compgen $x"]), "may be an option");
    allows(
        NAME,
        &open,
        &commands(&["compgen -c", "hash -r", "mapfile -t x < f", "jobs -l"]),
    );
}

#[test]
fn a_list_of_programs_names_case_as_what_it_does_not_read() {
    let with = |program: &str| json!({ "allowed_commands": ["ls", "cat", program] });
    for (program, named) in [
        ("x", "`case` of `case … in`"),
        ("case", "`*` of `case … in`"),
    ] {
        let line = json!({ "command": "case $x in a) ls;; *) cat x;; esac" });
        let decided = Setting::validator(NAME, with(program)).decide(&line);
        let message = &decided.reasons[0].message;
        assert!(!decided.allow && message.contains(named), "{message}");
    }
}
