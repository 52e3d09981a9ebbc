//! What of a client's configuration nobody may read: in no answer, and better not in the file either.

use serde_json::Value;

/// A shorter one is part of too many honest words, and keeps nobody out.
const SHORTEST: usize = 4;
const HIDDEN: &str = "[hidden]";
/// What names of secrets end with.
const ENDINGS: [&str; 14] = [
    "AUTH",
    "AUTHORIZATION",
    "COOKIE",
    "CREDENTIALS",
    "DSN",
    "HEADERS",
    "KEY",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PAT",
    "SECRET",
    "TOKEN",
];
/// Variables whose values are no secret, and help who reads a log.
const HARMLESS: [&str; 20] = [
    "APORT_AGENT_ID",
    "APORT_ALLOW_HTTP",
    "APORT_BASE_URL",
    "APORT_CACHE",
    "APORT_CACHE_SECONDS",
    "APORT_CA_FILE",
    "APORT_HOME",
    "APORT_JWKS_FILE",
    "APORT_KEY_RETENTION_DAYS",
    "APORT_MODE",
    "APORT_SECURITY",
    "APORT_SIGN_DECISIONS",
    "APORT_TIMEOUT_MS",
    "HOME",
    "LANG",
    "PATH",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "TERM",
    "USER",
];
/// Values that are no secret whatever they are called, and words of every log.
const WORDS: [&str; 9] = [
    "debug", "error", "false", "info", "none", "stdio", "trace", "true", "warn",
];

/// Whether a variable or an option of this name holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let last = name.rsplit(['_', '-']).next().unwrap_or_default();
    ENDINGS
        .iter()
        .any(|ending| last.eq_ignore_ascii_case(ending))
}

/// The password in a URL.
pub(super) fn password(value: &str) -> Option<&str> {
    let (_, password) = user(value)?.split_once(':')?;
    Some(password).filter(|password| !password.is_empty())
}

/// Who a URL is for: a name and a password, or a token.
fn user(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    // A password may hold an `@` that somebody forgot to escape.
    authority.rsplit_once('@').map(|(user, _)| user)
}

