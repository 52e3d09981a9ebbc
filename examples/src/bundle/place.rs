//! Where a bundle will be published.

use url::Url;

/// An address from which clients of an MCP registry can fetch a bundle.
///
/// # Errors
/// What is wrong with it.
pub(super) fn published(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("it is no URL: {error}"))?;
    if url.scheme() != "https" {
        return Err(
            "it has to begin with `https://`: clients start what they fetch there".to_owned(),
        );
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name or password, which everybody would read".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it has to end with its path: no `?` and no `#`".to_owned());
    }
    let is_name = |name: &str| name.len() > ".mcpb".len() && name.ends_with(".mcpb");
    if !url.path().rsplit('/').next().is_some_and(is_name) {
        return Err(
            "it has to be that of the file itself, such as `https://github.com/OWNER/REPOSITORY/releases/download/v1.0.0/aport-gate.mcpb`"
                .to_owned(),
        );
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_https_address_of_a_bundle_and_nothing_else() {
        assert!(published("https://example.com/v1/aport-gate.mcpb").is_ok());
        for (text, part) in [
            ("aport-gate.mcpb", "no URL"),
            ("http://example.com/a.mcpb", "https://"),
            ("file:///tmp/a.mcpb", "https://"),
            ("https://me:hunter2@example.com/a.mcpb", "password"),
            ("https://example.com/a.mcpb?token=hunter2", "`?`"),
            ("https://example.com/a.mcpb#x", "`#`"),
            ("https://example.com/", "file itself"),
            ("https://example.com/.mcpb", "file itself"),
            ("https://example.com/a.zip", "file itself"),
        ] {
            let problem = published(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }
}
