//! Files: paths and extensions.

use crate::setting::{Setting, allows, codes, denies};
use serde_json::{Value, json};

fn paths(list: &[&str]) -> Vec<Value> {
    list.iter()
        .map(|path| json!({ "file_path": path }))
        .collect()
}

#[test]
fn secrets_are_not_read_however_the_path_is_written() {
    let secret = paths(&[
        "/home/u/.ssh/id_rsa",
        "/Users/u/.\u{17f}sh/config",
        "/Users/u/.\u{206a}ssh/config",
        "/home/u/.\u{34f}ssh/x",
        "/home/u/id_rsa.bak",
        "/home/u/id_ed25519_sk",
        "/w/server.pem.old",
        "/w/.env~",
        "/w/.env-production",
        "/w/.env_prod",
        "/w/prod.env",
        "/w/terraform.tfstate",
        "/etc/krb5.keytab",
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "/home/u/.SSH/config",
        "~/.ssh/id_ed25519",
        ".env",
        "/app/.env",
        "/app/.env.production",
        "C:\\Users\\u\\.ssh\\id_rsa",
        "\\\\?\\C:\\Users\\u\\.aws\\credentials",
        "\\\\server\\share\\.env",
        "/app/.env.",
        "/app/.env ",
        "/app/.env::$DATA",
        "/app//.env",
        "/app/./.env",
        "/app/%2eenv",
        "/app/%252eenv",
        "/app/．env",
        "/app∕.env",
        "file:///app/.env",
        "/etc/shadow",
        "//etc//shadow",
        "/etc/shadow-",
        "/proc/self/environ",
        "/proc/1/root/x",
        "/app/server.pem",
        "/app/server.KEY",
        "/app/credentials.json",
        "/app/secrets.yaml",
        "/home/u/.kube/config",
        "/home/u/.docker/config.json",
        "/home/u/.netrc",
        "/home/u/.config/gcloud/x",
        "/home/u/.git-credentials",
    ]);
    denies(
        "validateFilePathPatterns",
        &json!({}),
        &secret,
        "oap.refused",
    );
    denies(
        "validateWriteBlockedPaths",
        &json!({}),
        &secret,
        "oap.refused",
    );
}

#[test]
fn paths_that_hide_where_they_lead_are_refused() {
    let odd = paths(&[
        "/workspace/../etc/passwd",
        "../x",
        "a/..",
        "/workspace/%2e%2e/x",
        "/workspace/%252e%252e%252fx",
        "/workspace/..%5cx",
        "/workspace\\..\\x",
        "/workspace/.. /x",
        "/workspace/‥/x",
        "/workspace/\u{202e}txt.exe",
        "/workspace/a\0.txt",
        "/workspace/a%00.txt",
        "/workspace/a\n.txt",
        "\\\\.\\PhysicalDrive0",
    ]);
    let limits = json!({ "allowed_paths": ["*"] });
    denies("validateFilePathPatterns", &limits, &odd, "oap.refused");
    denies("validateWriteBlockedPaths", &limits, &odd, "oap.refused");
}

#[test]
fn ordinary_files_are_read() {
    let fine = paths(&[
        "/workspace/src/main.rs",
        "src/credentials.rs",
        "README.md",
        "./docs/environment.md",
        "/app/.env.example",
        "/app/.env-example",
        "/app/sample.env",
        "/home/u/id_rsa.pub",
        "/w/src/environment.rs",
        "/w/src/id_rsa_parser.rs",
        "C:\\work\\a.txt",
        "/data/Ünïcode/файл.txt",
        "/data/100%/x",
        "/data/a...b",
        "/x/keyboard.rs",
        "/x/.github/workflows/ci.yml",
    ]);
    allows("validateFilePathPatterns", &json!({}), &fine);
}