/// The secrets that a program is started with.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Those among variables and arguments, and what the client filled in: a program may log all of it.
    pub(super) fn of<'a>(
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
        arguments: &[String],
        filled_in: &[String],
    ) -> Self {
        let mut secrets = Self::default();
        for value in filled_in {
            secrets.value(value);
        }
        for (name, value) in variables {
            secrets.named(name, value);
        }
        let mut is_next = false;
        for argument in arguments {
            if is_next {
                secrets.value(argument);
            }
            is_next = secrets.argument(argument);
        }
        // One that holds another goes as a whole.
        secrets
            .0
            .sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.0.dedup();
        secrets
    }

    /// The value of a variable.
    fn named(&mut self, name: &str, value: &str) {
        if HARMLESS.contains(&name) || WORDS.contains(&value) {
            self.in_url(value);
        } else {
            self.value(value);
        }
    }

    /// An argument; whether the next one is its secret.
    fn argument(&mut self, argument: &str) -> bool {
        self.in_url(argument);
        // A header.
        if let Some((name, value)) = argument.split_once(':')
            && !value.starts_with("//")
            && is_secret(name.trim().trim_start_matches('-'))
        {
            self.value(value);
        }
        let mut is_next = false;
        // A command for a shell holds several.
        for word in argument.split_whitespace() {
            let Some((name, value)) = word.split_once('=') else {
                is_next = word.starts_with('-') && is_secret(word);
                continue;
            };
            let value = value.trim_matches(['"', '\'']);
            if name.starts_with('-') && !is_secret(name) {
                // `--env=NAME=value`, `--header=Name:value`
                self.argument(value);
            } else {
                self.named(name.trim_start_matches('-'), value);
            }
        }
        is_next && !argument.contains(char::is_whitespace)
    }

    /// A value that is a secret, in the forms in which a log has it.
    fn value(&mut self, value: &str) {
        self.add(value);
        self.in_url(value);
        // A hook's address is its own password.
        if let Some((_, rest)) = value.split_once("://")
            && let Some((_, path)) = rest.split_once('/')
        {
            self.add(path);
        }
        for line in value.lines() {
            self.add(line);
        }
        // `Bearer …`, and `name=value,name=value` of headers.
        for part in value.split([',', ';', '\n']) {
            let part = part.split_once(['=', ':']).map_or(part, |(_, value)| value);
            self.scheme(part.trim());
        }
        if let Ok(json @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(value) {
            self.leaves(&json);
        }
    }

    fn scheme(&mut self, value: &str) {
        if let Some((scheme, secret)) = value.split_once(' ')
            && ["bearer", "basic", "token"].contains(&scheme.to_ascii_lowercase().as_str())
        {
            self.add(secret);
        } else if !value.starts_with("//") {
            self.add(value);
        }
    }

    fn leaves(&mut self, json: &Value) {
        match json {
            Value::String(text) => self.add(text),
            Value::Array(values) => values.iter().for_each(|value| self.leaves(value)),
            Value::Object(fields) => fields.values().for_each(|value| self.leaves(value)),
            _ => {}
        }
    }

    /// What of a URL is nobody's business: who it is for, and its query.
    fn in_url(&mut self, value: &str) {
        if let Some(user) = user(value) {
            self.add(user);
            user.split_once(':')
                .into_iter()
                .for_each(|(_, password)| self.add(password));
        }
        if let Some((_, rest)) = value.split_once("://")
            && let Some((_, query)) = rest.split_once(['?', '#'])
        {
            self.add(query);
            for pair in query.split(['&', '#']) {
                self.add(pair.split_once('=').map_or(pair, |(_, value)| value));
            }
        }
    }

    fn add(&mut self, secret: &str) {
        let secret = secret.trim();
        if secret.len() < SHORTEST || WORDS.contains(&secret) {
            return;
        }
        let within = |quoted: &str| {
            let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
            Some(inner.to_owned())
        };
        // As JSON and Rust write it into a log.
        let json = serde_json::to_string(secret).ok();
        let escaped = [
            json.as_deref().and_then(within),
            within(&format!("{secret:?}")),
        ];
        self.0.push(secret.to_owned());
        self.0
            .extend(escaped.into_iter().flatten().filter(|form| form != secret));
    }

    /// The text without them.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        let replaced = |text: String, secret: &String| text.replace(secret.as_str(), HIDDEN);
        self.0.iter().fold(text.to_owned(), replaced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_the_names_of_what_holds_them() {
        for (name, secret) in [
            ("APORT_API_KEY", true),
            ("GITHUB_TOKEN", true),
            ("STRIPE_API_KEY", true),
            ("--api-key", true),
            ("DB_PASS", true),
            ("X_AUTH", true),
            ("APORT_KEY_RETENTION_DAYS", false),
            ("APORT_JWKS_FILE", false),
            ("--token-env", false),
            ("PATH", false),
        ] {
            assert_eq!(is_secret(name), secret, "{name}");
        }
    }

    #[test]
    fn nothing_of_them_is_left_in_a_text() {
        let variables = [
            ("GITHUB_TOKEN", "hunter2-long"),
            ("STRIPE_API_KEY", "hunter2"),
            ("APORT_DATABASE_URL", "postgres://me:hunt@er3@db/gate"),
            ("APORT_HOME", "/home/me"),
        ];
        let arguments = ["--token", "hunter4", "--x-secret=hunter5", "plain"].map(str::to_owned);
        let secrets = Secrets::of(variables, &arguments, &[]);
        let text = "hunter2-long hunter2 hunt@er3 hunter4 hunter5 plain /home/me";
        let shown = secrets.hidden_in(text);
        assert!(!shown.contains("hunt"), "{shown}");
        assert!(shown.ends_with("plain /home/me"), "{shown}");
    }

    #[test]
    fn no_variable_shows_its_value_but_the_harmless_ones() {
        for (name, value, logged) in [
            ("ANYTHING", "hunter2", "got hunter2"),
            ("AUTHORIZATION", "Bearer hunter2", "credentials hunter2"),
            ("HOOK", "https://h.example/T0/hunter2", "POST /T0/hunter2"),
            (
                "APORT_BASE_URL",
                "https://hunter2@h.example",
                "user hunter2",
            ),
            (
                "APORT_BASE_URL",
                "https://h.example/?k=hunter2",
                "k is hunter2",
            ),
            (
                "PRIVATE_KEY",
                "-----BEGIN-----\nhunter2\n-----END-----",
                "hunter2",
            ),
            ("API_KEY", "hun\"ter2", r#"{"key":"hun\"ter2"}"#),
            ("OTEL_HEADERS", "a=hunter1,b=hunter2", "hunter2"),
            ("SERVICE", r#"{"key":"hunter2"}"#, "hunter2"),
        ] {
            let shown = Secrets::of([(name, value)], &[], &[]).hidden_in(logged);
            assert!(
                !shown.contains("hun") && shown.contains(HIDDEN),
                "{name}: {shown}"
            );
        }
        let plain = [("APORT_MODE", "local"), ("VERBOSE", "true")];
        assert_eq!(
            Secrets::of(plain, &[], &[]).hidden_in("local true"),
            "local true"
        );
    }

    #[test]
    fn arguments_show_no_variables_headers_and_addresses() {
        for arguments in [
            &["run", "-e", "GITHUB_TOKEN=hunter2"][..],
            &["run", "-eGITHUB_TOKEN=hunter2"],
            &["run", "--env=ANYTHING=hunter2"],
            &["--header", "Authorization: Bearer hunter2"],
            &["--header=Authorization:hunter2"],
            &["https://hunter2@h.example"],
            &["https://h.example/?token=hunter2"],
            &["-c", "DB=hunter2 exec server"],
        ] {
            let arguments: Vec<String> = arguments.iter().map(|&part| part.to_owned()).collect();
            let shown = Secrets::of([], &arguments, &[]).hidden_in("run: hunter2");
            assert_eq!(shown, "run: [hidden]", "{arguments:?}");
        }
        let filled_in = ["hunter2".to_owned()];
        assert_eq!(
            Secrets::of([], &[], &filled_in).hidden_in("hunter2"),
            HIDDEN
        );
    }
}
