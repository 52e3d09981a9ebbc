//! The packs that a gate decides by: where they come from, what the operator changed in their
//! reading, and how changes on disk take effect.

mod folder;
mod options;
mod set;
mod store;
#[cfg(test)]
mod tests;

pub use options::PackOptions;
pub use set::{LoadedPack, PackOrigin, PackSet};

pub(crate) use folder::PACK_FOLDER;
pub(crate) use set::Given;
pub(crate) use store::{LOOK_EVERY, PackStore};
