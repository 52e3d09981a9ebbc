//! A server over HTTP as its callers meet it, and the issuer of access tokens.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde_json::{Value, json};

use super::Check;
use crate::cli::output::counted;
use crate::http::{OAuthOptions, issuer_keys};
use crate::remote::{is_loopback, tls_config};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most that is read of an answer, in bytes.
const LARGEST: usize = 256 * 1024;

/// What else to look at.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// A server that runs, to be asked as a client would: `http://127.0.0.1:8080/mcp`. No token is sent.
    #[arg(long, value_name = "URL")]
    http: Option<Url>,
    /// Authorization server whose keys a server would need, as its option of this name.
    #[arg(long, value_name = "URL")]
    oauth_issuer: Option<String>,
    /// Its key set, as the server's option of this name; else where the issuer's own metadata says.
    #[arg(long, value_name = "URL|FILE", requires = "oauth_issuer")]
    oauth_jwks: Option<String>,
    /// PEM file of authorities that are believed beside the system's.
    #[arg(long, value_name = "FILE")]
    oauth_ca: Option<PathBuf>,
}

impl Asked {
    pub(super) async fn checks(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        if let Some(issuer) = &self.oauth_issuer {
            checks.push(self.issuer(issuer).await);
        }
        if let Some(url) = &self.http {
            match self.client(url) {
                Ok(client) => checks.extend(server(&client, url).await),
                Err(problem) => checks.push(Check::bad("http", problem)),
            }
        }
        checks
    }

    async fn issuer(&self, issuer: &str) -> Check {
        let mut options = match &self.oauth_jwks {
            Some(keys) => OAuthOptions::new(issuer, keys),
            None => OAuthOptions::of_issuer(issuer),
        };
        if let Some(file) = &self.oauth_ca {
            options = options.ca_file(file);
        }
        match issuer_keys(&options).await {
            Ok(count) => Check::good(
                "issuer",
                format!(
                    "`{issuer}` has {} that verifies tokens",
                    counted(count, "key")
                ),
            ),
            Err(problem) => Check::bad(
                "issuer",
                format!("its keys cannot be had, so no access token counts: {problem}"),
            )
            .next("correct `--oauth-issuer`, or name its key set with `--oauth-jwks`"),
        }
    }

    fn client(&self, url: &Url) -> Result<Client, String> {
        let tls = tls_config(url.scheme() == "https", self.oauth_ca.as_deref());
        let mut client = Client::builder()
            .user_agent(concat!("aport-gate/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .timeout(TIMEOUT)
            .tls_backend_preconfigured(tls.map_err(|error| error.to_string())?);
        if url.host_str().is_some_and(is_loopback) {
            client = client.no_proxy();
        }
        client.build().map_err(|error| error.to_string())
    }
}

async fn server(client: &Client, url: &Url) -> Vec<Check> {
    let mut checks = Vec::new();
    let here = url.host_str().is_some_and(is_loopback);
    if url.scheme() != "https" && !here {
        let found = format!("`{url}` is not encrypted: anybody on the way reads the tokens");
        let next = "end TLS in a proxy in front, and name its URL with `--behind-tls`";
        checks.push(Check::bad("http", found).next(next));
    }
    match at(client, url, "/healthz").await {
        Ok((StatusCode::OK, _)) => checks.push(Check::good("http", format!("`{url}` answers"))),
        // A proxy in front may pass on no more than MCP.
        Ok(_) => {}
        Err(problem) => {
            checks.push(
                Check::bad("http", format!("nobody answers at `{url}`: {problem}"))
                    .next("start the server, or correct the URL"),
            );
            return checks;
        }
    }
    match at(client, url, "/readyz").await {
        Ok((StatusCode::OK, _)) => checks.push(Check::good("readiness", "it can decide")),
        Ok((StatusCode::SERVICE_UNAVAILABLE, said)) => {
            let part = |name: &str| {
                let said = said.get(name)?.as_str()?;
                (said != "ok").then(|| format!("{name}: {said}"))
            };
            let wrong: Vec<String> = ["ledger", "packs", "tokens"]
                .into_iter()
                .filter_map(part)
                .collect();
            let found = format!("it cannot decide: {}", wrong.join("; "));
            checks.push(Check::bad("readiness", found).next("see the server's log"));
        }
        Ok(_) | Err(_) => {}
    }
    checks.push(proof(client, url).await);
    checks
}

/// What a caller without a token is told.
async fn proof(client: &Client, url: &Url) -> Check {
    const SUBJECT: &str = "proof";
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
    let asking = client
        .post(url.clone())
        .header("Content-Type", "application/json")
        .header("Accept", "application/json, text/event-stream")
        .body(body.to_string());
    let answer = match asking.send().await {
        Ok(answer) => answer,
        Err(error) => return Check::bad(SUBJECT, error.without_url().to_string()),
    };
    match answer.status() {
        StatusCode::OK => Check::doubtful(SUBJECT, "it serves whoever reaches it, without a token")
            .next("aport-gate token create --agent ID, or start it with `--require-auth`"),
        StatusCode::UNAUTHORIZED => issuer_of(client, &answer).await,
        StatusCode::FORBIDDEN => Check::bad(
            SUBJECT,
            format!("it does not answer to the name in `{url}`"),
        )
        .next("start it with `--behind-tls` and the URL that clients use"),
        status => Check::bad(SUBJECT, format!("it answers with status {status}"))
            .next("the URL should end in `/mcp`; see the server's log"),
    }
}

/// Where the challenge says that tokens are issued.
async fn issuer_of(client: &Client, refused: &Response) -> Check {
    const SUBJECT: &str = "proof";
    let challenge = refused.headers().get("www-authenticate");
    let challenge = challenge.and_then(|value| value.to_str().ok());
    let metadata = challenge.and_then(|text| {
        let (_, rest) = text.split_once("resource_metadata=\"")?;
        Url::parse(rest.split('"').next()?).ok()
    });
    let Some(metadata) = metadata else {
        return Check::good(SUBJECT, "it asks for a token of `aport-gate token create`");
    };
    let document = match client.get(metadata.clone()).send().await {
        Ok(answer) if answer.status() == StatusCode::OK => json_of(answer).await,
        _ => Value::Null,
    };
    let resource = document.get("resource").and_then(Value::as_str);
    let issuer = document
        .pointer("/authorization_servers/0")
        .and_then(Value::as_str);
    match (resource, issuer) {
        (Some(resource), Some(issuer)) => Check::good(
            SUBJECT,
            format!("it asks for an access token of `{issuer}` for `{resource}`"),
        ),
        _ => Check::bad(
            SUBJECT,
            format!(
                "clients cannot find who issues its access tokens: `{metadata}` is not to be had"
            ),
        )
        .next("let the proxy in front pass on `/.well-known/oauth-protected-resource`"),
    }
}

async fn at(client: &Client, url: &Url, path: &str) -> Result<(StatusCode, Value), String> {
    let mut place = url.clone();
    place.set_path(path);
    let answer = client.get(place).send().await;
    let answer = answer.map_err(|error| told(&error.without_url()))?;
    Ok((answer.status(), json_of(answer).await))
}

/// What an answer says, as far as it is JSON and not too long.
async fn json_of(mut answer: Response) -> Value {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        if body.len().saturating_add(chunk.len()) > LARGEST {
            return Value::Null;
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).unwrap_or_default()
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}
