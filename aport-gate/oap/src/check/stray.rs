//! Limits of capabilities that a passport does not grant.

use super::{Document, field, meant};
use crate::{Pack, Passport};

impl Passport {
    /// Whether limits under this key of `limits` can count: it is a capability that the passport grants, leads to one
    /// or below one, or is the name of one of `packs` that asks for one.
    ///
    /// ```
    /// # use aport_gate_oap::Passport;
    /// let passport = Passport::parse(br#"{
    ///     "passport_id": "ap_bot", "spec_version": "oap/1.0", "owner_id": "org_1", "status": "active",
    ///     "assurance_level": "L2", "capabilities": [{"id": "web.fetch"}], "regions": []
    /// }"#)?;
    /// assert!(passport.may_limit("web.fetch", &[]));
    /// assert!(!passport.may_limit("web.fetsh", &[]));
    /// # Ok::<(), aport_gate_oap::PassportError>(())
    /// ```
    #[must_use]
    pub fn may_limit(&self, key: &str, packs: &[&Pack]) -> bool {
        let leads = |one: &str, other: &str| {
            let rest = other.strip_prefix(one);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let meets = |scope: &str| leads(key, scope) || leads(scope, key);
        let mut asking = packs.iter().filter(|pack| {
            let mut named = pack.requires_capabilities().iter().flatten();
            named.any(|capability| self.has_capability(capability))
        });
        self.capabilities().iter().any(|held| meets(held))
            || asking.any(|pack| {
                let family = pack.id().family();
                meets(family) && !pack.names_capability(family)
            })
    }
}

/// Only dotted keys: others may name limits of all capabilities.
pub(super) fn report(passport: &Passport, packs: &[&Pack], document: &mut Document<'_>) {
    let held: Vec<&str> = passport.capabilities().iter().map(String::as_str).collect();
    for key in passport
        .limits()
        .into_iter()
        .flat_map(|limits| limits.keys())
    {
        if !key.contains('.') || passport.may_limit(key, packs) {
            continue;
        }
        let near = meant(key, &held).map(|near| format!("; did you mean `{near}`?"));
        let message = format!(
            "the passport does not grant `{key}`, so these limits count for nothing{}",
            near.unwrap_or_default()
        );
        document.warning(&field("limits", key), message);
    }
}
