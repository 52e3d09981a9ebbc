//! The places in a client's configuration that the client fills in.

use std::path::{Path, PathBuf};

use super::reader::Reader;

/// A value after what clients fill in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Filled {
    Is(String),
    /// The client asks a person for it, or works it out itself.
    Asked,
    /// Some `${…}` that has no value here.
    Not,
    /// Some `${…}` that this client never fills in.
    Never(String),
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

/// Fills in what the client that reads it does: VS Code `${userHome}`, `${workspaceFolder}`, `${env:NAME}` and
/// `${input:…}`, Claude Code `${NAME}` and `${NAME:-default}`, others nothing. What came from the environment is
/// put to `taken`.
pub(super) fn filled(
    text: &str,
    reader: Reader,
    workspace: Option<&Path>,
    taken: &mut Vec<String>,
) -> Filled {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((named, after)) = after.split_once('}') else {
            return Filled::Not;
        };
        if !reader.fills_in(named) {
            return Filled::Never(format!("${{{named}}}"));
        }
        if named.starts_with("input:") || named.starts_with("command:") {
            return Filled::Asked;
        }
        let name = named.strip_prefix("env:").unwrap_or(named);
        let (name, default) = name
            .split_once(":-")
            .map_or((name, None), |(name, default)| (name, Some(default)));
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let value = match name {
            "userHome" => etcetera::home_dir().ok().as_deref().map(path),
            "workspaceFolder" => workspace.map(path),
            "/" | "pathSeparator" => Some(std::path::MAIN_SEPARATOR.to_string()),
            name => std::env::var(name).ok().inspect(|value| {
                if !["HOME", "USER", "USERPROFILE", "PATH"].contains(&name) {
                    taken.push(value.clone());
                }
            }),
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
        let filled = |open| filled(text, Reader::VsCode, open, &mut Vec::new());
        assert_eq!(filled(Some(&open)), Filled::Is(there));
        assert_eq!(filled(None), Filled::Not);
    }

    #[test]
    fn each_client_fills_in_its_own_forms_and_no_other() {
        use Reader::{ClaudeCode, ClaudeDesktop, Cline, Unknown, VsCode};
        for (text, by) in [
            ("${PATH}", &[ClaudeCode, Unknown][..]),
            ("${APORT_NOT_SET:-x}", &[ClaudeCode, Unknown]),
            ("${env:PATH}", &[VsCode, Unknown]),
            ("${userHome}", &[VsCode, Unknown]),
            ("${input:key}", &[VsCode, Unknown]),
            (
                "plain",
                &[ClaudeCode, ClaudeDesktop, Cline, Unknown, VsCode],
            ),
        ] {
            for reader in [ClaudeCode, ClaudeDesktop, Cline, Unknown, VsCode] {
                let found = filled(text, reader, None, &mut Vec::new());
                let never = found == Filled::Never(text.to_owned());
                assert_eq!(never, !by.contains(&reader), "{text} {reader:?}: {found:?}");
            }
        }
    }
}
