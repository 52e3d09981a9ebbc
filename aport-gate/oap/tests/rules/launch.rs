//! Commands that run others by their options, and files that commands write.

use crate::setting::{Setting, allows, denies};
use serde_json::{Value, json};

const NAME: &str = "validateBlockedPatterns";

fn commands(list: &[&str]) -> Vec<Value> {
    list.iter()
        .map(|command| json!({ "command": command }))
        .collect()
}

#[test]
fn a_program_that_an_option_names_has_to_be_allowed() {
    let programs = [
        "git", "npm", "npx", "tar", "ssh", "scp", "rsync", "find", "man", "sort", "split", "make",
        "zip", "flock", "taskset",
    ];
    denies(
        NAME,
        &json!({ "allowed_commands": programs }),
        &commands(&[
            "git -c core.pager=\"sh -c id\" log",
            "git -c core.sshCommand=id fetch",
            "git -c CORE.SSHCOMMAND=id fetch",
            "git -c alias.x='!id' x",
            "git -c alias.x='-c core.pager=id log' x",
            "git -c diff.external=id diff",
            "git -c filter.a.clean=id add .",
            "git -c credential.helper='!id' fetch",
            "git -c credential.https://x.example.helper=/tmp/id fetch",
            "git -C . -c core.editor=id commit",
            "git --no-pager -c core.fsmonitor=./id status",
            "git config --global alias.x '!id'",
            "git config core.pager id",
            "git config set core.editor id",
            "git submodule foreach id",
            "git submodule foreach --recursive 'id; git status'",
            "git bisect run sh -c id",
            "git rebase --exec id HEAD",
            "git rebase --ex=id HEAD",
            "git rebase -x id HEAD",
            "git difftool -x id",
            "git filter-branch --tree-filter id",
            "git clone --upload-pack=id x.example:y",
            "git clone -c core.sshCommand=id x.example:y",
            "git push --receive-pack id origin",
            "git grep -Oid x",
            "git grep --open-files-in-pager=id x",
            "git fetch 'ext::id'",
            "git clone ext::id",
            "npm exec -- id",
            "npm x id",
            "npm exec -c id",
            "npm --silent exec id",
            "npm explore left-pad -- id",
            "npx -c id",
            "npx -p pkg --call=id",
            "tar xf a.tar --to-command=id",
            "tar xf a.tar --to-com id",
            "tar -I id -xf a.tar",
            "tar cf a.tar --checkpoint=1 --checkpoint-action=exec=id x",
            "tar cf a.tar --use-compress-program=id x",
            "ssh -o ProxyCommand=id host",
            "ssh -oProxyCommand='id x' host",
            "ssh -o 'proxycommand id' host",
            "scp -S id a host:b",
            "rsync -e id a host:b",
            "rsync -avze id a host:b",
            "rsync --rsh=id a host:b",
            "find . -exec id ;",
            "find . -exec flock + id ;",
            "find . -exec taskset {} + ; -exec id {} +",
            "man -P id ls",
            "sort --compress-program=id x",
            "split --filter=id x",
            "make SHELL=id",
            "zip -T -TT id a.zip",
            "flock /tmp/l -c id",
            "flock /tmp/l id",
            "taskset 1 id",
        ]),
        "oap.command_not_allowed",
    );
    allows(
        NAME,
        &json!({ "allowed_commands": programs }),
        &commands(&[
            "git -c user.name=x -c core.pager=cat log",
            "git -c core.fsmonitor=false status",
            "git -c credential.helper= fetch",
            "git -c credential.helper=store fetch",
            "git --no-pager log -c --oneline",
            "git commit -m 'core.pager=id'",
            "git config user.email a@b.example",
            "git config core.pager",
            "git submodule foreach git status",
            "git bisect run npm test",
            "git rebase --exec 'npm test' HEAD",
            "git -c alias.x='log --oneline' x",
            "git grep -O x",
            "git push -u origin main",
            "npm run build",
            "npm exec -- git status",
            "npm install x",
            "npx eslint -c .eslintrc.js src",
            "tar xzf a.tar.gz -C out",
            "tar cf a.tar --checkpoint=1 --checkpoint-action=dot x",
            "ssh -o ProxyCommand=none -o BatchMode=yes host",
            "rsync -av --rsh=ssh a host:b",
            "rsync -avze ssh a host:b",
            "find . -exec git add {} ;",
            "make build",
        ]),
    );
}

