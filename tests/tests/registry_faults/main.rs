//! Registry mode against everything that a network and a broken or malicious server can do: the body
//! of the tool must not run, the refusal names what failed, and the audit has it.

mod allows;
mod calls;
mod desk;
mod echoes;
mod faults;
mod hostile;
mod ours;
mod proxy;
mod secure;
mod server;
mod span;
mod tls;
