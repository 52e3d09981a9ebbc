//! Assurance that grows with the amount: the pack's `assurance_rules`.

use super::PackError;
use super::read::{text, wrong_type};
use crate::AssuranceLevel;
use crate::condition::Condition;
use crate::condition::ast::{Expr, Function};
use crate::json::whole;
use serde_json::{Map, Value};

/// Amounts up to this one, in minor units, need this level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tier {
    up_to: u64,
    level: AssuranceLevel,
}

/// Tiers in ascending order.
pub(crate) fn parse(map: &Map<String, Value>) -> Result<Vec<Tier>, PackError> {
    let Some(value) = map.get("assurance_rules") else {
        return Ok(Vec::new());
    };
    let expected = "a list of objects with an integer `lte_minor` and a `min_level`";
    let list = value
        .as_array()
        .ok_or_else(|| wrong_type("assurance_rules", expected))?;
    let mut tiers = Vec::new();
    for value in list {
        let map = value
            .as_object()
            .ok_or_else(|| wrong_type("assurance_rules", expected))?;
        let up_to = map
            .get("lte_minor")
            .and_then(|up_to| whole(up_to.as_number()?));
        let up_to = up_to.and_then(|up_to| u64::try_from(up_to).ok());
        let up_to = up_to.ok_or_else(|| wrong_type("assurance_rules", expected))?;
        let level = AssuranceLevel::parse(text(map, "min_level", "assurance_rules.min_level")?)?;
        tiers.push(Tier { up_to, level });
    }
    tiers.sort_by_key(|tier| tier.up_to);
    Ok(tiers)
}

/// Level that an amount needs; above the highest tier, L4.
#[cfg(feature = "evaluate")]
pub(crate) fn required(tiers: &[Tier], amount: i128) -> AssuranceLevel {
    let tier = tiers.iter().find(|tier| amount <= i128::from(tier.up_to));
    tier.map_or(AssuranceLevel::L4Kyc, |tier| tier.level)
}

pub(crate) fn are_needed(condition: &Condition) -> bool {
    let mut needed = false;
    condition.0.walk(&mut |expr| {
        needed |= matches!(expr, Expr::Call(Function::RequiredAssuranceLevel, _));
    });
    needed
}
