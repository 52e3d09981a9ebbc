//! Packs as a command names them: a file, or the id of a pack that is there anyway.

use std::path::Path;

use aport_gate_oap::{Pack, PackId, embedded_packs};

use crate::cli::failure::Failure;
use crate::cli::file;

/// Reads the pack that `name` means: a file of this name, else the pack of this id.
pub(super) fn pack(name: &str) -> Result<Pack, Failure> {
    let path = Path::new(name);
    if !path.exists()
        && let Ok(id) = PackId::parse(name)
    {
        let embedded = embedded_packs()
            .iter()
            .find(|(embedded, _)| *embedded == id.as_str());
        let (_, json) = embedded.ok_or_else(|| {
            Failure::new(format!("`{name}` is neither a file nor an embedded pack"))
                .hint("give the pack's file")
        })?;
        return parse(name, json);
    }
    parse(&path.display().to_string(), &file::read(path)?)
}

fn parse(name: &str, json: &[u8]) -> Result<Pack, Failure> {
    Pack::parse(json).map_err(|error| {
        Failure::new(format!("policy pack `{name}` does not load: {error}"))
            .hint(format!("aport-gate policy check {name}"))
    })
}
