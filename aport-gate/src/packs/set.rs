//! A checked set of packs: it loads as a whole, or not at all.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aport_gate_oap::{Absent, OperatorOptions, Pack, PackId, embedded_packs};

use super::folder::{PACK_FOLDER, Snapshot, options_path};
use super::options::{self, PackOptions};
use crate::error::{Error, Result};

/// Where a pack comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PackOrigin {
    /// It is part of this crate.
    Embedded,
    /// It was given in code; the number counts the calls of `Gate::builder().pack(…)`, from 1.
    Builder(usize),
    /// It lies in `APORT_HOME/packs`.
    File(PathBuf),
}

impl fmt::Display for PackOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("the packs embedded in aport-gate"),
            Self::Builder(number) => write!(f, "call {number} of `Gate::builder().pack(…)`"),
            Self::File(path) => write!(f, "`{}`", path.display()),
        }
    }
}

/// A pack as the gate reads it.
#[derive(Clone, Debug)]
pub struct LoadedPack {
    pack: Arc<Pack>,
    origin: PackOrigin,
    options: Option<OperatorOptions>,
}

impl LoadedPack {
    /// The pack, with the operator's options applied.
    #[must_use]
    pub fn pack(&self) -> &Arc<Pack> {
        &self.pack
    }

    /// Where it comes from.
    #[must_use]
    pub fn origin(&self) -> &PackOrigin {
        &self.origin
    }

    /// What the operator changed in its reading, if anything.
    #[must_use]
    pub fn operator_options(&self) -> Option<&OperatorOptions> {
        self.options.as_ref()
    }
}

/// The packs that a gate decides by, by id.
#[derive(Clone, Debug, Default)]
pub struct PackSet {
    by_id: BTreeMap<PackId, LoadedPack>,
}

impl PackSet {
    /// The embedded packs and those in `home`, under the options in `home`: what
    /// [`Gate::from_env`](crate::Gate::from_env) decides by for `APORT_HOME`.
    ///
    /// # Errors
    /// As [`GateBuilder::build`](crate::GateBuilder::build), of which it is the part about packs.
    pub fn from_home(home: &Path) -> Result<Self> {
        Self::load(
            home,
            &Given::new(Vec::new(), Vec::new())?,
            &Snapshot::read(home),
        )
    }

    /// The pack of this id.
    #[must_use]
    pub fn get(&self, id: &PackId) -> Option<&LoadedPack> {
        self.by_id.get(id)
    }

    /// All packs, ordered by id.
    pub fn iter(&self) -> impl Iterator<Item = &LoadedPack> {
        self.by_id.values()
    }

    pub(super) fn load(home: &Path, given: &Given, snapshot: &Snapshot) -> Result<Self> {
        let mut packs = given.packs.clone();
        let unreadable = |path: &Path, problem: &String| Error::PackUnreadable {
            path: path.to_owned(),
            problem: problem.clone(),
        };
        let files = snapshot
            .files
            .as_ref()
            .map_err(|problem| unreadable(&home.join(PACK_FOLDER), problem))?;
        for file in files {
            let json = file
                .content
                .as_ref()
                .map_err(|problem| unreadable(&file.path, problem))?;
            packs.push(parse(PackOrigin::File(file.path.clone()), json)?);
        }
        let path = options_path(home);
        let written = snapshot
            .options
            .as_ref()
            .map_err(|problem| unreadable(&path, problem))?;
        let mut options = BTreeMap::new();
        if let Some(json) = written {
            let place = options::place(&path);
            for (id, of_file) in options::parse(json, &path)? {
                options.insert(id, (place.clone(), of_file));
            }
        }
        for (id, of_builder) in &given.options {
            let place = "`Gate::builder().pack_options(…)`".to_owned();
            let earlier = options.insert(id.clone(), (place.clone(), of_builder.clone()));
            if let Some((earlier, _)) = earlier {
                return Err(Error::PackOptions {
                    place,
                    problem: format!("pack `{id}` has options from {earlier} already; keep one"),
                });
            }
        }
        Self::assemble(packs, options)
    }

