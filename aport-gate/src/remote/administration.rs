//! What an administrator's key may do besides asking: issue passports and change their status.

use aport_gate_oap::{AgentId, PassportStatus};
use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::client::{RegistryClient, object_of};
use super::error::RegistryError;

impl RegistryClient {
    /// Issues a passport; what the order leaves out, the registry fills in. The answer is the passport.
    ///
    /// It is asked once: an order whose answer was lost may have been filled.
    ///
    /// # Errors
    /// [`RegistryError`]; [`RegistryError::Unauthorized`] without an administrator's key,
    /// [`RegistryError::Refused`] with status 409 where the agent has a passport already.
    pub async fn issue_passport(
        &self,
        order: &Map<String, Value>,
    ) -> Result<Map<String, Value>, RegistryError> {
        let deadline = Instant::now() + self.timeout;
        let order = Value::Object(order.clone());
        let request = self.request(Method::POST, &["api", "passports"], &order);
        let reply = self.line.connections.exchange(request, deadline).await?;
        object_of(&reply)
    }

    /// Suspends, resumes or revokes a passport. It counts for every decision that is asked for after this
    /// returns.
    ///
    /// # Errors
    /// [`RegistryError`]; [`RegistryError::Unauthorized`] without an administrator's key,
    /// [`RegistryError::Refused`] for an agent without a passport, or one that cannot become this.
    pub async fn change_status(
        &self,
        agent: &AgentId,
        status: PassportStatus,
    ) -> Result<(), RegistryError> {
        let deadline = Instant::now() + self.timeout;
        let path = ["api", "passports", agent.as_str(), "status"];
        let body = json!({ "status": status });
        let answer = self.object(Method::POST, &path, body, deadline).await?;
        match answer.get("status") {
            Some(now) if *now == json!(status) => Ok(()),
            _ => Err(RegistryError::Answer(
                "it does not say that the passport has this status now".to_owned(),
            )),
        }
    }
}
