//! Assertions as macros, on an answer or whatever turns into one.

/// Demands that a tool ran and succeeded.
///
/// Takes an [`Answer`](crate::testing::Answer), a reference to one, or rmcp's `CallToolResult`. The
/// failure shows why it did not.
#[doc(hidden)]
#[macro_export]
macro_rules! __testing_assert_allowed {
    ($answer:expr $(,)?) => {
        $crate::testing::Answer::from($answer).assert_allowed()
    };
}

/// Demands that a policy denied a call, with a code among its reasons, and perhaps with the field
/// and the numbers that the reason must name.
///
/// ```
/// use aport_gate::testing::{Scripted, TestGate, assert_denied};
/// # use aport_gate::policy_gated;
/// # #[policy_gated(pack = "code.repository.merge.v1", context(action = "pr.merge"))]
/// # async fn merge(repository: String, branch: String, pr_number: u64) -> String {
/// #     format!("{repository}{branch}{pr_number}")
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let over = Scripted::deny("oap.limit_exceeded", "3 is over the limit 2").limit("size_kb", 3, 2);
/// let gate = TestGate::builder().always(over).build().await;
/// # let arguments = serde_json::json!({ "repository": "a/b", "branch": "main", "pr_number": 1 });
/// let answer = gate.call(merge, (), arguments).await;
/// assert_denied!(&answer, "oap.limit_exceeded");
/// assert_denied!(answer, "oap.limit_exceeded", field = "size_kb", actual = 3, limit = 2);
/// # }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __testing_assert_denied {
    ($answer:expr, $code:expr $(, $detail:ident = $value:expr)* $(,)?) => {{
        let answer = $crate::testing::Answer::from($answer);
        let reason = answer.assert_denied($code);
        $($crate::testing::__assert_detail(reason, ::core::stringify!($detail), $value.into());)*
        let _ = reason;
    }};
}

/// Demands that a call was refused without a decision, with a `gate.*` code.
#[doc(hidden)]
#[macro_export]
macro_rules! __testing_assert_refused {
    ($answer:expr, $code:expr $(,)?) => {{
        let answer = $crate::testing::Answer::from($answer);
        let _ = answer.assert_refused($code);
    }};
}

/// For [`assert_denied!`](crate::testing::assert_denied) only.
///
/// # Panics
/// When the reason's details do not say so.
#[doc(hidden)]
#[track_caller]
pub fn __assert_detail(reason: &serde_json::Value, name: &str, expected: serde_json::Value) {
    let found = reason.get("details").and_then(|details| details.get(name));
    if found != Some(&expected) {
        panic!("expected a denial whose `{name}` is {expected}, but its reason is {reason}");
    }
}
