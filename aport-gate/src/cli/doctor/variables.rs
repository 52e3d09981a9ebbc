//! The gate's variables as a server would get them: of this process, or of an entry in a client's
//! configuration.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Variables named `APORT_…`.
#[derive(Debug, Default)]
pub(super) struct Variables(BTreeMap<String, OsString>);

impl Variables {
    /// Those of this process.
    pub(super) fn of_process() -> Self {
        std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
            .collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<&OsString> {
        self.0.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.0.keys().cloned()
    }
}

impl FromIterator<(String, OsString)> for Variables {
    fn from_iter<I: IntoIterator<Item = (String, OsString)>>(variables: I) -> Self {
        let ours = |(name, _): &(String, OsString)| name.starts_with("APORT_");
        Self(variables.into_iter().filter(ours).collect())
    }
}
