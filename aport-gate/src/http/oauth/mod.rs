//! The server as an OAuth 2.1 resource server, as MCP's authorization has it.

mod access_token;
mod discovery;
mod fetch;
mod issuer_keys;
mod key_set;
mod metadata;
mod published;
mod settings;

use aport_gate_oap::AgentId;

use self::access_token::{Expected, Unverified};
use self::issuer_keys::IssuerKeys;
pub(super) use self::metadata::{Metadata, show};
pub use self::settings::OAuthOptions;

/// Whose tokens count, and what they have to say.
pub(super) struct OAuth {
    options: OAuthOptions,
    audience: String,
    keys: IssuerKeys,
}

/// How many keys an issuer has now that verify.
///
/// # Errors
/// Why they cannot be had.
#[cfg(feature = "cli")]
pub(crate) async fn issuer_keys(options: &OAuthOptions) -> Result<usize, String> {
    options.check()?;
    let keys = IssuerKeys::new(options)?;
    keys.now().await.map(|keys| keys.len())
}

/// Why a token does not count.
pub(super) enum Refused {
    /// It is no token that counts here, and why.
    Invalid(&'static str),
    /// It is good, and was not granted this scope.
    Scope(String),
    /// It is good, and names no agent.
    NoAgent(String),
    /// Nobody can tell now.
    Unavailable,
}

impl OAuth {
    /// `resource` is the audience unless the options name another.
    ///
    /// # Errors
    /// The keys cannot be used, and why.
    pub(super) fn new(options: OAuthOptions, resource: &str) -> Result<Self, String> {
        let keys = IssuerKeys::new(&options)?;
        let audience = options.audience.clone();
        let audience = audience.unwrap_or_else(|| resource.to_owned());
        let asked_for = options.resource(resource);
        if audience != asked_for {
            tracing::warn!(
                audience,
                "access tokens must name an audience that is no URL; clients ask the issuer for one for `{asked_for}`, so it has to put that audience into those"
            );
        }
        Ok(Self {
            audience,
            keys,
            options,
        })
    }

    /// The agent that a token is for.
    pub(super) async fn agent_of(&self, token: &str) -> Result<AgentId, Refused> {
        let token = Unverified::read(token).map_err(Refused::Invalid)?;
        let keys = self.keys.keys_for(&token).await;
        let keys = keys.map_err(|_| Refused::Unavailable)?;
        let claims = token.verified(&keys).map_err(Refused::Invalid)?;
        let expected = Expected {
            issuer: &self.options.issuer,
            audience: &self.audience,
            now: jiff::Timestamp::now().as_second(),
        };
        claims.check(&expected).map_err(Refused::Invalid)?;
        if let Some(scope) = &self.options.scope
            && !claims.grants(scope)
        {
            return Err(Refused::Scope(scope.clone()));
        }
        let agent = claims.text(&self.options.agent_claim);
        agent
            .and_then(|agent| AgentId::parse(agent).ok())
            .ok_or_else(|| Refused::NoAgent(self.options.agent_claim.clone()))
    }
}
