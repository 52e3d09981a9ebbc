//! The places in a client's configuration that the client fills in.

use std::path::{Path, PathBuf};

/// A value after what clients fill in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Filled {
    Is(String),
    /// The client asks a person for it.
    Asked,
    /// Some `${…}` that has no value here.
    Not,
}

/// The folder that a client of this configuration has open: that of `.mcp.json`, and that around
/// `.vscode/mcp.json`. Other clients have none.
pub(super) fn workspace(file: &Path) -> Option<PathBuf> {
    let file = std::path::absolute(file).ok()?;
    let folder = file.parent()?;
    if file.file_name()? == ".mcp.json" {
        return Some(folder.to_owned());
    }
    let of_vs_code = file.file_name()? == "mcp.json" && folder.file_name()? == ".vscode";
    of_vs_code.then(|| folder.parent().map(Path::to_owned))?
}

/// Fills in what VS Code (`${userHome}`, `${workspaceFolder}`, `${env:NAME}`, `${input:…}`) and Claude Code
/// (`${NAME}`, `${NAME:-default}`) do.
pub(super) fn filled(text: &str, workspace: Option<&Path>) -> Filled {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            return Filled::Not;
        };
        if name.starts_with("input:") {
            return Filled::Asked;
        }
        let name = name.strip_prefix("env:").unwrap_or(name);
        let (name, default) = name
            .split_once(":-")
            .map_or((name, None), |(name, default)| (name, Some(default)));
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let value = match name {
            "userHome" => etcetera::home_dir().ok().as_deref().map(path),
            "workspaceFolder" => workspace.map(path),
            "/" | "pathSeparator" => Some(std::path::MAIN_SEPARATOR.to_string()),
            name => std::env::var(name).ok(),
        };
        let Some(value) = value.or_else(|| default.map(str::to_owned)) else {
            return Filled::Not;
        };
        whole.push_str(before);
        whole.push_str(&value);
        rest = after;
    }
    whole.push_str(rest);
    Filled::Is(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_that_is_open_is_known_by_where_the_file_lies() {
        let root = std::env::temp_dir();
        let open = root.join("shop");
        for (file, folder) in [
            ("shop/.mcp.json", Some(&open)),
            ("shop/.vscode/mcp.json", Some(&open)),
            ("shop/mcp.json", None),
            ("shop/claude_desktop_config.json", None),
        ] {
            assert_eq!(workspace(&root.join(file)).as_ref(), folder, "{file}");
        }
        let text = "${workspaceFolder}/home";
        let there = format!("{}/home", open.display());
        assert_eq!(filled(text, Some(&open)), Filled::Is(there));
        assert_eq!(filled(text, None), Filled::Not);
    }
}
