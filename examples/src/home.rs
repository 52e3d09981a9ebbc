//! Where the simulated desks keep their books: beside the gate's own state.

use std::path::PathBuf;

use etcetera::BaseStrategy as _;

use crate::RunError;

/// `APORT_HOME`, or the per-user data directory that the gate takes as well.
///
/// # Errors
/// [`RunError::NoHome`] when there is neither.
pub fn home() -> Result<PathBuf, RunError> {
    if let Some(home) = std::env::var_os("APORT_HOME") {
        return Ok(PathBuf::from(home));
    }
    let base = etcetera::choose_base_strategy().map_err(|_| RunError::NoHome)?;
    Ok(base.data_dir().join("aport"))
}
