//! An MCP bundle (`.mcpb`) of the server: what a desktop client installs with a click.

mod archive;
mod manifest;
mod server_json;

use std::path::{Path, PathBuf};

use clap::Parser;
use serde_json::json;
use url::Url;

use crate::RunError;
use crate::server_process::locate;

/// Build a bundle of the server for this kind of machine, to be installed by a click in Claude Desktop.
///
/// The form that its user fills in sets mode, registry, API key, agent and home.
#[derive(Debug, Parser)]
#[command(name = "aport-gate-bundle", version)]
pub struct BundleCli {
    /// The bundle to write.
    #[arg(long, value_name = "FILE", default_value = "aport-gate.mcpb")]
    pub output: PathBuf,
    /// Server to put into it, instead of the one beside this program.
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// Where the bundle will be published: writes a `server.json` for an MCP registry beside it.
    #[arg(long, value_name = "URL")]
    pub publish_at: Option<Url>,
    /// JSON for machines instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Builds what was asked for, and tells where it is.
///
/// # Errors
/// There is no server to put into it, or a file cannot be written.
pub async fn build(cli: &BundleCli) -> Result<String, RunError> {
    let server = locate(cli.server.as_deref()).await?;
    let program = std::fs::read(&server).map_err(file("read", &server))?;
    let manifest = manifest::manifest();
    let sha256 = archive::write(&cli.output, &manifest, &program)?;
    let mut published = None;
    if let Some(url) = &cli.publish_at {
        let path = cli.output.with_file_name("server.json");
        let document = server_json::document(url, &sha256);
        std::fs::write(&path, format!("{document:#}\n")).map_err(file("write", &path))?;
        published = Some(path);
    }
    if cli.json {
        return Ok(json!({
            "bundle": cli.output, "sha256": sha256, "server": server, "server_json": published,
        })
        .to_string());
    }
    let mut lines = format!(
        "wrote {} with {}\nsha256 {sha256}",
        cli.output.display(),
        server.display()
    );
    if let Some(path) = published {
        lines.push_str(&format!("\nwrote {}", path.display()));
    }
    Ok(lines)
}

fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> RunError {
    let path = path.to_owned();
    move |source| RunError::File {
        action,
        path,
        source,
    }
}
