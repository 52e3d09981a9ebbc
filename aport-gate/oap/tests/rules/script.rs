//! Where one command of a line ends and the next begins: redirections, here-documents, arithmetic, braces, and what
//! shells read in different ways. What runs was tried with `bash` and `dash`.

use crate::setting::{Setting, allows, denies};
use serde_json::{Value, json};

const NAME: &str = "validateBlockedPatterns";

fn commands(list: &[&str]) -> Vec<Value> {
    list.iter()
        .map(|command| json!({ "command": command }))
        .collect()
}

fn limits() -> Value {
    json!({ "allowed_commands": ["cat", "echo", "ls", "git", "npm", "timeout", "flock", "find"] })
}

/// Each line is denied with one of the codes and with the words in its message.
#[track_caller]
fn refuses(limits: &Value, list: &[&str], words: &str) {
    for context in commands(list) {
        let decided = Setting::validator(NAME, limits.clone()).decide(&context);
        assert!(!decided.allow, "{context}");
        let message = &decided.reasons[0].message;
        assert!(message.contains(words), "{context}: {message}");
    }
}

#[test]
fn a_program_behind_a_redirection_is_seen() {
    denies(
        NAME,
        &limits(),
        &commands(&[
            "npm test 2>&1&curl http://x.example",
            "ls </dev/null&curl x",
            "ls >log&&curl x",
            "ls >x&curl x",
            "ls >x|curl x",
            "ls &>x&curl x",
            "ls <<<x&curl x",
            "ls >'x'&curl x",
            "ls <&0&curl x",
            "ls 2>&1 && curl x",
            "cat <<E&curl x\nE",
            ">&1 curl x",
            "timeout '5'>x curl x",
        ]),
        "oap.command_not_allowed",
    );
    denies(
        NAME,
        &json!({ "allowed_commands": ["*"], "blocked_patterns": ["rm -rf"] }),
        &commands(&[
            "ls >x&rm -r -f y",
            "ls 2>&1&mkfs.ext4 /dev/sda1",
            "ls >x&reboot",
        ]),
        "oap.refused",
    );
    allows(
        NAME,
        &limits(),
        &commands(&[
            "ls >/dev/null&&ls x",
            "ls > out.txt 2>&1 && cat out.txt",
            "ls 2>&1&",
            "npm test &> log",
            "npm test &>> log && cat log",
            "ls >& log",
            "ls 2>&1 >&2 >&-",
            "cat <x >y",
            "cat <> x",
        ]),
    );
}

#[test]
fn a_redirection_that_shells_read_in_different_ways_means_all_of_them() {
    let both = |shell: &str| json!({ "command": "echo &>a curl x", "shell": shell });
    denies(
        NAME,
        &limits(),
        &[
            json!({ "command": "echo &>a curl x" }),
            both("sh"),
            both("dash"),
            json!({ "command": "sh -c 'echo &>a curl x'" }),
        ],
        "oap.command_not_allowed",
    );
    // A redirection to these, and words for `echo`.
    allows(NAME, &limits(), &[both("bash"), both("/bin/zsh")]);
    allows(
        NAME,
        &json!({ "allowed_commands": ["echo", "bash"] }),
        &commands(&["bash -c 'echo &>a curl x'"]),
    );
    refuses(
        &limits(),
        &["ls >! x", "ls >>| x", "ls >&| x", "ls >&-curl x"],
        "different ways",
    );
    refuses(
        &limits(),
        &["ls > & curl x", "ls >; ls", "ls < > x", "ls >#x"],
        "redirects to nothing",
    );
    refuses(&limits(), &["flock {a}>x l curl"], "in a variable");
    // `bash` expands such a name twice.
    refuses(
        &limits(),
        &[
            "ls >&'x$(curl x)'",
            "x='$(curl x)'; ls >&$x",
            "ls >&x\\`curl\\`",
        ],
        "may run what it holds",
    );
}

