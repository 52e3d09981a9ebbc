//! Clients and checkers that nobody here wrote, against the servers as processes.
//!
//! Each says so and passes where its package is not installed; with `APORT_REQUIRE_INTEROP=1` that
//! fails. `.ci/run` installs them: the packages of `tests/interop/package.json` in the folder
//! `APORT_NODE_PACKAGES`, and Python programs that the other variables name.
#![allow(missing_docs, clippy::unwrap_used)]

mod books;
mod bundle;
mod conformance;
mod fuzzer;
mod inspector;
mod packages;
mod run;
mod sdks;
mod served;