#[test]
fn blocked_patterns_of_the_passport_work_in_every_sense() {
    let limits = json!({ "blocked_patterns": ["private", "*.sqlite", "/var/secret/", "build/**", "\\.bak$", "**/vault/*"] });
    let hit = paths(&[
        "/x/PRIVATE/a",
        "/x/a.sqlite",
        "a.SQLITE",
        "/var/secret/x",
        "/var/secret",
        "/w/build/a/b",
        "/x/a.bak",
        "/a/vault/b",
        "/a/vault/b/c",
    ]);
    denies("validateFilePathPatterns", &limits, &hit, "oap.refused");
    allows(
        "validateFilePathPatterns",
        &limits,
        &paths(&[
            "/x/a.sqlite3x",
            "/x/a.bakery",
            "/var/secrets2/x",
            "/w/rebuild",
        ]),
    );
}

#[test]
fn an_allowed_directory_is_not_its_neighbour_nor_a_part_of_another() {
    let limits = json!({ "allowed_paths": ["/workspace", "/tmp/*", "docs/", "*.md", "C:\\Work"] });
    allows(
        "validateFilePathPatterns",
        &limits,
        &paths(&[
            "/workspace/a",
            "/workspace",
            "/tmp/a/b",
            "docs/a.txt",
            "./docs/a.txt",
            "/any/x.md",
            "c:/work/a",
            "C:\\WORK\\b\\c",
        ]),
    );
    for validator in ["validateFilePathPatterns", "validateWriteBlockedPaths"] {
        denies(
            validator,
            &limits,
            &paths(&[
                "/workspace-evil/a",
                "/x/workspace/a",
                "/home/a.txt",
                "d:/work/a",
                "mydocs/a.txt",
            ]),
            "oap.path_not_allowed",
        );
    }
}

#[test]
fn what_the_system_or_a_shell_runs_is_not_written() {
    let system = paths(&[
        "/etc/hosts",
        "/bin/x",
        "/usr/local/bin/x",
        "/boot/x",
        "/dev/sda",
        "/proc/1/mem",
        "/sys/x",
        "/root/x",
        "/private/etc/hosts",
        "/System/x",
        "C:\\Windows\\System32\\x.dll",
        "c:/program files/x",
        "/home/u/.bashrc",
        "~/.zshrc",
        "/w/.git/hooks/pre-commit",
        "/w/.git/config",
        "/w/.g\u{131}t/hooks/x",
        "/w/.git/modules/x/hooks/pre-commit",
        "/w/GIT~1/hooks/x",
        "/w/bare.git/hooks/x",
        "/home/u/.ba\u{17f}hrc",
        "/home/u/.config/fish/config.fish",
        "/opt/homebrew/bin/x",
        "/home/u/.config/autostart/x",
        "/Users/u/Library/LaunchAgents/x.plist",
        "/ETC/hosts",
        "//etc/hosts",
    ]);
    denies(
        "validateWriteBlockedPaths",
        &json!({ "allowed_paths": ["*"] }),
        &system,
        "oap.refused",
    );
    allows(
        "validateWriteBlockedPaths",
        &json!({}),
        &paths(&[
            "/workspace/etc/hosts",
            "/usr/src/app/x",
            "/w/src/hooks/use.ts",
            "/w/.github/config",
            "/w/config",
            "/var/www/x",
            "/tmp/x",
            "etc/x",
            "/home/u/notes.txt",
            "D:\\data\\x",
        ]),
    );
}

#[test]
fn a_path_reason_names_field_value_and_limit() {
    let decided = Setting::validator(
        "validateWriteBlockedPaths",
        json!({ "blocked_paths": ["/srv/live"] }),
    )
    .decide(&json!({ "file_path": "/srv/live/x" }));
    let reason = &decided.reasons[0];
    let details = reason.details.as_ref().unwrap();
    assert_eq!(
        reason.message,
        "`file_path` /srv/live/x matches the blocked `/srv/live`"
    );
    assert_eq!(
        (details.rule.as_str(), details.field.as_deref()),
        ("the_rule", Some("file_path"))
    );
    assert_eq!(
        (details.actual.clone(), details.limit.clone()),
        (Some(json!("/srv/live/x")), Some(json!("/srv/live")))
    );
}

