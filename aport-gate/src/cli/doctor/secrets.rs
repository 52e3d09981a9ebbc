//! What of a client's configuration nobody may read: in no answer, and better not in the file either.

/// A shorter one is part of too many honest words, and keeps nobody out.
const SHORTEST: usize = 4;
const HIDDEN: &str = "[hidden]";
/// What names of secrets end with.
const ENDINGS: [&str; 8] = [
    "KEY",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PAT",
    "CREDENTIALS",
    "HEADERS",
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
    let (_, rest) = value.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    // A password may hold an `@` that somebody forgot to escape.
    let (user, _) = authority.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    Some(password).filter(|password| !password.is_empty())
}

/// The secrets that a program is started with.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Those among variables and arguments.
    pub(super) fn of<'a>(
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
        arguments: &'a [String],
    ) -> Self {
        let mut secrets = Self::default();
        for (name, value) in variables {
            secrets.add(is_secret(name).then_some(value));
            secrets.add(password(value));
        }
        let mut named = false;
        for argument in arguments {
            secrets.add(named.then_some(argument));
            secrets.add(password(argument));
            let (option, value) = match argument.split_once('=') {
                Some((option, value)) => (option, Some(value)),
                None => (argument.as_str(), None),
            };
            let holds = option.starts_with('-') && is_secret(option);
            secrets.add(value.filter(|_| holds));
            named = holds && value.is_none();
        }
        // One that holds another goes as a whole.
        secrets
            .0
            .sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
    }

    fn add(&mut self, secret: Option<&str>) {
        let secret = secret.map(str::trim);
        if let Some(secret) = secret.filter(|secret| secret.len() >= SHORTEST) {
            self.0.push(secret.to_owned());
        }
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
        let secrets = Secrets::of(variables, &arguments);
        let text = "hunter2-long hunter2 hunt@er3 hunter4 hunter5 plain /home/me";
        let shown = secrets.hidden_in(text);
        assert!(!shown.contains("hunt"), "{shown}");
        assert!(shown.ends_with("plain /home/me"), "{shown}");
    }
}
