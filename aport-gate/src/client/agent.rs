//! The form of an agent id.

use super::ClientError;

/// Accepts `ap_` and 1 to 128 letters, digits or underscores, or a hyphenated
/// UUID. Checked before anything is sent, so that an unexpanded `${VAR}` is
/// found where it was written.
pub(super) fn check(agent_id: &str) -> Result<(), ClientError> {
    let passport = agent_id.strip_prefix("ap_").is_some_and(|rest| {
        (1..=128).contains(&rest.len())
            && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    });
    // `uuid` also reads braces, URNs and bare hex; only the 36-byte form is an id.
    let uuid = agent_id.len() == 36 && uuid::Uuid::try_parse(agent_id).is_ok();
    if passport || uuid {
        Ok(())
    } else {
        Err(ClientError::InvalidAgentId(agent_id.to_owned()))
    }
}
