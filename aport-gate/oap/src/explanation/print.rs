//! An explanation as plain text.

use super::{Explanation, Operand, Stage, Step, StepResult};
use crate::Outcome;
use crate::reason::{one_line, shown};
use std::fmt;

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passport => "passport",
            Self::Standing => "status and times",
            Self::RequiredContext => "required context",
            Self::Capabilities => "capabilities",
            Self::Assurance => "assurance level",
            Self::Region => "region",
            Self::Mcp => "MCP allowlist",
            Self::Rule => "rule",
            Self::RequiredLimits => "required limits",
            Self::Counters => "counters",
            Self::Idempotency => "idempotency key",
            Self::Approval => "approval",
        })
    }
}

impl fmt::Display for StepResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` honours the width that the column of results asks for.
        f.pad(match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Unknown => "unknown",
            Self::Error => "error",
            Self::Waived => "waived",
            Self::Skipped => "skipped",
        })
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = ", one_line(&self.expression))?;
        match (&self.value, &self.note) {
            (Some(serde_json::Value::String(text)), _) => {
                write!(f, "{:?}", shown(&text.as_str().into()))
            }
            (Some(value), None) => f.write_str(&shown_json(value)),
            (Some(value), Some(note)) => write!(f, "{} ({note})", shown_json(value)),
            (None, Some(note)) => write!(f, "({note})"),
            (None, None) => f.write_str("(absent)"),
        }
    }
}

impl Step {
    /// What there is to say of an idempotency key.
    fn key_in_words(&self) -> Option<String> {
        let [key, before] = self.operands.as_slice() else {
            return None;
        };
        let key = (self.stage == Stage::Idempotency).then_some(key.value.as_ref()?)?;
        let not = if before.value.as_ref()?.as_bool()? {
            ""
        } else {
            "not "
        };
        Some(format!(
            "idempotency key `{}` was {not}used before",
            shown(key)
        ))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8}{}", self.result, self.stage)?;
        if let Some(rule) = &self.rule {
            write!(f, " {}", one_line(rule))?;
        }
        if let Some(condition) = &self.condition {
            write!(f, "\n          {}", one_line(condition))?;
        }
        if let Some(validator) = &self.validator {
            write!(f, "\n          validator {}", one_line(validator))?;
        }
        match self.key_in_words() {
            Some(words) => write!(f, "\n            {words}")?,
            None => {
                for operand in &self.operands {
                    write!(f, "\n            {operand}")?;
                }
            }
        }
        for reason in &self.reasons {
            let (code, message) = (one_line(&reason.code), one_line(&reason.message));
            write!(f, "\n          → {code}: {message}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Allow => "allow",
            Outcome::AllowWithWarning => "allow_with_warning",
            Outcome::RequireReview => "require_review",
            Outcome::Deny => "deny",
        };
        writeln!(f, "{} for {}: {outcome}", self.policy_id, self.agent_id)?;
        self.steps
            .iter()
            .try_for_each(|step| writeln!(f, "  {step}"))
    }
}

/// JSON on one line, cut; texts inside keep their quotes.
fn shown_json(value: &serde_json::Value) -> String {
    const SHOWN: usize = 300;
    let text = value.to_string();
    if text.chars().nth(SHOWN).is_some() {
        text.chars().take(SHOWN).collect::<String>() + "…"
    } else {
        text
    }
}
