//! Rules of type `custom_validator`, one module for each family, and what reasons and explanations say.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod call_kind;
#[cfg(test)]
mod closed_context;
#[cfg(test)]
mod command;
#[cfg(test)]
mod computed;
#[cfg(test)]
mod deliverable;
#[cfg(test)]
mod explanation;
#[cfg(test)]
mod file;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod format;
#[cfg(test)]
mod hidden;
#[cfg(test)]
mod launch;
#[cfg(test)]
mod rate;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod reference_cases;
#[cfg(test)]
mod repeated;
#[cfg(test)]
mod required_limits;
#[cfg(test)]
mod script;
#[cfg(test)]
mod session;
#[cfg(test)]
mod setting;
#[cfg(test)]
mod size;
#[cfg(test)]
mod tool;
#[cfg(test)]
mod truth;
#[cfg(test)]
mod unread;
#[cfg(test)]
mod url;
#[cfg(test)]
mod web;
#[cfg(test)]
mod whole;
