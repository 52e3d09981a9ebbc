//! An MCP bundle (`.mcpb`) of the server: what a desktop client installs with a click.

mod archive;
mod manifest;
mod place;
mod program;
mod server_json;
mod whole;

use std::path::{Path, PathBuf};

use clap::Parser;
use serde_json::json;
use url::Url;

use crate::RunError;
use crate::server_process::locate;
use whole::Whole;

/// Build a bundle of the server for this kind of machine, to be installed by a click in Claude Desktop.
///
/// The form that its user fills in sets mode, registry, API key, agent and home.
#[derive(Debug, Parser)]
#[command(name = "aport-gate-bundle", version)]
pub struct BundleCli {
    /// The bundle to write.
    #[arg(long, value_name = "FILE", default_value = "aport-gate.mcpb")]
    pub output: PathBuf,
    /// Server to put into it, instead of the one beside this program: an `aport-gate-server` of this version and
    /// for this kind of machine, which is asked for its version.
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// Where the bundle will be published, the `https:` address of the file itself: writes a `server.json` for
    /// an MCP registry beside it.
    #[arg(long, value_name = "URL", value_parser = place::published)]
    pub publish_at: Option<Url>,
    /// JSON for machines instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Builds what was asked for, and tells where it is.
///
/// # Errors
/// There is no server to put into it, or a file cannot be written; then nothing is.
pub async fn build(cli: &BundleCli) -> Result<String, RunError> {
    let entry = cli.output.with_file_name("server.json");
    if cli.publish_at.is_some() && cli.output == entry {
        return Err(RunError::NotForBundle {
            path: entry,
            problem: "`--output` has the name of the entry that is written beside it".to_owned(),
        });
    }
    let server = locate(cli.server.as_deref()).await?;
    let program = program::read(&server).await?;
    let bundle = archive::pack(&cli.output, &manifest::manifest(), &program)?;
    let sha256 = archive::sha256(&bundle);
    let written = Whole::write(&cli.output, &bundle)?;
    let mut published = None;
    if let Some(url) = &cli.publish_at {
        let document = server_json::document(url, &sha256);
        let document = format!("{document:#}\n");
        published = Some((Whole::write(&entry, document.as_bytes())?, entry));
    }
    written.place()?;
    let published = match published {
        Some((written, entry)) => {
            written.place()?;
            Some(entry)
        }
        None => None,
    };
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