#[test]
fn a_here_document_is_text_and_what_follows_it_is_not() {
    denies(
        NAME,
        &limits(),
        &commands(&[
            "cat <<cat\ncat it's\ncat\ncurl x\ncat <<cat\ncat it's\ncat",
            "cat <<E\nx\nE\ncurl x",
            "cat <<'E'\nit's\nE\ncurl x",
            "cat <<-E\n\tx\n\tE\ncurl x",
            "cat <<\\E\n$(\nE\ncurl x",
            "cat <<A <<B\na\nA\nb\nB\ncurl x",
            "cat <<A; cat <<'B'\n$(ls)\nA\n$(\nB\ncurl x",
            "cat <<E\n$(curl x)\nE",
            "cat <<E\n`curl x`\nE",
            "cat <<E\n\\\\$(curl x)\nE",
            "cat <<E | curl x\nE",
            "echo \"$(cat <<'E'\n)\"\nE\n)\"; curl x",
            "cat <<E # it's\nE\ncurl x",
        ]),
        "oap.command_not_allowed",
    );
    allows(
        NAME,
        &limits(),
        &commands(&[
            "cat <<'EOF' > a.txt\nit's; curl $(x) `y` \\\nEOF",
            "cat > a.txt <<EOF\nit's \"one; $HOME $(ls) \\$(curl x)\nEOF\nls",
            "git commit -F - <<'EOF'\nFix it's bug (and more)\nEOF",
            "git commit -m \"$(cat <<'EOF'\nfix: it's done\n\ntext; with (parens) & more\nEOF\n)\"",
            "cat <<-E\n\tx\n\tE\nls",
            "cat <<\"E F\"\nE\nE F\nls",
            "cat <<A <<B\na'\nA\nb'\nB\nls",
            "cat <<E &&\nx\nE\nls",
            "cat <<< \"it's\"",
            "cat <<E\n$((1 << 2))\nE",
        ]),
    );
}

#[test]
fn a_here_document_whose_end_is_not_certain_is_refused() {
    refuses(
        &limits(),
        &[
            "cat <<E",
            "cat <<E\nx",
            "cat <<E\n E",
            "cat <<E\nE ",
            "cat <<-E\n  E",
            "echo $(cat <<E)\nE",
            "cat <<E\nE\r",
        ],
        "without its last line",
    );
    refuses(
        &limits(),
        &[
            "cat <<$E\n$E",
            "cat <<`ls`\nE",
            "cat <<''\n\n",
            "cat <<\"a\\b\"\nE",
            "cat << \nE",
        ],
        "not a plain word",
    );
    refuses(
        &limits(),
        &[
            "cat <<E \"\n\"\nE",
            "cat <<E '\n'\nE",
            "cat <<E $(ls\n)\nE",
            "cat <<E \\\nx\nE",
            "cat <<E `\n`\nE",
        ],
        "more lines between",
    );
    refuses(&limits(), &["cat <<E\nx\\\nE\ncurl x\nE"], "joins lines");
    refuses(&limits(), &["cat <<E\n$(\nE\nls\n)\nE"], "open bracket");
}

#[test]
fn what_a_program_reads_is_held_against_patterns() {
    let limits = json!({ "allowed_commands": ["*"], "blocked_patterns": ["rm -rf"] });
    denies(
        NAME,
        &limits,
        &commands(&[
            "psql <<E\n\\! rm -r -f x\nE",
            "ed <<< '!rm -r -f x'",
            "sh <<E\nid\nE",
            "cat <<E | sh\nid\nE",
        ]),
        "oap.refused",
    );
    allows(
        NAME,
        &limits,
        &commands(&["cat <<E\nthe rm of -r and f\nE"]),
    );
}

#[test]
fn characters_that_a_shell_takes_for_text_separate_nothing() {
    denies(
        NAME,
        &limits(),
        &commands(&["echo \r#|curl x", "echo \r#;curl x"]),
        "oap.refused",
    );
    refuses(&limits(), &["ls\r\nls"], "carriage return");
    allows(NAME, &limits(), &commands(&["echo 'a\r\nb'"]));
    allows(
        NAME,
        &limits(),
        &[json!({ "command": "git", "args": ["commit", "-m", "a\r\nb"] })],
    );
}

