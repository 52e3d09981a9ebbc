//! The example server over HTTP.
#![allow(missing_docs)]

mod front;
mod proxy;
mod serving;
mod tokens;
