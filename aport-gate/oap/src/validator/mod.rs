//! Validators that rules of type `custom_validator` name: what the rule language cannot say about paths,
//! addresses, commands and rates. Each is chosen by its name alone, never by the pack that names it.
//!
//! Common to all:
//! - A limit that the passport does not set does not restrict, unless the pack lists it in `limits_required`.
//! - A limit or field of the wrong type is a policy error, which denies.
//! - Limits go by several names; where a passport sets more than one of them, each counts.

#[cfg(feature = "evaluate")]
mod address;
#[cfg(feature = "evaluate")]
mod allowed;
#[cfg(feature = "evaluate")]
mod builtin;
#[cfg(feature = "evaluate")]
mod call;
#[cfg(feature = "evaluate")]
mod command;
#[cfg(feature = "evaluate")]
mod computed;
#[cfg(feature = "evaluate")]
mod computing;
#[cfg(feature = "evaluate")]
mod deliverable;
#[cfg(feature = "evaluate")]
mod directory;
#[cfg(feature = "evaluate")]
mod domain;
#[cfg(feature = "evaluate")]
mod environment;
#[cfg(feature = "evaluate")]
mod fed;
#[cfg(feature = "evaluate")]
mod file;
#[cfg(feature = "evaluate")]
mod foreign;
#[cfg(feature = "evaluate")]
mod form;
#[cfg(feature = "evaluate")]
mod git;
#[cfg(feature = "evaluate")]
mod harmful;
#[cfg(feature = "evaluate")]
mod header;
mod kind;
#[cfg(feature = "evaluate")]
mod launch;
#[cfg(feature = "evaluate")]
mod limits;
#[cfg(feature = "evaluate")]
mod mcp;
#[cfg(feature = "evaluate")]
mod options;
#[cfg(feature = "evaluate")]
mod package;
#[cfg(feature = "evaluate")]
mod path;
#[cfg(feature = "evaluate")]
mod pattern;
#[cfg(feature = "evaluate")]
mod place;
mod rate;
#[cfg(feature = "evaluate")]
mod respelled;
#[cfg(feature = "evaluate")]
mod run;
#[cfg(feature = "evaluate")]
mod script;
#[cfg(feature = "evaluate")]
mod secret;
#[cfg(feature = "evaluate")]
mod session;
#[cfg(feature = "evaluate")]
mod shell;
#[cfg(feature = "evaluate")]
mod size;
#[cfg(feature = "evaluate")]
mod target;
#[cfg(feature = "evaluate")]
mod tool;
#[cfg(feature = "evaluate")]
mod work;
#[cfg(feature = "evaluate")]
mod wrapper;
#[cfg(feature = "evaluate")]
mod written;

#[cfg(feature = "evaluate")]
pub(crate) use call::{Call, Denial, Failure};
pub(crate) use kind::Validator;

/// A number of things, also where it is written `5.0`.
#[cfg(feature = "evaluate")]
fn natural(value: &serde_json::Value) -> Option<u64> {
    let number = crate::json::whole(value.as_number()?)?;
    u64::try_from(number).ok()
}
