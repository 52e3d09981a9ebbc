//! What a tool body may return, and what that says about its effect.

use std::fmt::Display;
use std::sync::Arc;

use rmcp::ErrorData;
use rmcp::handler::server::tool::IntoCallToolResult;
use rmcp::handler::server::tool::schema_for_output;
use rmcp::handler::server::wrapper::Json;
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, ErrorCode, JsonObject};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ledger::Settlement;

/// A type that a gated tool can return.
///
/// `String`, `&'static str`, `()`, [`Json<T>`], [`CallToolResult`], and
/// [`Result`] of each with any error that implements [`Display`].
#[diagnostic::on_unimplemented(
    message = "a gated tool cannot return `{Self}`",
    label = "not a tool result",
    note = "return `String`, `()`, `Json<T>` with `T: Serialize + JsonSchema`, `CallToolResult`, or `Result` of one of these with an error that implements `Display`"
)]
pub trait ToolReturn {
    /// The declared output schema, if the type has one.
    #[must_use]
    fn output_schema() -> Option<Arc<JsonObject>> {
        None
    }
    /// The result on the wire.
    fn into_result(self) -> CallToolResult;
    /// The result, and whether the tool succeeded but what it returned has no form on the wire.
    #[doc(hidden)]
    fn into_result_or_lost(self) -> (CallToolResult, bool)
    where
        Self: Sized,
    {
        (self.into_result(), false)
    }
}

impl ToolReturn for String {
    fn into_result(self) -> CallToolResult {
        CallToolResult::success(vec![ContentBlock::text(self)])
    }
}

impl ToolReturn for &'static str {
    fn into_result(self) -> CallToolResult {
        CallToolResult::success(vec![ContentBlock::text(self)])
    }
}

impl ToolReturn for () {
    fn into_result(self) -> CallToolResult {
        CallToolResult::success(Vec::new())
    }
}

impl ToolReturn for CallToolResult {
    fn into_result(self) -> CallToolResult {
        self
    }
}

impl<T: Serialize + JsonSchema + 'static> ToolReturn for Json<T> {
    fn output_schema() -> Option<Arc<JsonObject>> {
        Some(schema_for_output::<T>())
    }

    fn into_result(self) -> CallToolResult {
        self.into_result_or_lost().0
    }

    fn into_result_or_lost(self) -> (CallToolResult, bool) {
        match serde_json::to_value(self.0) {
            Ok(value) => (CallToolResult::structured(value), false),
            Err(error) => {
                let text = format!("the tool ran, but its result has no JSON form: {error}");
                (failure(text), true)
            }
        }
    }
}

impl<T: ToolReturn, E: Display> ToolReturn for Result<T, E> {
    fn output_schema() -> Option<Arc<JsonObject>> {
        T::output_schema()
    }

    fn into_result(self) -> CallToolResult {
        self.into_result_or_lost().0
    }

    fn into_result_or_lost(self) -> (CallToolResult, bool) {
        match self {
            Ok(value) => value.into_result_or_lost(),
            Err(error) => (failure(error.to_string()), false),
        }
    }
}

pub(crate) fn failure(text: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

/// Implement this on a tool's error to tell, per value, whether anything was
/// executed before it. An error that executed nothing gives back what the
/// call took from a cap and frees its idempotency key; any other holds both.
///
/// The error has to be this type itself, or a reference, [`Box`] or [`Arc`] of it. A
/// type that hides what is inside, such as `Box<dyn Error>` or `anyhow::Error`, reports
/// nothing, and `on_error` decides: keep the tool's own error type up to its signature.
pub trait ExecutionReport {
    /// True only where nothing can have been executed.
    fn nothing_executed(&self) -> bool;
}

impl<E: ExecutionReport + ?Sized> ExecutionReport for &E {
    fn nothing_executed(&self) -> bool {
        E::nothing_executed(self)
    }
}

impl<E: ExecutionReport + ?Sized> ExecutionReport for Box<E> {
    fn nothing_executed(&self) -> bool {
        E::nothing_executed(self)
    }
}

impl<E: ExecutionReport + ?Sized> ExecutionReport for Arc<E> {
    fn nothing_executed(&self) -> bool {
        E::nothing_executed(self)
    }
}

/// Asks a body's output whether it reports its execution.
///
/// Method lookup takes [`ExecutionByReport`] where the error implements
/// [`ExecutionReport`], and falls back to [`ExecutionByDefault`].
pub struct ExecutionOf<'a, R>(pub &'a R);

