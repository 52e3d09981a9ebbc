//! Packs as a command names them: a file, or the id of a pack that servers decide by.

use std::path::Path;

use aport_gate_oap::{OperatorOptions, Pack, PackId};

use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::file;
use crate::packs::{PackOrigin, PackSet};

/// A pack, and what the operator changed in its reading.
pub(in crate::cli) struct Source {
    pub(in crate::cli) pack: Pack,
    pub(in crate::cli) options: Option<OperatorOptions>,
    /// Where it comes from, in words.
    pub(in crate::cli) origin: String,
}

/// Reads the pack that `name` means: a file of this name, else the pack of this id that is embedded
/// or lies in `APORT_HOME/packs`.
pub(in crate::cli) fn source(name: &str) -> Result<Source, Failure> {
    let path = Path::new(name);
    if !path.exists() {
        let packs = set()?;
        let found = PackId::parse(name).ok().and_then(|id| packs.get(&id));
        let loaded = found.ok_or_else(|| {
            let known: Vec<&str> = packs.iter().map(|one| one.pack().id().as_str()).collect();
            Failure::new(format!(
                "`{name}` is neither a file nor a known pack; the packs are {}",
                known.join(", ")
            ))
            .hint("put the pack into APORT_HOME/packs, or give its file")
        })?;
        return Ok(Source {
            pack: Pack::clone(loaded.pack()),
            options: loaded.operator_options().cloned(),
            origin: origin(loaded.origin()),
        });
    }
    let pack = Pack::parse(&file::as_it_is(path)?).map_err(|error| {
        Failure::new(format!("policy pack `{name}` does not load: {error}"))
            .hint(format!("aport-gate policy check {name}"))
    })?;
    Ok(Source {
        pack,
        options: None,
        origin: name.to_owned(),
    })
}

/// The packs that a server with this environment decides by.
pub(in crate::cli) fn set() -> Result<PackSet, Failure> {
    let home = Environment::read()?.home;
    PackSet::from_home(&home).map_err(|error| match error {
        crate::Error::Pack { .. } => Failure::from(error).hint(format!(
            "aport-gate policy check {}",
            home.join("packs").join("*.json").display()
        )),
        other => Failure::from(other),
    })
}

pub(super) fn origin(origin: &PackOrigin) -> String {
    match origin {
        PackOrigin::Embedded => "embedded".to_owned(),
        PackOrigin::File(path) => path.display().to_string(),
        other => other.to_string(),
    }
}