    fn assemble(
        packs: Vec<(PackOrigin, Pack)>,
        mut options: BTreeMap<PackId, (String, PackOptions)>,
    ) -> Result<Self> {
        let mut by_id: BTreeMap<PackId, LoadedPack> = BTreeMap::new();
        for (origin, pack) in packs {
            let id = pack.id().clone();
            if let Some(first) = by_id.get(&id) {
                return Err(Error::DuplicatePack {
                    pack: id.to_string(),
                    first: first.origin.to_string(),
                    second: origin.to_string(),
                });
            }
            let (pack, options) = match options.remove(&id) {
                Some((place, options)) => {
                    let (pack, options) = options.apply(pack, &place)?;
                    (
                        pack,
                        (options != OperatorOptions::default()).then_some(options),
                    )
                }
                None => (pack, None),
            };
            let pack = Arc::new(pack);
            let loaded = LoadedPack {
                pack,
                origin,
                options,
            };
            by_id.insert(id, loaded);
        }
        if let Some((id, (place, _))) = options.first_key_value() {
            let known: Vec<&str> = by_id.keys().map(PackId::as_str).collect();
            return Err(Error::PackOptions {
                place: place.clone(),
                problem: format!(
                    "there is no pack `{id}`; the packs are {}",
                    known.join(", ")
                ),
            });
        }
        Ok(Self { by_id })
    }

    /// The same set without packs whose file is gone.
    pub(super) fn without_removed(&self, snapshot: &Snapshot) -> Self {
        let mut kept = self.clone();
        kept.by_id.retain(|id, loaded| {
            let PackOrigin::File(path) = &loaded.origin else {
                return true;
            };
            let listed = snapshot.lists(path);
            if !listed {
                tracing::error!(pack = %id, path = %path.display(),
                    "the pack's file is gone; every call under this pack is refused");
            }
            listed
        });
        kept
    }

    /// What the operator should read in the log before they rely on these packs.
    pub(super) fn announce(&self) {
        for LoadedPack {
            pack,
            origin,
            options,
        } in self.iter()
        {
            tracing::debug!(pack = %pack.id(), digest = %pack.digest(), %origin, "pack is in force");
            for problem in pack.problems() {
                tracing::warn!(pack = %pack.id(), rule = %problem.rule, problem = %problem.message,
                    "rule cannot be evaluated; every call under this pack is denied");
            }
            let Some(options) = options else { continue };
            for rule in &options.waived_rules {
                tracing::warn!(pack = %pack.id(), rule, "rule is WAIVED by the operator: it is not evaluated");
            }
            if options.absent == Some(Absent::Skip) {
                tracing::warn!(pack = %pack.id(),
                    "by the operator's option rules do not apply where an optional context field is absent");
            }
        }
    }
}

/// What does not come from `APORT_HOME`: embedded packs, and those given in code.
#[derive(Debug)]
pub(crate) struct Given {
    packs: Vec<(PackOrigin, Pack)>,
    options: Vec<(PackId, PackOptions)>,
}

impl Given {
    pub(crate) fn new(builder: Vec<Vec<u8>>, options: Vec<(PackId, PackOptions)>) -> Result<Self> {
        let mut packs = Vec::new();
        for (_, json) in embedded_packs() {
            packs.push(parse(PackOrigin::Embedded, json)?);
        }
        for (index, json) in builder.iter().enumerate() {
            let origin = PackOrigin::Builder(index.saturating_add(1));
            packs.push(parse(origin, json)?);
        }
        Ok(Self { packs, options })
    }
}

fn parse(origin: PackOrigin, json: &[u8]) -> Result<(PackOrigin, Pack)> {
    match Pack::parse(json) {
        Ok(pack) => Ok((origin, pack)),
        Err(source) => Err(Error::Pack {
            origin: origin.to_string(),
            source,
        }),
    }
}