/// Whether nothing was executed, where the output is an error that reports it.
pub trait ExecutionByReport {
    /// See [`ExecutionReport::nothing_executed`].
    fn execution(&self) -> Option<bool>;
}

impl<T, E: ExecutionReport> ExecutionByReport for ExecutionOf<'_, Result<T, E>> {
    fn execution(&self) -> Option<bool> {
        self.0.as_ref().err().map(E::nothing_executed)
    }
}

/// The fallback: nobody reports.
pub trait ExecutionByDefault {
    /// Always `None`.
    fn execution(&self) -> Option<bool>;
}

impl<R> ExecutionByDefault for &ExecutionOf<'_, R> {
    fn execution(&self) -> Option<bool> {
        None
    }
}

/// What a call answers: a result, or an error of the protocol.
pub(crate) type Answer = Result<CallToolResponse, ErrorData>;

/// What a body returned, ready for the wire and for settlement.
pub struct Returned {
    pub(crate) answer: Answer,
    nothing_executed: Option<bool>,
}

impl Returned {
    /// Converts what a function returned.
    pub fn new<R: ToolReturn>(output: R, nothing_executed: Option<bool>) -> Self {
        let (result, lost) = output.into_result_or_lost();
        Self {
            answer: Ok(result.into()),
            // The tool did what it is for: whatever its errors mean, this is none of them.
            nothing_executed: if lost { Some(false) } else { nothing_executed },
        }
    }

    /// Converts what a method returned, as rmcp would.
    pub fn of_method<R: IntoCallToolResult>(output: R, nothing_executed: Option<bool>) -> Self {
        let answer = output.into_call_tool_result();
        // So rmcp reports a result without a JSON form, which the tool has after it ran.
        let lost = answer
            .as_ref()
            .is_err_and(|error| error.code == ErrorCode::INTERNAL_ERROR);
        Self {
            answer,
            nothing_executed: if lost { Some(false) } else { nothing_executed },
        }
    }

    /// Whether the body says that it did not do what it is for: an error, or a question back.
    pub(crate) fn is_error(&self) -> bool {
        match &self.answer {
            Ok(CallToolResponse::Complete(result)) => result.is_error == Some(true),
            Ok(CallToolResponse::Task(_)) => false,
            _ => true,
        }
    }

    /// What becomes of the reservation; `on_error` where the error itself does not report.
    pub(crate) fn settlement(&self, on_error: OnError) -> Settlement {
        if !self.is_error() {
            return Settlement::Commit;
        }
        match (self.nothing_executed, on_error) {
            (Some(true), _) | (None, OnError::Release) => Settlement::Release,
            (Some(false), _) | (None, OnError::Hold) => Settlement::Hold,
        }
    }
}

/// What an error of the body means that does not report whether anything was executed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// Something may have been executed: what the call took stays taken.
    #[default]
    Hold,
    /// Nothing was executed: what the call took is given back.
    Release,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(JsonSchema)]
    #[schemars(crate = "schemars")]
    struct Unwritable;

    impl Serialize for Unwritable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no form"))
        }
    }

    #[test]
    fn what_the_tool_did_stays_taken_when_its_result_has_no_form() {
        let held = |returned: Returned| {
            assert!(returned.is_error());
            assert_eq!(returned.settlement(OnError::Release), Settlement::Hold);
        };
        held(Returned::new(Json(Unwritable), None));
        held(Returned::new(Ok::<_, String>(Json(Unwritable)), None));
        held(Returned::of_method(Json(Unwritable), None));
        let failed = Returned::new(Err::<Json<Unwritable>, _>("closed"), None);
        assert_eq!(failed.settlement(OnError::Release), Settlement::Release);
    }
}
