//! The pack that a tool's contract was checked against, and which pack a gate enforces for it.
//!
//! A pack given with `pack_file` is part of the program: it need not be installed anywhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aport_gate_oap::{Digest, Pack, PackError, PackId};

/// What the attribute says about the pack of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolPack {
    /// Id of the pack; checked when the attribute expands.
    pub id: &'static str,
    /// Digest of the pack that the tool's contract was checked against; none with `unchecked`.
    pub digest: Option<&'static str>,
    /// The pack itself, where it came with `pack_file`.
    pub json: Option<&'static [u8]>,
}

/// Why a gate does not enforce the pack that a tool was checked against.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackMismatch {
    /// The gate has no pack of this id, and the tool brings none.
    #[error("this gate does not have policy pack `{0}`")]
    Unknown(String),
    /// The gate has another pack of this id.
    #[error(
        "this gate has another policy pack `{id}` than the tool was checked against ({found}, not {checked}): rebuild the program with the pack that is in force, or put back the other"
    )]
    Differs {
        /// The id of both.
        id: String,
        /// Digest of the pack that the tool was checked against.
        checked: String,
        /// Digest of the pack that the gate has.
        found: Digest,
    },
    /// The pack that the tool brings does not load.
    #[error("policy pack `{id}` does not load: {source}")]
    Broken {
        /// The id.
        id: String,
        /// Why.
        source: PackError,
    },
}

/// The packs that tools brought to one gate, by id.
#[derive(Debug, Default)]
pub(crate) struct BroughtPacks(Mutex<HashMap<PackId, Arc<Pack>>>);

impl BroughtPacks {
    /// The pack to enforce for a tool: the gate's own, `installed`, or the one that the tool brings. Where
    /// the tool was checked, its digest has to be the one it was checked against.
    pub(crate) fn enforced(
        &self,
        tool: &ToolPack,
        installed: Option<&Arc<Pack>>,
    ) -> Result<Arc<Pack>, PackMismatch> {
        let id = || tool.id.to_owned();
        let pack = match installed {
            Some(pack) => Arc::clone(pack),
            None => self.brought(tool)?,
        };
        let Some(checked) = tool.digest else {
            return Ok(pack);
        };
        match Digest::parse(checked) {
            Ok(checked) if checked == pack.digest() => Ok(pack),
            _ => Err(PackMismatch::Differs {
                id: id(),
                checked: checked.to_owned(),
                found: pack.digest(),
            }),
        }
    }

    fn brought(&self, tool: &ToolPack) -> Result<Arc<Pack>, PackMismatch> {
        let unknown = || PackMismatch::Unknown(tool.id.to_owned());
        let id = PackId::parse(tool.id).map_err(|_| unknown())?;
        let mut packs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The first of an id stays: two tools of one gate cannot have two packs of one name.
        if let Some(pack) = packs.get(&id) {
            return Ok(Arc::clone(pack));
        }
        let pack = match Pack::parse(tool.json.ok_or_else(unknown)?) {
            Ok(pack) if *pack.id() == id => Arc::new(pack),
            Ok(_) => return Err(unknown()),
            Err(source) => {
                return Err(PackMismatch::Broken {
                    id: tool.id.to_owned(),
                    source,
                });
            }
        };
        packs.insert(id, Arc::clone(&pack));
        Ok(pack)
    }
}
