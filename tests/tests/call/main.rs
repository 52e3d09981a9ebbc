//! The whole call, from an rmcp client to a gated body and back, in one process.

mod arguments;
mod decide;
mod desk;
mod merge;
mod on_error;
mod settle;
mod start;