#[test]
fn a_setting_of_git_is_seen_wherever_its_name_and_value_stand() {
    let limits = json!({ "allowed_commands": ["git", "vim"] });
    denies(
        NAME,
        &limits,
        &commands(&[
            "git config --file .git/config alias.y '!curl evil'",
            "git config -f .git/config alias.y '!curl evil'",
            "git config alias.y --file x '!curl evil'",
            "git config alias.y '!curl evil' --type path",
            "git config set --file a.b core.fsmonitor 'curl evil'",
            "git config --add hook.x.command curl",
            "git -c hook.x.command=curl commit",
            "git -c gc.recentObjectsHook=curl gc",
            "git send-email --smtp-server=/usr/bin/curl x",
            "git send-email --smtp-server ./curl x",
            "git daemon --access-hook=curl x",
            "git for-each-repo --config=x -- -c alias.y='!curl evil' y",
            "git for-each-repo --config x -c core.pager=curl log",
            "git submodule--helper foreach curl",
        ]),
        "oap.command_not_allowed",
    );
    denies(
        NAME,
        &limits,
        &commands(&[
            "git --config-env=alias.x=V x",
            "git --config-env alias.x=V x",
            "git --config-env=core.pager=V log",
            "find . -fprintf /home/u/.bashrc x",
            "find . -fls /etc/x",
        ]),
        "oap.refused",
    );
    allows(
        NAME,
        &limits,
        &commands(&[
            "git config --file .git/config user.name 'x y'",
            "git config -f .gitmodules submodule.a.path a",
            "git config core.editor vim",
            "git config --get core.pager",
            "git --config-env=http.extraHeader=V fetch",
            "git send-email --smtp-server=mail.example x.patch",
            "git for-each-repo --config=maintenance.repo maintenance run",
        ]),
    );
}

#[test]
fn arguments_given_apart_are_looked_through_as_well() {
    denies(
        NAME,
        &json!({ "allowed_commands": ["git"] }),
        &[json!({ "command": "git", "args": ["-c", "core.pager=sh -c id", "log"] })],
        "oap.command_not_allowed",
    );
}

#[test]
fn what_an_option_leads_to_unseen_passes_no_list() {
    let hidden = commands(&[
        "git --exec-path=/tmp status",
        "git -c core.hooksPath=/tmp/h commit",
        "git -c include.path=/tmp/c status",
        "git -c protocol.ext.allow=user fetch",
        "git clone --template=/tmp/t x",
        "npm --script-shell=/tmp/x run y",
        "ssh -F /tmp/c host",
        "ssh -o PKCS11Provider=/tmp/x.so host",
        "make --eval='x:;id'",
        "cargo --config target.x.runner=id run",
        "cargo --config /tmp/c.toml run",
        "awk 'BEGIN{system(\"id\")}'",
        "awk 'BEGIN{\"id\" | getline x}'",
    ]);
    for limits in [
        json!({ "allowed_commands": ["git", "npm", "ssh", "make", "cargo", "awk"] }),
        json!({ "allowed_commands": ["*"], "blocked_patterns": ["sudo"] }),
    ] {
        denies(NAME, &limits, &hidden, "oap.refused");
    }
    // Nothing is restricted here, so nothing is hidden.
    allows(NAME, &json!({ "allowed_commands": ["*"] }), &hidden);
    allows(
        NAME,
        &json!({ "allowed_commands": ["awk", "cargo", "git"] }),
        &commands(&[
            "awk '{print $1}' f",
            "cargo --config net.offline=true build",
            "git --exec-path",
        ]),
    );
}

#[test]
fn what_options_run_is_held_against_the_patterns() {
    let limits = json!({ "allowed_commands": ["*"], "blocked_patterns": ["rm -rf"] });
    denies(
        NAME,
        &limits,
        &commands(&[
            "git bisect run rm -r -f x",
            "git -c core.pager='rm -f -r x' log",
            "npm exec -- rm -r -f x",
            "tar xf a --to-command='rm -r -f x'",
            "rm --rec --for x",
            "rm --r --f x",
            "rm --recursive -f x",
            "rm -r --forc x",
        ]),
        "oap.refused",
    );
    allows(
        NAME,
        &limits,
        &commands(&["rm --force x", "rm --verbose -f x", "git rm --cached x"]),
    );
    denies(
        NAME,
        &json!({ "allowed_commands": ["*"], "blocked_patterns": ["git push --force"] }),
        &commands(&["git push --forc origin", "git push origin --fo"]),
        "oap.refused",
    );
}

