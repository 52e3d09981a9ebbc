//! Who sent a request: by its access token, or by the word of a trusted proxy.

use std::net::IpAddr;

use aport_gate_oap::AgentId;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HeaderName};

use super::challenge::Challenge;
use super::oauth::{OAuth, Refused};
use super::problem::{Problem, single};
use super::trusted_proxy::TrustedProxy;
use crate::agent_tokens::{AgentTokens, PREFIX};
use crate::http_caller::HttpCaller;

/// In which a trusted proxy names the agent.
const AGENT_HEADER: HeaderName = HeaderName::from_static("x-agent-passport-id");

/// How requests are authenticated.
pub(super) struct Authentication {
    pub(super) tokens: AgentTokens,
    pub(super) proxies: Vec<TrustedProxy>,
    /// Whether every request must prove its agent, even where no token was made yet.
    pub(super) required: bool,
    pub(super) oauth: Option<OAuth>,
    pub(super) challenge: Challenge,
}

impl Authentication {
    /// Who sent a request with these headers.
    ///
    /// # Errors
    /// 401 where a token is missing or does not count; 403 for the word of a proxy that is not trusted;
    /// 400 for headers with two meanings; 503 when nobody can be authenticated now.
    pub(super) async fn caller(
        &self,
        headers: &HeaderMap,
        peer: IpAddr,
    ) -> Result<HttpCaller, Problem> {
        let token = match single(headers, AUTHORIZATION)? {
            Some(value) => Some(self.agent_of(value).await?),
            None if self.needs_token()? => return Err(self.challenge.missing()),
            None => None,
        };
        let proxy = match single(headers, AGENT_HEADER)? {
            Some(named) => Some(self.named_by_proxy(named, peer)?),
            None => None,
        };
        if self.required && token.is_none() && proxy.is_none() {
            return Err(self.challenge.missing());
        }
        Ok(HttpCaller::of(token, proxy))
    }

    /// Whether tokens were made, revoked ones too: revoking the last one must not open the server.
    fn needs_token(&self) -> Result<bool, Problem> {
        if self.oauth.is_some() {
            return Ok(true);
        }
        match self.tokens.all() {
            Ok(tokens) => Ok(!tokens.is_empty()),
            Err(error) => Err(unreadable(&error)),
        }
    }

    async fn agent_of(&self, authorization: &str) -> Result<AgentId, Problem> {
        let (scheme, token) = authorization.split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(self.challenge.missing());
        }
        let token = token.trim();
        match &self.oauth {
            Some(oauth) if !token.starts_with(PREFIX) => {
                let agent = oauth.agent_of(token).await;
                agent.map_err(|refused| self.refusal(refused))
            }
            _ => self.own(token),
        }
    }

    fn own(&self, token: &str) -> Result<AgentId, Problem> {
        let found = self
            .tokens
            .find(token)
            .map_err(|error| unreadable(&error))?;
        let token = found.ok_or_else(|| {
            self.challenge
                .invalid("the access token is unknown, expired or revoked")
        })?;
        Ok(token.agent)
    }

    fn refusal(&self, refused: Refused) -> Problem {
        match refused {
            Refused::Invalid(why) => self.challenge.invalid(why),
            Refused::Scope(scope) => self.challenge.scope(&scope),
            Refused::NoAgent(claim) => Problem::forbidden(&format!(
                "the access token names no agent's passport in claim `{claim}`"
            )),
            Refused::Unavailable => {
                Problem::unavailable("the issuer's keys cannot be had; the server's log says why")
            }
        }
    }

    /// From anybody else the header is refused, not passed over: a request that names an agent must not
    /// be served as another one's, or as nobody's, because a proxy was forgotten in the configuration.
    fn named_by_proxy(&self, named: &str, peer: IpAddr) -> Result<AgentId, Problem> {
        if !self.proxies.iter().any(|proxy| proxy.includes(peer)) {
            return Err(Problem::forbidden(
                "header `X-Agent-Passport-Id` counts only from a trusted proxy; send an access token instead",
            ));
        }
        AgentId::parse(named).map_err(|error| {
            Problem::invalid(&format!(
                "header `X-Agent-Passport-Id` is not an agent id: {error}"
            ))
        })
    }
}

fn unreadable(error: &crate::secret_file::SecretError) -> Problem {
    tracing::error!(%error, "the tokens of agents cannot be read; nobody is let in");
    Problem::unavailable("the tokens of agents cannot be read; the server's log says why")
}
