//! The stages before the rules: passport, capabilities and their parameters, assurance, region.

use crate::condition::evaluator::Scene;
use crate::reason::{shown, stage};
use crate::{Pack, Passport, Reason, ReasonDetails, Request, mcp};
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

/// Capabilities, assurance, region and MCP allowlist.
pub(crate) fn authority(scene: &Scene<'_>, request: &Request<'_>, reasons: &mut Vec<Reason>) {
    let (pack, passport) = (scene.pack, scene.passport);
    // A reason is large, and most calls give none: none is not moved about.
    if let Some(reason) = capabilities(pack, passport) {
        reasons.push(reason);
    }
    reasons.extend(parameters(pack, request, passport));
    if let Some(reason) = assurance(pack, passport) {
        reasons.push(reason);
    }
    if let Some(asked) = scene.field("region")
        && let Some(reason) = region(asked, passport)
    {
        reasons.push(reason);
    }
    reasons.extend(mcp::unlisted(pack, request, passport));
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

/// Whether the amount is within `max_amount` of a capability's parameters, in the currency that they name.
pub(crate) fn parameters(pack: &Pack, request: &Request<'_>, passport: &Passport) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !passport.has_params() {
        return reasons;
    }
    let Some(amount) = request.context.get("amount") else {
        return reasons;
    };
    let asked = pack.requires_capabilities().iter().flatten();
    for (id, params) in asked.flat_map(|id| passport.all_params(id).map(move |params| (id, params)))
    {
        let Some(most) = params.get("max_amount").filter(|most| !most.is_null()) else {
            continue;
        };
        let other_currency = match (params.get("currency"), request.context.get("currency")) {
            (Some(of), Some(asked)) => of != asked,
            _ => false,
        };
        let within = match (amount.as_f64(), most.as_f64()) {
            (Some(amount), Some(most)) => amount <= most,
            _ => false,
        };
        if !other_currency && !within {
            let details = ReasonDetails {
                rule: "capability_parameters".to_owned(),
                field: Some("amount".to_owned()),
                actual: Some(amount.clone()),
                limit: Some(most.clone()),
                ..ReasonDetails::default()
            };
            let message = format!(
                "amount {} is over the limit {} of capability `{id}`",
                shown(amount),
                shown(most)
            );
            reasons.push(Reason {
                details: Some(details),
                ..stage("oap.limit_exceeded", message)
            });
        }
    }
    reasons
}

/// Whether the owner is known well enough.
pub(crate) fn assurance(pack: &Pack, passport: &Passport) -> Option<Reason> {
    let (level, least) = (passport.assurance_level(), pack.min_assurance());
    (level < least).then(|| {
        let message = format!("assurance level {level} is below {least}");
        stage("oap.assurance_insufficient", message)
    })
}

/// Whether the agent may act in the region of the context.
pub(crate) fn region(region: &Value, passport: &Passport) -> Option<Reason> {
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
