//! The whole call, from an rmcp client to a gated body and back, in one process.

mod arguments;
mod decide;
mod desk;
mod merge;
mod not_finite;
mod on_error;
mod redact;
mod redact_method;
mod redact_names;
mod secret;
mod settle;
mod start;