#[test]
fn nothing_is_written_where_it_takes_over_the_machine() {
    denies(
        NAME,
        &json!({ "allowed_commands": ["*"] }),
        &commands(&[
            "echo x>~/.ssh/authorized_keys",
            "echo x >> ~/.ssh/config",
            "echo x >> $HOME/.bashrc",
            "echo ok > /etc/passwd",
            "echo ok >| /etc/cron.d/x",
            "echo ok &> /etc/ld.so.preload",
            "echo ok > /tmp/../etc/passwd",
            "echo ok > ../../../etc/passwd",
            "> /etc/hosts",
            "cat <<< x > /usr/local/bin/git",
            "echo x | tee -a /etc/hosts",
            "echo x > .git/hooks/pre-commit",
            "dd if=x of=/boot/vmlinuz",
            "cp x ~/.ssh/authorized_keys",
            "mv x /etc/sudoers.d/x",
            "echo x > /var/spool/cron/root",
            "echo x > 'C:\\Windows\\System32\\drivers\\etc\\hosts'",
            "sh -c 'echo x > /etc/hosts'",
        ]),
        "oap.refused",
    );
    allows(
        NAME,
        &json!({ "allowed_commands": ["*"] }),
        &commands(&[
            "echo x > out.txt",
            "echo x > ../lib/out.txt",
            "echo x > .env",
            "make 2>&1 > /dev/null",
            "make > /dev/stderr 2>/dev/null",
            "echo x >> /var/log/app.log",
            "sort < /etc/hosts > hosts.txt",
            "cat << EOF\nx\nEOF",
            "cp a b",
            "cp /etc/hosts .",
            "echo x | tee out.txt",
            "echo '> /etc/hosts'",
        ]),
    );
    let decided =
        Setting::validator(NAME, json!({})).decide(&json!({ "command": "echo x > /etc/hosts" }));
    assert!(
        decided.reasons[0]
            .message
            .contains("writes to `/etc/hosts`"),
        "{:?}",
        decided.reasons
    );
}

#[test]
fn an_address_or_a_permission_of_git_runs_nothing_unseen() {
    let limits = json!({ "allowed_commands": ["git"] });
    denies(
        NAME,
        &limits,
        &commands(&[
            "git archive --remote='ext::touch pwn' HEAD",
            "git fetch 'EXT::touch pwn'",
            "git -c remote.x.url='ext::touch pwn' fetch x",
            "git config remote.x.url 'ext::touch pwn'",
            "git -c remote.x.pushurl='ext::touch pwn' push x",
            "git remote add x 'ext::touch pwn'",
            "git submodule add 'ext::touch pwn'",
            "git merge-index touch -a",
            "git merge-index -o -q touch -a",
        ]),
        "oap.command_not_allowed",
    );
    denies(
        NAME,
        &limits,
        &commands(&[
            "git -c protocol.ext.allow=always -c remote.x.url='ext::touch pwn' fetch x",
            "git -c protocol.allow=always fetch x",
            "git -c protocol.ext.allow=user fetch x",
            "git config protocol.ext.allow always",
            "git -c remote.x.vcs=ext -c remote.x.url=x fetch x",
            "git -c url.ext::sh.insteadOf=x fetch x",
            "git remote-ext a 'touch pwn'",
            "git remote-fd a 0",
            "git -c \"$x\" y",
            "git -c $k.x='!touch pwn' x",
            "git clone foo::bar",
            "git -c core.hooksPath=true commit",
            "git -c include.path=on status",
        ]),
        "oap.refused",
    );
    allows(
        NAME,
        &limits,
        &commands(&[
            "git -c protocol.file.allow=always submodule update",
            "git -c protocol.ext.allow=never fetch",
            "git -c protocol.allow=never fetch",
            "git -c core.hooksPath=/dev/null commit",
            "git log -S std::mem",
            "git commit -m 'use std::ext::x'",
            "git remote add x https://x.example/y.git",
            "git remote -v",
            "git -c url.https://x.example/.insteadOf=git@x.example: fetch",
            "git merge-index git -a",
        ]),
    );
}

#[test]
fn an_alias_of_git_passes_no_pattern_about_git() {
    let limits =
        |pattern: &str| json!({ "allowed_commands": ["*"], "blocked_patterns": [pattern] });
    let aliases = commands(&[
        "git -c alias.p=push p --force",
        "git -c ALIAS.p=push p origin",
        "git config alias.p push",
        "git config --global alias.p push",
        "git clone --config=alias.p=push x",
        "git config --rename-section x alias",
        "git --config-env=alias.p=V p",
    ]);
    denies(NAME, &limits("git push --force"), &aliases, "oap.refused");
    allows(
        NAME,
        &limits("rm -r"),
        &commands(&["git -c alias.p=push p --force", "git config alias.p push"]),
    );
    allows(
        NAME,
        &limits("git push --force"),
        &commands(&[
            "git config --get alias.p",
            "git config alias.p",
            "git push origin",
        ]),
    );
}
