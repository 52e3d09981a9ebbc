//! Which client reads a configuration, as far as the file tells: by its name, place and shape.

use std::path::Path;

/// A client that reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    ClaudeCode,
    ClaudeDesktop,
    Cline,
    VsCode,
    Unknown,
}

impl Reader {
    /// By the file; where that does not tell, by the key that the servers stand under.
    pub(super) fn of(file: &Path, key: &str) -> Self {
        let name = |path: Option<&Path>| -> String {
            let name = path.and_then(Path::file_name).unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let folder = name(file.parent());
        match name(Some(&file)).as_str() {
            "claude_desktop_config.json" => Self::ClaudeDesktop,
            "cline_mcp_settings.json" => Self::Cline,
            "mcp.json" if folder == ".vscode" || folder == "User" => Self::VsCode,
            ".claude.json" => Self::ClaudeCode,
            name if name.ends_with(".mcp.json") => Self::ClaudeCode,
            _ if key == "servers" => Self::VsCode,
            _ => Self::Unknown,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeDesktop => "Claude Desktop",
            Self::Cline => "Cline",
            Self::VsCode => "VS Code",
            Self::Unknown => "the client",
        }
    }

    /// The key that it reads servers from; none where that is not known.
    pub(super) fn key(self) -> Option<&'static str> {
        match self {
            Self::ClaudeCode | Self::ClaudeDesktop | Self::Cline => Some("mcpServers"),
            Self::VsCode => Some("servers"),
            Self::Unknown => None,
        }
    }

    /// Whether it fills in `${named}`, if only it has a value for it.
    pub(super) fn fills_in(self, named: &str) -> bool {
        let of_vs_code = || {
            let (kind, rest) = named.split_once(':').unwrap_or((named, ""));
            match kind {
                "userHome"
                | "workspaceFolder"
                | "workspaceFolderBasename"
                | "pathSeparator"
                | "/" => true,
                "env" | "input" | "command" | "config" => !rest.is_empty(),
                _ => false,
            }
        };
        let of_claude_code = || {
            let name = named.split_once(":-").map_or(named, |(name, _)| name);
            // Variables by these names are nobody's; what they mean to VS Code they do not mean here.
            if of_vs_code() {
                return false;
            }
            let mut letters = name.chars();
            letters
                .next()
                .is_some_and(|first| first == '_' || first.is_ascii_alphabetic())
                && letters.all(|letter| letter == '_' || letter.is_ascii_alphanumeric())
        };
        match self {
            Self::VsCode => of_vs_code(),
            Self::ClaudeCode => of_claude_code(),
            Self::ClaudeDesktop | Self::Cline => false,
            Self::Unknown => of_vs_code() || of_claude_code(),
        }
    }

    /// What to write instead of something that it does not fill in.
    pub(super) fn instead(self) -> &'static str {
        match self {
            Self::ClaudeCode => "it fills in `${NAME}` and `${NAME:-default}`",
            Self::VsCode => {
                "it fills in `${env:NAME}`, `${userHome}`, `${workspaceFolder}` and `${input:id}`"
            }
            Self::ClaudeDesktop | Self::Cline | Self::Unknown => {
                "it fills in nothing: write the value itself"
            }
        }
    }
}
