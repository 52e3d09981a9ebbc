//! Decision tokens: a decision's essentials as a compact JWS (RFC 7515, EdDSA of RFC 8037).

use aport_gate_oap::{AgentId, Decision};
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::{document, known_to_old};
use super::auth::{self, Need};
use super::body;
use super::problem::{Problem, json_response};
use super::serve::Peer;
use super::state::{Registry, Shared};
use super::verify;
use crate::signing::{DecisionSigner, DecisionVerifier, SignatureError};

/// Seconds for which a token holds: a suspension must count within 30.
const HOLDS_FOR: i64 = 30;
/// Seconds by which another machine's clock may be ahead.
const TOLERANCE: i64 = 5;
/// Who issues.
const ISSUER: &str = "aport-gate-registry";
/// Kind of token: no other document of these keys passes for one.
const TYPE: &str = "oap-decision+jwt";
/// What of a decision is in a token.
const ESSENTIALS: [&str; 11] = [
    "decision_id",
    "policy_id",
    "agent_id",
    "allow",
    "outcome",
    "reasons",
    "assurance_level",
    "created_at",
    "passport_digest",
    "policy_hash",
    "context_digest",
];

/// `POST /api/verify/token/{pack_id}`: decides as `policy` does, and answers with a token.
pub(super) async fn issue(
    State(registry): State<Shared>,
    Extension(peer): Extension<Peer>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let decided = verify::decide(&registry, peer, path, request).await?;
    let decision = &decided.decision;
    let token = sign(&registry.signer.signer(), decision)?;
    let body = json!({
        "token": token,
        "decision_id": decision.decision_id,
        "allow": decision.allow,
        "expires_in": HOLDS_FOR,
    });
    let response = json_response(StatusCode::OK, &body);
    Ok(decided.finish(&registry, response))
}

/// `POST /api/verify/token/validate`.
pub(super) async fn validate(
    State(registry): State<Shared>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Problem> {
    let caller = auth::allow(&registry, request.headers(), peer, Need::Caller)?;
    let standing = registry.limits.count(caller.subject())?;
    let body = body::object(&registry, request).await?;
    let token = body.get("token").and_then(Value::as_str);
    let token = token.ok_or_else(|| Problem::invalid("`token` must be a string"))?;
    let claims = read(&registry, token)?;
    expected(&body, &claims)?;
    still_stands(&registry, &claims)?;
    let decision = claims.get("decision").and_then(Value::as_object);
    let mut decision = decision.map(known_to_old).unwrap_or_default();
    let left = number(&claims, "exp").saturating_sub(Timestamp::now().as_second());
    decision.insert("expires_in".to_owned(), left.max(0).into());
    let body = json!({ "valid": true, "decision": decision, "claims": claims });
    let mut response = json_response(StatusCode::OK, &body);
    if let Some(standing) = standing {
        response.extensions_mut().insert(standing);
    }
    Ok(response)
}

fn sign(signer: &DecisionSigner, decision: &Decision) -> Result<String, Problem> {
    let whole = document(decision)?;
    let essential = |field: &&str| Some(((*field).to_owned(), whole.get(*field)?.clone()));
    let essentials: Map<String, Value> = ESSENTIALS.iter().filter_map(essential).collect();
    let issued = decision.created_at.as_second();
    let header = json!({ "alg": "EdDSA", "typ": TYPE, "kid": signer.kid() });
    let claims = json!({
        "iss": ISSUER,
        "aud": decision.policy_id,
        "sub": decision.agent_id,
        "jti": decision.decision_id,
        "iat": issued,
        "exp": issued.saturating_add(HOLDS_FOR),
        "decision": essentials,
    });
    let encode = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(&header), encode(&claims));
    let signature = signer.sign_bytes(signed.as_bytes());
    Ok(format!(
        "{signed}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(signature)
    ))
}

/// The claims of a token that one of our keys signed and that has not expired.
fn read(registry: &Registry, token: &str) -> Result<Map<String, Value>, Problem> {
    let malformed = || Problem::invalid("`token` is not a decision token");
    let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
    let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
    let object = |part: &str| -> Option<Map<String, Value>> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
        match aport_gate_oap::parse_json(&bytes).ok()? {
            Value::Object(object) => Some(object),
            _ => None,
        }
    };
    let header = object(header).ok_or_else(malformed)?;
    // Nothing in the header chooses how it is checked, but the key's name.
    if header.get("alg") != Some(&json!("EdDSA")) || header.get("typ") != Some(&json!(TYPE)) {
        return Err(malformed());
    }
    let kid = header.get("kid").and_then(Value::as_str);
    let kid = kid.ok_or_else(malformed)?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok();
    let signature: [u8; 64] = signature
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(malformed)?;
    let keys = DecisionVerifier::new(&registry.keys.published()).map_err(|error| {
        tracing::error!(%error, "the registry's own keys cannot be used");
        Problem::unavailable("the registry's own keys cannot be used")
    })?;
    keys.verify_bytes(kid, signed.as_bytes(), &signature)
        .map_err(|error: SignatureError| {
            let status = StatusCode::BAD_REQUEST;
            Problem::new(status, "signature_verification_failed", error.to_string())
        })?;
    let claims = object(claims).ok_or_else(malformed)?;
    let now = Timestamp::now().as_second();
    if claims.get("iss") != Some(&json!(ISSUER)) {
        return Err(Problem::invalid("the token is of another issuer"));
    }
    if number(&claims, "exp") <= now || number(&claims, "iat") > now.saturating_add(TOLERANCE) {
        let message = "the token has expired; ask for a new decision";
        let status = StatusCode::BAD_REQUEST;
        return Err(Problem::new(status, "decision_expired", message));
    }
    Ok(claims)
}

/// A caller may say whose token about which pack it takes.
fn expected(body: &Map<String, Value>, claims: &Map<String, Value>) -> Result<(), Problem> {
    for (field, claim) in [("policy_id", "aud"), ("agent_id", "sub")] {
        match body.get(field) {
            None | Some(Value::Null) => {}
            wanted if wanted == claims.get(claim) => {}
            Some(_) => {
                let message = format!("the token is of another `{field}`");
                return Err(Problem::invalid(message));
            }
        }
    }
    Ok(())
}

/// A suspension counts for tokens at once here; elsewhere when they expire.
fn still_stands(registry: &Registry, claims: &Map<String, Value>) -> Result<(), Problem> {
    let agent = claims
        .get("sub")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let agent = AgentId::parse(agent).map_err(|error| Problem::invalid(error.to_string()))?;
    let Some(passport) = registry.verifier.passport(&agent)? else {
        // The decision may have been on a passport in its request.
        if registry.settings.body_passports {
            return Ok(());
        }
        let message = "there is no passport of this agent any more; ask for a new decision";
        let status = StatusCode::BAD_REQUEST;
        return Err(Problem::new(status, "decision_expired", message));
    };
    let digest = claims
        .get("decision")
        .and_then(|decision| decision.get("passport_digest"));
    if digest == Some(&json!(passport.digest())) && passport.parent_status().is_none() {
        return Ok(());
    }
    let message = "the passport changed since; ask for a new decision";
    let status = StatusCode::BAD_REQUEST;
    Err(Problem::new(status, "decision_expired", message))
}

fn number(claims: &Map<String, Value>, claim: &str) -> i64 {
    claims.get(claim).and_then(Value::as_i64).unwrap_or(0)
}
