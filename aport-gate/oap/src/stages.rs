//! The stages around the rules: passport, capabilities, assurance, region, MCP allowlist, approval.

use crate::reason::{shown, stage};
use crate::{Pack, Passport, PassportStatus, Reason, Request};
use serde_json::Value;

/// The passport to judge by, if it is this agent's.
pub(crate) fn passport<'a>(request: &Request<'a>) -> Result<&'a Passport, Box<Reason>> {
    let agent = request.agent_id;
    match request.passport {
        None => Err(Box::new(stage(
            "oap.passport_not_found",
            format!("no passport is known for agent `{agent}`"),
        ))),
        Some(passport) if passport.agent_id() != agent => {
            let holder = passport.agent_id();
            let message = format!("the passport is of agent `{holder}`, not of `{agent}`");
            Err(Box::new(stage("oap.passport_not_found", message)))
        }
        Some(passport) => Ok(passport),
    }
}

/// Status and expiry.
pub(crate) fn standing(request: &Request<'_>, passport: &Passport) -> Vec<Reason> {
    let mut reasons = Vec::new();
    match passport.status() {
        PassportStatus::Active => {}
        PassportStatus::Draft => {
            reasons.push(stage("oap.passport_draft", "the passport is a draft"))
        }
        PassportStatus::Suspended => {
            reasons.push(stage("oap.passport_suspended", "the passport is suspended"));
        }
        PassportStatus::Revoked => {
            reasons.push(stage("oap.passport_revoked", "the passport is revoked"))
        }
    }
    if let Some(expiry) = passport
        .expires_at()
        .filter(|expiry| *expiry <= request.now)
    {
        reasons.push(stage(
            "oap.passport_expired",
            format!("the passport expired at {expiry}"),
        ));
    }
    reasons
}

/// Capabilities, assurance, region and MCP allowlist.
pub(crate) fn authority(pack: &Pack, request: &Request<'_>, passport: &Passport) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = capabilities(pack, passport).into_iter().collect();
    reasons.extend(assurance(pack, passport));
    reasons.extend(region(request, passport));
    reasons.extend(mcp(pack, request, passport));
    reasons
}

/// Whether the passport grants what the pack asks for.
pub(crate) fn capabilities(pack: &Pack, passport: &Passport) -> Option<Reason> {
    let alternatives = pack.requires_capabilities();
    let holds = |all: &Vec<String>| {
        all.iter()
            .all(|capability| passport.has_capability(capability))
    };
    if alternatives.iter().any(holds) {
        return None;
    }
    let needed: Vec<_> = alternatives
        .iter()
        .map(|all| format!("`{}`", all.join("` and `")))
        .collect();
    let message = format!("the passport lacks {}", needed.join(", or "));
    Some(stage("oap.unknown_capability", message))
}

/// Whether the owner is known well enough.
pub(crate) fn assurance(pack: &Pack, passport: &Passport) -> Option<Reason> {
    let (level, least) = (passport.assurance_level(), pack.min_assurance());
    (level < least).then(|| {
        let message = format!("assurance level {level} is below {least}");
        stage("oap.assurance_insufficient", message)
    })
}

/// Whether the agent may act in the region of the context, if there is one.
pub(crate) fn region(request: &Request<'_>, passport: &Passport) -> Option<Reason> {
    let region = request.context.get("region")?;
    let allowed = passport.regions();
    let listed = region
        .as_str()
        .is_some_and(|region| allowed.iter().any(|known| known == region));
    (!listed).then(|| {
        let list = shown(&Value::from(allowed.to_vec()));
        let message = format!("region {} is not one of {list}", shown(region));
        stage("oap.region_blocked", message)
    })
}

/// Whether the MCP servers and tools in use are on the passport's allowlist, if it has one.
pub(crate) fn mcp(pack: &Pack, request: &Request<'_>, passport: &Passport) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !pack.flag("mcp", "require_allowlisted_if_present") {
        return reasons;
    }
    let root = passport.as_value().get("mcp");
    let metadata = passport
        .as_value()
        .get("metadata")
        .and_then(|metadata| metadata.get("mcp"));
    for allowlist in [root, metadata]
        .into_iter()
        .flatten()
        .filter(|list| !list.is_null())
    {
        let tools = request.tool.into_iter().map(str::to_owned).collect();
        unlisted(allowlist, "tools", "tool", tools, request, &mut reasons);
        unlisted(
            allowlist,
            "servers",
            "server",
            Vec::new(),
            request,
            &mut reasons,
        );
    }
    reasons
}

/// Names in use that the allowlist lacks. A kind without a list is not restricted; a malformed list lists
/// nothing.
fn unlisted(
    allowlist: &Value,
    list: &str,
    kind: &str,
    mut used: Vec<String>,
    request: &Request<'_>,
    reasons: &mut Vec<Reason>,
) {
    if allowlist.is_object() && allowlist.get(list).is_none() {
        return;
    }
    for field in [format!("mcp_{kind}"), format!("mcp_{kind}s")] {
        match request.context.get(&field) {
            Some(Value::Array(items)) => used.extend(items.iter().map(shown)),
            Some(other) => used.push(shown(other)),
            None => {}
        }
    }
    let allowed = allowlist
        .get(list)
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    for name in used {
        if !allowed
            .iter()
            .any(|allowed| allowed.as_str() == Some(&name))
        {
            let message = format!("MCP {kind} `{name}` is not on the passport's allowlist");
            reasons.push(stage("oap.mcp_not_allowed", message));
        }
    }
}

/// Whether a person has to approve: by the pack, or by a limit of any capability of the pack.
pub(crate) fn needs_approval(pack: &Pack, passport: &Passport) -> Option<Reason> {
    let required = |value: &Value| !matches!(value, Value::Bool(false) | Value::Null);
    let limits = passport.as_value().get("limits");
    let of_scope = |scope: &String| {
        let flat = limits?
            .get(scope)
            .and_then(|scope| scope.get("approval_required"));
        flat.or_else(|| {
            scope
                .split('.')
                .try_fold(limits?, |at, part| at.get(part))?
                .get("approval_required")
        })
    };
    let scoped: Vec<&Value> = pack
        .limit_scopes()
        .iter()
        .filter_map(of_scope)
        .filter(|value| !value.is_null())
        .collect();
    let by_passport = if scoped.is_empty() {
        limits
            .and_then(|limits| limits.get("approval_required"))
            .is_some_and(required)
    } else {
        scoped.into_iter().any(required)
    };
    let by_pack = pack.as_value().get("approval_required") == Some(&Value::Bool(true))
        || pack.flag("enforcement", "approval_required");
    (by_passport || by_pack).then(|| {
        stage(
            "oap.approval_required",
            "a person has to approve this before it runs",
        )
    })
}
