//! Whether a passport is in force at a time.

use super::parent::Inherited;
use super::{Passport, PassportStatus};
use crate::Reason;
use crate::reason::stage;
use jiff::Timestamp;

/// Code for a passport that is suspended, or not active for another reason.
const NOT_ACTIVE: &str = "oap.passport_suspended";

impl Passport {
    /// Why it is not in force: its status and times, and those of its parent. Empty when it is.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Vec<Reason> {
        let orphan = self.inherited == Inherited::default();
        let begun = self.not_before.is_none_or(|start| start <= now);
        let lasts = self.expires_at.is_none_or(|expiry| now < expiry);
        if orphan && begun && lasts && self.status == PassportStatus::Active {
            return Vec::new();
        }
        let mut reasons: Vec<Reason> = stopped("the passport", self.status).into_iter().collect();
        if matches!(self.status, PassportStatus::Draft | PassportStatus::Revoked) {
            // What OAP calls every passport that is not active, for those who look for that code alone.
            let status = self.status;
            let message = format!("a passport that is {status} is not in force");
            reasons.push(stage(NOT_ACTIVE, message));
        }
        if let Some((parent, status)) = &self.inherited.stopped {
            reasons.extend(stopped(
                &format!("the passport's parent `{parent}`"),
                *status,
            ));
        }
        let parents = self.inherited.expires_at.iter();
        let ends = parents.map(|(parent, at)| (format!("the passport's parent `{parent}`"), *at));
        let own = self.expires_at.map(|at| ("the passport".to_owned(), at));
        for (whose, expiry) in own.into_iter().chain(ends) {
            if expiry <= now {
                reasons.push(stage(
                    "oap.passport_expired",
                    format!("{whose} expired at {expiry}"),
                ));
            }
        }
        let parents = self.inherited.not_before.iter();
        let starts = parents.map(|(parent, at)| (format!("the passport's parent `{parent}`"), *at));
        let own = self.not_before.map(|at| ("the passport".to_owned(), at));
        for (whose, start) in own.into_iter().chain(starts) {
            if now < start {
                let message = format!("{whose} is not valid before {start}");
                reasons.push(stage("oap.passport_not_yet_valid", message));
            }
        }
        reasons
    }
}

fn stopped(whose: &str, status: PassportStatus) -> Option<Reason> {
    let (code, what) = match status {
        PassportStatus::Active => return None,
        PassportStatus::Draft => ("oap.passport_draft", "a draft"),
        PassportStatus::Suspended => (NOT_ACTIVE, "suspended"),
        PassportStatus::Revoked => ("oap.passport_revoked", "revoked"),
    };
    Some(stage(code, format!("{whose} is {what}")))
}