#[test]
fn extensions_are_compared_without_case_dot_or_tricks() {
    let limits = json!({ "allowed_extensions": [".txt", "md", "*.tar.gz"] });
    for name in ["validateFileExtension", "validateWriteFileExtension"] {
        allows(
            name,
            &limits,
            &paths(&[
                "/a/x.txt",
                "/a/x.TXT",
                "a.md",
                "/a.b/c.md",
                "x.tar.gz",
                "/a/x.exe.txt",
            ]),
        );
        denies(
            name,
            &limits,
            &paths(&[
                "/a/x.exe",
                "/a/txt",
                "/a/x.txt.exe",
                "x.gz",
                "/a.txt/b",
                "/a/x.exe.",
                "/a/x.exe::$DATA",
                "/a/x.txt:evil.exe",
                "/a/x",
            ]),
            "oap.refused",
        );
        denies(name, &limits, &paths(&["/a/x.exe\0.txt"]), "oap.refused");
        allows(name, &json!({}), &paths(&["/a/x.exe"]));
        denies(
            name,
            &json!({ "allowed_extensions": [] }),
            &paths(&["/a/x.txt"]),
            "oap.refused",
        );
        denies(
            name,
            &json!({ "blocked_extensions": ["exe"] }),
            &paths(&["/a/x.EXE"]),
            "oap.refused",
        );
        allows(
            name,
            &json!({ "allowed_extensions": ["*"] }),
            &paths(&["/a/x", "/a/x.y"]),
        );
        denies(
            name,
            &json!({ "allowed_extensions": 7 }),
            &paths(&["/a/x"]),
            "oap.policy_error",
        );
    }
}

#[test]
fn a_path_that_climbs_is_refused_once_and_by_whichever_rule_is_there() {
    let rule = |name: &str, validator: &str, code: &str| json!({ "name": name, "type": "custom_validator", "validator": validator, "deny_code": code });
    let paths = rule("paths", "validateFilePathPatterns", "oap.blocked_pattern");
    let endings = rule(
        "endings",
        "validateFileExtension",
        "oap.extension_not_allowed",
    );
    let setting = |rules: &[&Value]| {
        let pack = json!({ "id": "acme.file.get.v1", "requires_capabilities": ["acme.file"], "evaluation_rules": rules });
        Setting::new(
            pack,
            json!({ "acme.file": { "allowed_extensions": ["md"] } }),
        )
    };
    let both = setting(&[&paths, &endings]);
    let alone = setting(&[&endings]);
    let mut waived = setting(&[&paths, &endings]);
    waived.pack = waived.pack.with_waived("paths").unwrap();
    for path in ["/workspace/../x", "/workspace/../x.md", "/w/a\u{200b}.md"] {
        let context = json!({ "file_path": path });
        assert_eq!(
            codes(&both.decide(&context)),
            ["oap.blocked_pattern"],
            "{path}"
        );
        assert_eq!(
            codes(&alone.decide(&context)),
            ["oap.extension_not_allowed"],
            "{path}"
        );
        assert_eq!(
            codes(&waived.decide(&context)),
            ["oap.extension_not_allowed"],
            "{path}"
        );
    }
    let context = json!({ "file_path": "/w/x.sh" });
    assert_eq!(codes(&both.decide(&context)), ["oap.extension_not_allowed"]);
}

#[test]
fn system_folders_of_windows_and_hooks_are_not_written_in_any_spelling() {
    let name = "validateWriteBlockedPaths";
    denies(
        name,
        &json!({}),
        &paths(&[
            "/mnt/c/Windows/x",
            "/mnt/d/Program Files/x",
            "/cygdrive/c/windows/x",
            "/c/Windows/x",
            "\\c\\Windows\\x",
            ".husky/pre-commit",
            "/w/.husky/_/husky.sh",
        ]),
        "oap.refused",
    );
    denies(
        "validateBlockedPatterns",
        &json!({ "allowed_commands": ["*"] }),
        &[
            json!({ "command": "cp x /mnt/c/Windows/y" }),
            json!({ "command": "echo x > .husky/pre-commit" }),
        ],
        "oap.refused",
    );
    allows(
        name,
        &json!({}),
        &paths(&[
            "/mnt/c/work/windows/x",
            "/c/src/x",
            "/mnt/data/windows/x",
            "c/Windows/x",
            "/w/husky/x",
        ]),
    );
}
