//! The command `aport-gate`, run as an operator runs it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failed test"
)]

mod audit;
mod decide;
mod doctor;
mod ledger;
mod mistakes;
#[cfg(unix)]
mod operating_page;
mod passport;
mod policy_check;
mod policy_list;
mod policy_test;
mod support;
