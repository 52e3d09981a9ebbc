//! `policy test`: replays vectors of contexts and expected decisions.

mod case;
mod expected;
mod passport;
mod report;
mod vectors;

use std::path::{Path, PathBuf};

use aport_gate_oap::{Absent, Pack};
use clap::Args;
use jiff::Timestamp;

use self::case::Case;
use self::expected::Expected;
use self::passport::Holder;
use self::report::{Replayed, Report};
use super::source;
use crate::cli::Verdict;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Replay test vectors against a pack.
///
/// CONTEXTS holds one case a line: `{"name", "context", "overridePassport"?}`, or the context
/// itself. EXPECTED holds one answer a line: a decision, or `{"name", "expected": {…}}`. They are
/// paired by name where both have one, else by line. A case passes when `allow` agrees and, for a
/// deny, the code of the first expected reason is among the reasons given.
///
/// Every case starts from an empty ledger. A case may carry more: `"usage"`, what the counters
/// already hold, for example `{"daily_total": 9000, "recent_keys": ["key-0001"]}`; `"tool"`, the
/// tool that is called; `"now"`, its time.
///
/// Without `"usage"`, fields of the context that are named like the counters are taken for it.
///
/// The keys of `overridePassport` replace those of the passport; `null` removes one. Without a
/// `"now"` and without `--now`, a case is judged at the time its expected decision was made, else
/// at the current time.
#[derive(Debug, Args)]
pub(in crate::cli) struct Test {
    /// The pack: a file, or the id of one that servers decide by.
    #[arg(value_name = "PACK")]
    pack: String,
    /// Passport of the agent that asks.
    #[arg(long, value_name = "FILE", required_unless_present = "vectors")]
    passport: Option<PathBuf>,
    /// Cases: JSON Lines, JSON, or a folder of JSON files that are named after their case.
    #[arg(long, value_name = "FILE", required_unless_present = "vectors")]
    contexts: Option<PathBuf>,
    /// Expected answers: JSON Lines, JSON, or a folder of JSON files that are named after their case.
    #[arg(long, value_name = "FILE", required_unless_present = "vectors")]
    expected: Option<PathBuf>,
    /// Folder with `passport.json`, `contexts.jsonl` and `expected.jsonl`, or with a folder of the
    /// pack's id that has them.
    #[arg(long, value_name = "DIR")]
    vectors: Option<PathBuf>,
    /// What a rule means that hangs on an absent optional field; published packs rely on `skip`.
    #[arg(long, value_name = "READING")]
    absent: Option<Reading>,
    /// Leave this rule out; may be given more than once.
    #[arg(long, value_name = "RULE")]
    waive: Vec<String>,
    /// Time of the cases that name none, RFC 3339.
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
    /// For a case that fails, print every stage and rule with what it saw.
    #[arg(long)]
    explain: bool,
    /// Print failing cases only.
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Reading {
    /// The rule denies.
    Deny,
    /// The rule does not apply.
    Skip,
}

impl Test {
    pub(super) fn run(&self, output: &mut Output) -> Result<Verdict, Failure> {
        let pack = self.pack()?;
        let folder = self
            .vectors
            .as_deref()
            .map(|folder| vectors_of(folder, &pack));
        let path = |given: &Option<PathBuf>, name: &str| {
            given
                .clone()
                .or_else(|| Some(folder.as_deref()?.join(name)))
                .ok_or_else(|| Failure::new(format!("`{name}` is not given")))
        };
        let holder = Holder::read(&path(&self.passport, "passport.json")?)?;
        let contexts = path(&self.contexts, "contexts.jsonl")?;
        let cases = vectors::documents(&contexts)?
            .into_iter()
            .map(|document| Case::parse(document, &pack))
            .collect::<Result<Vec<_>, _>>()?;
        if cases.is_empty() {
            return Err(Failure::file("test with", &contexts, "it holds no case"));
        }
        for case in &cases {
            if let Some((key, meant)) = case.overrides.as_ref().and_then(|map| holder.slip(map)) {
                let place = &case.place;
                return Err(Failure::new(format!(
                    "case at {place}: `overridePassport.{key}` is no field of a passport; did you mean `{meant}`?"
                )));
            }
        }
        let expected = vectors::documents(&path(&self.expected, "expected.jsonl")?)?
            .into_iter()
            .map(Expected::parse)
            .collect::<Result<Vec<_>, _>>()?;
        for note in holder.notes() {
            eprintln!("note: {note}");
        }
        for problem in pack.problems() {
            eprintln!(
                "warning: rule `{}` cannot be evaluated and denies every case: {}\n  next: correct it, or leave \
                 it out with `--waive {}`",
                problem.rule, problem.message, problem.rule
            );
        }
        let (pairs, unasked) = vectors::pair(&cases, &expected);
        let clock = Timestamp::now();
        let replayed = pairs
            .into_iter()
            .map(|(case, expected)| {
                let now = case
                    .now
                    .or(self.now)
                    .or_else(|| expected?.at)
                    .unwrap_or(clock);
                Replayed::new(&pack, &holder, (case, expected), now, self.explain)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let report = Report {
            pack: &pack,
            replayed,
            unasked,
        };
        report.print(output, self.quiet);
        Ok(report.verdict())
    }

    fn pack(&self) -> Result<Pack, Failure> {
        let mut pack = source::source(&self.pack)?.pack;
        for rule in &self.waive {
            pack = pack
                .with_waived(rule)
                .map_err(|error| Failure::new(error.to_string()))?;
        }
        Ok(match self.absent {
            None => pack,
            Some(Reading::Deny) => pack.with_absent(Absent::Deny),
            Some(Reading::Skip) => pack.with_absent(Absent::Skip),
        })
    }
}

/// The folder itself, or the one in it that is named after the pack.
fn vectors_of(folder: &Path, pack: &Pack) -> PathBuf {
    let of_pack = folder.join(pack.id().as_str());
    if of_pack.is_dir() {
        of_pack
    } else {
        folder.to_owned()
    }
}