#[test]
fn brackets_and_quotes_within_expansions_hide_nothing() {
    denies(
        NAME,
        &limits(),
        &commands(&[
            "echo ${x:-{}; curl x; echo }",
            "echo ${x:-'}'}; curl x #'",
            "echo ${x:-\"}\"}; curl x #\"",
            "echo ${x:-<(curl x)}",
            "echo \"`echo \"\\\"; curl x; \\\"\"`\"",
            "echo `echo \\\\'; curl x; echo \\\\'`",
            "echo $[ '] ; curl x ; echo $[ '] ",
            "echo \"$(case x in x) curl x;; esac)\"",
            "echo \"$(time case x in x) curl x;; esac)\"",
        ]),
        "oap.refused",
    );
    allows(
        NAME,
        &limits(),
        &commands(&[
            "echo ${x:-y} ${x#a} \"${x%.*}\" ${x:-${y}}",
            "echo \"costs 5$\" \"$'\"",
            "echo `ls`",
        ]),
    );
}

#[test]
fn arithmetic_is_no_program() {
    allows(
        NAME,
        &limits(),
        &commands(&[
            "echo $((1+2))",
            "echo \"$(( (x + 1) * 2 % $y ))\"",
            "git commit -m 'use `x` and $(y)' && echo $((i+1))",
            "i=1; echo $((i+1))",
            "i=1; i=$((i+1)); n=$#; echo $(($# + i + $? + n))",
            "x=a; echo $((${#x} + 1))",
            "for i in {1..3}; do echo $((i*2)); done",
            "echo $((1 << 2)) && ls",
            "echo $(( $((1)) + ${#x} ))",
            "git commit -m 'use `x` and $(y)'; echo ${x:-y} $x",
            "echo '`x`' && ls ${x#y}",
        ]),
    );
    denies(
        NAME,
        &limits(),
        &commands(&[
            "echo $(( $(curl x) + 1 ))",
            "echo $((1)) $(curl x)",
            "echo $( (curl x) )",
        ]),
        "oap.command_not_allowed",
    );
    denies(
        NAME,
        &limits(),
        &commands(&[
            "echo $((curl x) )",
            "echo $((ls); curl x)",
            "echo $((1 # ))\ncurl x",
            "echo $((`curl x`))",
            "echo $((x[1]))",
            "echo $((1",
            &format!("echo {}1{}", "$((".repeat(9), "))".repeat(9)),
            // To `bash`, the text of a variable is arithmetic in turn, and so is what a command prints.
            "echo $(( $(ls | cat) + 1 ))",
            "x='a[$(curl x)]'; echo $((x))",
            "x='a[`curl x`]'; echo ${y[x]}",
            "x='a[$(curl x)]'; echo ${y:x}",
            "((i='a[$(curl x)]'))",
            "test -v 'a[$(curl x)]'",
            "command printf -v 'a[$(curl x)]' y",
            "x='a[`curl x`]'; [[ $x -eq 1 ]]",
            "read 'a[$(curl x)]' <<< y",
            "declare -i y='a[$(curl x)]'",
        ]),
        "oap.refused",
    );
}

#[test]
fn braces_of_plain_words_are_read_as_the_words() {
    let listed = json!({ "allowed_commands": ["mkdir", "git add src/*", "cp", "echo", "env"] });
    allows(
        NAME,
        &listed,
        &commands(&[
            "mkdir -p src/{a,b}",
            "git add src/{a,b}.rs",
            "cp file{,.bak}",
            "echo {a,b}{1,2}/{c,d{e,f}} && echo x",
            "echo $(echo {a,b})",
            "for i in {1..5}; do echo x{3..1} $i; done",
        ]),
    );
    let patterns =
        json!({ "allowed_commands": ["*"], "blocked_patterns": ["chmod 777", "git push origin"] });
    denies(
        NAME,
        &patterns,
        &commands(&[
            "chmod {777,x}",
            "git {push,origin}",
            "echo {a,-b}",
            "echo -{a,b}",
            "echo {,a}",
            "echo {1..64}0{1..3}",
            "echo {1..65}",
            "echo {01..3}",
            "echo {a..c}",
            "echo {1..3..2}",
            "echo {-1..3}",
            "echo {a,b}c\"d\"",
            "echo {a,$x}",
            "echo {a,b}*",
            "echo > {a,b}",
            "x={a,b}",
            "{ls,x}",
            "env {ls,x}",
            "cp x ~/.bash{rc,_x}",
            "cp x /{etc,usr}/{cron.d,bin}",
            &format!("echo {}", "{a,b}".repeat(7)),
        ]),
        "oap.refused",
    );
}
