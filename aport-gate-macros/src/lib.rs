//! The `#[policy_gated]` attribute.
