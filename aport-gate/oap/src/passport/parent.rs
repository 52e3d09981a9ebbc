//! The template that a passport was made from. What stops the template stops every passport made from it.

use super::{Passport, PassportStatus};
use crate::AgentId;
use jiff::Timestamp;

/// What a passport takes over from its parent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Inherited {
    pub(super) stopped: Option<(AgentId, PassportStatus)>,
    pub(super) expires_at: Option<(AgentId, Timestamp)>,
    pub(super) not_before: Option<(AgentId, Timestamp)>,
}

impl Passport {
    /// The passport that this one was made from, by `template_id` or `parent_agent_id`.
    #[must_use]
    pub fn parent_id(&self) -> Option<&AgentId> {
        self.parent_id.as_ref()
    }

    /// The state of a parent that stops it, if one does. See [`Passport::with_parent`].
    #[must_use]
    pub fn parent_status(&self) -> Option<PassportStatus> {
        self.inherited.stopped.as_ref().map(|(_, status)| *status)
    }

    /// The same passport under its parent, which may itself be under another. It is stopped while the parent
    /// is suspended, revoked or a draft, and valid no longer and no earlier than the parent. Capabilities and
    /// limits are its own: a template is a pattern, not a cap. The document and its digest stay.
    ///
    /// A `parent` that is not the one it names changes nothing. Whether an unknown parent matters is the
    /// caller's question: an instance that was copied from a registry has its template there.
    #[must_use]
    pub fn with_parent(mut self, parent: &Self) -> Self {
        if self.parent_id.as_ref() != Some(&parent.agent_id) {
            return self;
        }
        let id = &parent.agent_id;
        let above = &parent.inherited;
        let stopped = match parent.status {
            PassportStatus::Active => above.stopped.clone(),
            status => Some((id.clone(), status)),
        };
        let earlier = [
            parent.expires_at.map(|at| (id.clone(), at)),
            above.expires_at.clone(),
        ];
        let later = [
            parent.not_before.map(|at| (id.clone(), at)),
            above.not_before.clone(),
        ];
        self.inherited = Inherited {
            stopped,
            expires_at: earlier.into_iter().flatten().min_by_key(|(_, at)| *at),
            not_before: later.into_iter().flatten().max_by_key(|(_, at)| *at),
        };
        self
    }
}
