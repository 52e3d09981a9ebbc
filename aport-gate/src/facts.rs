//! Facts: context fields that the server looked up itself, which an agent cannot forge.

mod error;

use std::fmt::{self, Display};

use serde_json::{Map, Value};

pub use self::error::FactsError;
use crate::context::{ContextError, ContextFields};

/// What a server looked up for a call: context fields that no agent can forge.
///
/// Derive it on a struct whose fields have the names that the pack knows them by, and return the
/// struct (or a [`Result`] of it) from the function that `facts = …` names. Facts override arguments
/// of the same name, also where a fact is `None`, and the audit record lists them. When they cannot
/// be had, the call is refused: log and audit record say why, the caller learns it only from a
/// [`FactsError::for_caller`]. An agent without a passport in good standing is denied before any
/// fact is looked up.
///
/// ```
/// use aport_gate::{PolicyFacts, policy_gated};
///
/// #[derive(PolicyFacts)]
/// struct PullRequest {
///     branch: String,
///     size_kb: u64,
/// }
///
/// async fn pull_request(repository: &str, pr_number: &u64) -> Result<PullRequest, std::io::Error> {
///     // Ask the git host.
/// #   let _ = (repository, pr_number);
///     Ok(PullRequest { branch: "main".to_owned(), size_kb: 12 })
/// }
///
/// /// Merge a pull request.
/// #[policy_gated(
///     pack = "code.repository.merge.v1",
///     context(action = "pr.merge"),
///     facts = pull_request
/// )]
/// async fn merge_pull_request(repository: String, pr_number: u64) -> String {
///     format!("merged {repository}#{pr_number}")
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no facts",
    label = "not facts",
    note = "put `#[derive(aport_gate::PolicyFacts)]` on the struct that the function of `facts = …` returns"
)]
pub trait PolicyFacts: Sized {
    /// The facts over something with fields of its own; for the check of the contract.
    #[doc(hidden)]
    type Over<'a, T: 'a>
    where
        Self: 'a;

    #[doc(hidden)]
    fn over<'a, T>(&'a self, rest: &'a T) -> Self::Over<'a, T>;

    #[doc(hidden)]
    fn collect(&self, facts: &mut FactFields) -> Result<(), ContextError>;
}

/// What the function of `facts = …` may return: facts, or a [`Result`] of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no facts",
    label = "not facts",
    note = "put `#[derive(aport_gate::PolicyFacts)]` on the struct that the function of `facts = …` returns, or on the `T` of its `Result<T, E>`, with an `E` that implements `Display`"
)]
pub trait FactsResult {
    /// The facts.
    type Facts: PolicyFacts;
    /// The facts, or why they cannot be had.
    fn into_facts(self) -> Result<Self::Facts, FactsError>;
}

#[diagnostic::do_not_recommend]
impl<F: PolicyFacts> FactsResult for F {
    type Facts = F;
    fn into_facts(self) -> Result<F, FactsError> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl<F: PolicyFacts, E: Display + 'static> FactsResult for Result<F, E> {
    type Facts = F;
    fn into_facts(self) -> Result<F, FactsError> {
        self.map_err(FactsError::of)
    }
}

/// The facts of one call, by field.
#[derive(Clone, Default)]
pub struct FactFields(Map<String, Value>);

impl fmt::Debug for FactFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A value may be redacted.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl FactFields {
    /// The facts of a struct.
    ///
    /// # Errors
    /// When a fact has no JSON form.
    pub fn of(facts: &impl PolicyFacts) -> Result<Self, FactsError> {
        let mut fields = Self::default();
        facts.collect(&mut fields)?;
        Ok(fields)
    }

    /// Adds one fact; `null` says that the field is absent, whatever the agent says.
    ///
    /// # Errors
    /// When the value has no JSON form.
    pub fn field<T: serde::Serialize + ?Sized>(
        &mut self,
        field: &'static str,
        value: &T,
    ) -> Result<(), ContextError> {
        let value = ContextFields::value(field, value)?;
        self.0.insert(field.to_owned(), value);
        Ok(())
    }

    /// Puts the facts over what is in a context.
    pub(crate) fn override_in(&self, context: &mut Map<String, Value>) {
        for (field, value) in &self.0 {
            if value.is_null() {
                context.remove(field);
            } else {
                context.insert(field.clone(), value.clone());
            }
        }
    }

    pub(crate) fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    pub(crate) fn into_map(self) -> Map<String, Value> {
        self.0
    }
}
