//! What a caller wants done once.

use rmcp::model::JsonObject;
use serde::{Deserialize, Serialize};

/// Something that a caller wants a tool to do once, however many attempts that takes.
///
/// It has an idempotency key of its own. [`PassportClient::carry_out`](super::PassportClient::carry_out) sends
/// that same key with every attempt, adjusted ones too: a denied call does not use a key up, and a second call
/// that the gate would allow under a used one is refused. For something else that is to be done, even the
/// same refund a second time, make another intention.
///
/// [`StoredIntention`](super::StoredIntention) keeps it in a file, so that a program that was killed goes on with
/// the same key. It is `Serialize` for a store of your own: what comes out of that, an earlier start may have
/// carried out, which [`resumed`](Self::resumed) says.
///
/// ```
/// use aport_gate::Intention;
///
/// let serde_json::Value::Object(arguments) = serde_json::json!({ "order_id": "order-1", "amount": 500 })
///     else { unreachable!() };
/// let refund = Intention::new("process_refund", arguments.clone());
/// let another = Intention::new("process_refund", arguments);
/// assert_ne!(refund.key(), another.key());
/// let stored = serde_json::to_string(&refund)?;
/// assert_eq!(serde_json::from_str::<Intention>(&stored)?.key(), refund.key());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intention {
    pub(super) tool: String,
    pub(super) arguments: JsonObject,
    pub(super) key: String,
    /// Not of the intention, but of this start of the program.
    #[serde(skip)]
    pub(super) is_resumed: bool,
}

impl Intention {
    /// A new intention with a key that nobody used before.
    #[must_use]
    pub fn new(tool: impl Into<String>, arguments: JsonObject) -> Self {
        Self::with_key(tool, arguments, uuid::Uuid::new_v4().to_string())
    }

    /// An intention whose key the caller chose, such as the id of the order line that it is about.
    #[must_use]
    pub fn with_key(
        tool: impl Into<String>,
        arguments: JsonObject,
        key: impl Into<String>,
    ) -> Self {
        Self {
            tool: tool.into(),
            arguments,
            key: key.into(),
            is_resumed: false,
        }
    }

    /// As one that an earlier start of the program may have carried out. It is sent only where it cannot execute
    /// twice, and whatever it ends in but success leaves [open](super::ClientError::may_have_run) whether it ran.
    #[must_use]
    pub fn resumed(mut self) -> Self {
        self.is_resumed = true;
        self
    }

    /// Whether an earlier start of the program may have carried it out, wholly or in part.
    pub fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Tool to call.
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// The idempotency key of all its attempts. An argument that already has one goes before it.
    pub fn key(&self) -> &str {
        &self.key
    }
}
