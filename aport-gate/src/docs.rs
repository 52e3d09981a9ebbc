//! Guides. There is nothing in here but documentation.

#[doc = include_str!("../docs/migration.md")]
pub mod migration {}

#[doc = include_str!("../docs/errors.md")]
pub mod errors {}

#[cfg(feature = "http-client")]
#[doc = include_str!("../docs/client.md")]
pub mod client {}

#[doc = include_str!("../docs/testing.md")]
pub mod testing {}

#[doc = include_str!("../docs/operating.md")]
pub mod operating {}

#[doc = include_str!("../docs/scaling.md")]
pub mod scaling {}

#[cfg(feature = "http")]
#[doc = include_str!("../docs/http.md")]
pub mod http {}

#[doc = include_str!("../docs/registry-server.md")]
pub mod registry_server {}

#[cfg(feature = "registry")]
#[doc = include_str!("../docs/registry.md")]
pub mod registry {}
