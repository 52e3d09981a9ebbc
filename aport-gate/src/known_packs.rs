//! The packs that a gate knows: those in force, and those that its tools bring.

use std::sync::Arc;

use aport_gate_oap::{OperatorOptions, Pack, PackId};

use crate::packs::{LoadedPack, PackSet, PackStore};
use crate::tool_pack::{BroughtPacks, PackMismatch, ToolPack};

pub(crate) struct KnownPacks {
    store: PackStore,
    brought: BroughtPacks,
}

impl KnownPacks {
    pub(crate) fn new(store: PackStore) -> Self {
        Self {
            store,
            brought: BroughtPacks::default(),
        }
    }

    pub(crate) fn current(&self) -> Arc<PackSet> {
        self.store.current()
    }

    pub(crate) fn problem(&self) -> Option<Arc<str>> {
        self.store.problem()
    }

    /// The pack that decides about a tool, and what the operator changed in its reading.
    pub(crate) fn pack(
        &self,
        tool: &ToolPack,
    ) -> Result<(Arc<Pack>, Option<OperatorOptions>), PackMismatch> {
        let packs = self.store.current();
        let id = PackId::parse(tool.id).ok();
        let loaded = id.and_then(|id| packs.get(&id));
        let pack = self.brought.enforced(tool, loaded.map(LoadedPack::pack))?;
        Ok((pack, loaded.and_then(LoadedPack::operator_options).cloned()))
    }
}
