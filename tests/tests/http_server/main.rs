//! The example server over HTTP.
#![allow(missing_docs)]

mod front;
mod serving;
