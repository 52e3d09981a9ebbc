//! Options that a variable or a substitution brings to a program that a blocked pattern is about.

use crate::setting::{Setting, allows, denies};
use serde_json::{Value, json};

const NAME: &str = "validateBlockedPatterns";

fn commands(list: &[&str]) -> Vec<Value> {
    list.iter()
        .map(|command| json!({ "command": command }))
        .collect()
}

fn limits() -> Value {
    json!({ "allowed_commands": ["*"], "blocked_patterns": ["rm -rf", "git push --force", "curl -k"] })
}

#[test]
fn what_may_be_a_blocked_option_is_refused() {
    denies(
        NAME,
        &limits(),
        &commands(&[
            "x=-rf; rm $x y",
            "rm $(echo -rf) y",
            "rm `echo -rf` y",
            "rm \"$(echo -rf)\" y",
            "rm ${x:--rf} y",
            "rm \"${x}\" y",
            "rm -$x y",
            "rm -r$x y",
            "rm -[r]f y",
            "rm y $x",
            "set -- -r -f; rm \"$@\" y",
            "sh -c 'rm $x y'",
            "env rm $x y",
            "echo y | xargs rm",
            "x='a -rf'; rm ./$x",
            "for x in 'a -rf'; do rm ./$x; done",
            "read x <<< 'a -rf'; rm ./$x",
            "git push $x",
            "git push origin \"$x\"",
            "git $x",
            "git -C $d push $x",
            "git \"$x\" --force",
            "curl $x https://x.example",
        ]),
        "oap.refused",
    );
    let decided =
        Setting::validator(NAME, limits()).decide(&json!({ "command": "x=-rf; rm $x y" }));
    let message = &decided.reasons[0].message;
    assert!(
        message.contains("what `$x` stands for is not known; write it out"),
        "{message}"
    );
}

#[test]
fn what_cannot_be_a_blocked_option_is_not() {
    allows(
        NAME,
        &limits(),
        &commands(&[
            "rm -f -- \"$x\"",
            "rm -- $x",
            "rm ./$x",
            "rm \"build/$x\"",
            "rm -f \"$HOME/x\" ${PWD}/y",
            "rm *.log",
            "rm src/{a,b}.o",
            "for f in *.txt; do rm ./$f; done",
            "ls $x",
            "git add $f",
            "git -C sub commit -m \"$msg\"",
            "git commit -m \"$(cat <<'EOF'\nit's done\nEOF\n)\"",
            "git -C \"$d\" status",
            "git push -- \"$remote\"",
            "git log $x -- y",
            "curl -o \"out-$x\" https://x.example/$x",
            "npm run $x",
        ]),
    );
    // Nothing blocked is about options of these.
    allows(
        NAME,
        &json!({ "allowed_commands": ["*"], "blocked_patterns": ["sudo", "DROP TABLE", "chmod 777"] }),
        &commands(&["rm $x y", "git push $x", "chmod $x y"]),
    );
}
