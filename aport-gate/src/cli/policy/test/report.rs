//! What the cases came to.

use aport_gate_oap::{Absent, Explanation, Outcome, Pack, Reason, Request, digest_json};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::case::Case;
use super::expected::Expected;
use super::passport::Holder;
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Tone, one_line};

/// One case that was decided.
pub(super) struct Replayed<'v> {
    case: &'v Case,
    expected: Option<&'v Expected>,
    allow: bool,
    outcome: Outcome,
    reasons: Vec<Reason>,
    explanation: Option<Explanation>,
    now: Timestamp,
    /// Whether it would be allowed if absent optional fields left rules out.
    skip_allows: bool,
}

/// All cases.
pub(super) struct Report<'v> {
    pub(super) pack: &'v Pack,
    pub(super) replayed: Vec<Replayed<'v>>,
    /// Expectations without a case.
    pub(super) unasked: Vec<&'v Expected>,
}

impl<'v> Replayed<'v> {
    pub(super) fn new(
        pack: &Pack,
        holder: &Holder,
        (case, expected): (&'v Case, Option<&'v Expected>),
        now: Timestamp,
        explain: bool,
    ) -> Result<Self, Failure> {
        let (mut explanation, mut skip_allows) = (None, false);
        let (allow, outcome, reasons) = match holder.with(case.overrides.as_ref()) {
            // A verifier has no decision for a document that is no passport, and lets nothing run.
            Err(error) => (
                false,
                Outcome::Deny,
                vec![reason("oap.passport_invalid", &error.to_string())],
            ),
            Ok(passport) => {
                let context = case.context_for(pack, passport.agent_id());
                let request = Request {
                    agent_id: passport.agent_id(),
                    passport: Some(&passport),
                    context: &context,
                    tool: case.tool.as_deref(),
                    now,
                };
                let usage = case.usage(pack, &pack.usage_plan(&request))?;
                explanation = explain.then(|| pack.explain(&request, &usage));
                let mut evaluation = pack.evaluate(&request, &usage);
                if !evaluation.allow && pack.absent() == Absent::Deny {
                    let skipping = pack.clone().with_absent(Absent::Skip);
                    skip_allows = skipping.evaluate(&request, &usage).allow;
                }
                // A gate refuses what has no digest before it asks.
                if let Err(error) = digest_json(&Value::Object(context.clone())) {
                    let reason = reason("oap.invalid_context", &error.to_string());
                    evaluation.reasons.retain(|_| !evaluation.allow);
                    evaluation.reasons.insert(0, reason);
                    (evaluation.allow, evaluation.outcome) = (false, Outcome::Deny);
                }
                (evaluation.allow, evaluation.outcome, evaluation.reasons)
            }
        };
        Ok(Self {
            case,
            expected,
            allow,
            outcome,
            reasons,
            explanation,
            now,
            skip_allows,
        })
    }

    fn passes(&self) -> bool {
        self.expected.is_some_and(|expected| {
            let code_given = |code: &String| self.reasons.iter().any(|reason| reason.code == *code);
            expected.allow == self.allow && expected.code.as_ref().is_none_or(code_given)
        })
    }

    fn print(&self, output: &mut Output, quiet: bool) {
        let Self { case, expected, .. } = self;
        let name = one_line(&case.name);
        if self.passes() {
            if !quiet {
                let word = output.tone(Tone::Good, "ok  ");
                output.line(format_args!("{word}  {name}"));
            }
            return;
        }
        let word = output.tone(Tone::Bad, "FAIL");
        output.line(format_args!("{word}  {name}  ({})", case.place));
        let wanted = match expected {
            None => "nothing: no line of the expectations goes with this case".to_owned(),
            Some(expected) => format!(
                "{}  ({})",
                match &expected.code {
                    _ if expected.allow => "allow".to_owned(),
                    None => "deny".to_owned(),
                    Some(code) => format!("deny with {}", one_line(code)),
                },
                expected.place
            ),
        };
        output.line(format_args!("      expected  {wanted}"));
        output.line(format_args!(
            "      got       {}",
            match self.outcome {
                Outcome::Allow | Outcome::AllowWithWarning => "allow",
                Outcome::RequireReview => "deny until a person has reviewed it",
                Outcome::Deny => "deny",
            }
        ));
        for reason in &self.reasons {
            output.line(format_args!(
                "                {}: {}",
                one_line(&reason.code),
                one_line(&reason.message)
            ));
        }
        if let Some(explanation) = &self.explanation {
            output.text(&explanation.to_string());
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.case.name,
            "at": self.case.place,
            "pass": self.passes(),
            "expected": self.expected.map(|expected| json!({
                "at": expected.place, "allow": expected.allow, "code": expected.code,
            })),
            "got": { "allow": self.allow, "outcome": self.outcome, "reasons": self.reasons },
            "now": self.now.to_string(),
            "explanation": self.explanation.as_ref().filter(|_| !self.passes()),
        })
    }
}

impl Report<'_> {
    pub(super) fn verdict(&self) -> Verdict {
        if self.failed() == 0 {
            Verdict::Good
        } else {
            Verdict::Bad
        }
    }

    fn failed(&self) -> usize {
        self.replayed.iter().filter(|one| !one.passes()).count() + self.unasked.len()
    }

    /// Said once, however many cases it is about.
    fn hint(&self) -> Option<String> {
        let wanted = |one: &&Replayed<'_>| {
            one.skip_allows && one.expected.is_some_and(|expected| expected.allow)
        };
        let cases = self.replayed.iter().filter(wanted).count();
        (cases > 0).then(|| {
            format!(
                "{} denied only since an optional field is absent; with `--absent skip` such a rule does not apply \
                 (in a server: `absent` in pack-options.json, or in the pack)",
                counted(cases, "case is", "cases are")
            )
        })
    }

    pub(super) fn print(&self, output: &mut Output, quiet: bool) {
        if let Some(hint) = self.hint() {
            eprintln!("note: {hint}");
        }
        let (failed, passed) = (
            self.failed(),
            self.replayed.iter().filter(|one| one.passes()).count(),
        );
        if output.is_json() {
            let cases: Vec<Value> = self.replayed.iter().map(Replayed::to_json).collect();
            let unasked: Vec<Value> = self
                .unasked
                .iter()
                .map(|one| json!({ "name": one.name, "at": one.place }))
                .collect();
            output.value(&json!({
                "pack": self.pack.id(), "digest": self.pack.digest(),
                "passed": passed, "failed": failed,
                "cases": cases, "expectations_without_case": unasked,
            }));
            return;
        }
        for one in &self.replayed {
            one.print(output, quiet);
        }
        for one in &self.unasked {
            let word = output.tone(Tone::Bad, "FAIL");
            let name = one.name.as_deref().unwrap_or("(no name)");
            output.line(format_args!(
                "{word}  {}  ({})\n      no case goes with this expectation",
                one_line(name),
                one.place
            ));
        }
        output.line(format_args!(
            "{}: {passed} passed, {failed} failed",
            self.pack.id()
        ));
    }
}

fn counted(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

fn reason(code: &str, message: &str) -> Reason {
    Reason {
        code: code.to_owned(),
        message: message.to_owned(),
        details: None,
    }
}
