//! Names under which a document asks for approval by a person.

use crate::check::distance;

/// Limits that name the amount above which a person has to approve, in minor units.
const THRESHOLDS: [&str; 11] = [
    "approval_threshold",
    "approval_limit",
    "approval_above",
    "approval_required_above",
    "approval_amount",
    "require_approval_above",
    "requires_approval_above",
    "human_approval_above",
    "auto_approve_limit",
    "auto_approve_max",
    "max_amount_without_approval",
];

/// What a name made of nothing but these words asks for, if `approval` is among them.
const WORDS: [&str; 32] = [
    "approval",
    "required",
    "requires",
    "require",
    "needed",
    "needs",
    "need",
    "human",
    "person",
    "manual",
    "mandatory",
    "always",
    "enabled",
    "ask",
    "asks",
    "is",
    "must",
    "for",
    "by",
    "a",
    "threshold",
    "limit",
    "limits",
    "above",
    "over",
    "amount",
    "amounts",
    "max",
    "min",
    "cents",
    "minor",
    "units",
];

/// What makes a request of `review`.
const ASKING: [&str; 9] = [
    "required",
    "requires",
    "require",
    "needed",
    "needs",
    "need",
    "human",
    "manual",
    "mandatory",
];

/// Longest name that is looked at.
const LONGEST: usize = 64;

/// How a name asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// `approval_required`.
    Flag,
    /// The amount above which it asks.
    Threshold,
    /// Another name for one of them, or a typing slip. What is meant by its value is not known.
    Alike,
}

impl Name {
    /// How `key` asks for approval, if it does.
    pub(crate) fn of(key: &str) -> Option<Self> {
        if key == "approval_required" {
            return Some(Self::Flag);
        }
        if THRESHOLDS.contains(&key) {
            return Some(Self::Threshold);
        }
        if key.len() > LONGEST {
            return None;
        }
        let lower = key.to_ascii_lowercase();
        // One slip in `approval` leaves one half of it. Most names are none and are not looked at any further.
        if !["appr", "oval", "review"]
            .iter()
            .any(|part| lower.contains(part))
        {
            return None;
        }
        let words = words(key);
        let said = |one: &[&str]| words.iter().any(|word| one.contains(&word.as_str()));
        let asks = words.iter().any(|word| is_like(word, "approval"))
            // By itself it is anything; a number of them is a matter of code hosts.
            || (said(&["review"]) && said(&ASKING));
        let known =
            |word: &String| word == "review" || WORDS.iter().any(|known| is_like(word, known));
        (asks && words.iter().all(known)).then_some(Self::Alike)
    }
}

/// `requiresHuman_approval` → requires, human, approval.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in key.chars() {
        let starts = !c.is_alphanumeric() || (lower && c.is_uppercase());
        if starts {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        lower = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_like(word: &str, known: &str) -> bool {
    word == known
        || (known.len() >= 6 && word.len().abs_diff(known.len()) <= 1 && distance(word, known) <= 1)
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn names_made_of_words_that_ask_are_requests_and_others_are_not() {
        for key in [
            "requires_approval",
            "require_approval",
            "Approval_Required",
            "approvalRequired",
            "APPROVAL-REQUIRED",
            "human_approval",
            "manual_approval_required",
            "approval",
            "approval_requred",
            "aproval_required",
            "approval_threshold_cents",
            "required_approvals",
            "require_review",
            "requires_human_review",
        ] {
            assert_eq!(Name::of(key), Some(Name::Alike), "{key}");
        }
        for key in [
            "approved",
            "source_approved",
            "auto_approval",
            "skip_approval",
            "allow_self_approval",
            "approval_limits_enforced",
            "min_assurance",
            "required",
            "review",
            "required_reviews",
            "review_requirements_enforced",
            "",
        ] {
            assert_eq!(Name::of(key), None, "{key}");
        }
        assert_eq!(Name::of("approval_required"), Some(Name::Flag));
        assert_eq!(Name::of("approval_limit"), Some(Name::Threshold));
    }
}
