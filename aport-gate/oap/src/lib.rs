//! Open Agent Passport core.
