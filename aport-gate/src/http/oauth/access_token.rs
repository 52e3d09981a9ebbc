//! An access token as a JWT (RFC 7519, RFC 9068): read first, believed last.

use aport_gate_oap::parse_json;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::key_set::{Algorithm, KeySet, bytes};

/// How far the clocks of issuer and server may be apart, in seconds.
const TOLERANCE: f64 = 60.0;
/// Longest token, in bytes.
const LONGEST: usize = 16 * 1024;

/// A token whose signature was not looked at: it tells which key to look at it with, and nothing else.
pub(super) struct Unverified<'t> {
    algorithm: Algorithm,
    kid: Option<String>,
    signed: &'t str,
    payload: &'t str,
    signature: Vec<u8>,
}

/// What a token with a good signature says.
pub(super) struct Claims(Map<String, Value>);

/// What a token has to say.
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) audience: &'e str,
    /// Seconds since 1970.
    pub(super) now: i64,
}

#[derive(Deserialize)]
struct Header {
    alg: Algorithm,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

/// Why a token does not count: for its sender, so without anything out of it.
pub(super) type Invalid = &'static str;

impl<'t> Unverified<'t> {
    pub(super) fn read(token: &'t str) -> Result<Self, Invalid> {
        const NO_JWT: Invalid = "the access token is no signed JWT";
        if token.len() > LONGEST {
            return Err("the access token is too long");
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(NO_JWT)?;
        let (header, payload) = signed.split_once('.').ok_or(NO_JWT)?;
        if payload.contains('.') {
            return Err(NO_JWT);
        }
        let header = bytes(Some(header)).and_then(|header| parse_json(&header).ok());
        let Some(Value::Object(header)) = header else {
            return Err(NO_JWT);
        };
        if !header.get("alg").is_some_and(Value::is_string) {
            return Err(NO_JWT);
        }
        let header: Header = serde_json::from_value(Value::Object(header))
            .map_err(|_| "the access token is not signed by an algorithm that is accepted")?;
        // What must be understood is not; keys in the header are the sender's own.
        if header.crit.is_some() {
            return Err("the access token has a critical header that is not understood");
        }
        let typ = header.typ.as_deref().map(str::to_ascii_lowercase);
        if !typ.is_none_or(|typ| matches!(typ.as_str(), "at+jwt" | "application/at+jwt" | "jwt")) {
            return Err("the token is no access token");
        }
        Ok(Self {
            algorithm: header.alg,
            kid: header.kid,
            signed,
            payload,
            signature: bytes(Some(signature)).ok_or(NO_JWT)?,
        })
    }

    /// Whether the set has a key for it.
    pub(super) fn is_known_to(&self, keys: &KeySet) -> bool {
        keys.knows(self.kid.as_deref(), self.algorithm)
    }

    /// Its claims, if one of these keys signed it.
    pub(super) fn verified(&self, keys: &KeySet) -> Result<Claims, Invalid> {
        let (kid, signed) = (self.kid.as_deref(), self.signed.as_bytes());
        if !keys.knows(kid, self.algorithm) {
            return Err("the access token is signed by a key that the issuer does not publish");
        }
        if !keys.verifies(kid, self.algorithm, signed, &self.signature) {
            return Err("the signature of the access token is wrong");
        }
        let claims = bytes(Some(self.payload)).and_then(|claims| parse_json(&claims).ok());
        match claims {
            Some(Value::Object(claims)) => Ok(Claims(claims)),
            _ => Err("the access token has no claims"),
        }
    }
}

impl Claims {
    /// Whether it is of this issuer, for this server, and for now.
    pub(super) fn check(&self, expected: &Expected<'_>) -> Result<(), Invalid> {
        if self.text("iss") != Some(expected.issuer) {
            return Err("the access token is of another issuer");
        }
        let meant = match self.0.get("aud") {
            Some(Value::String(audience)) => audience == expected.audience,
            Some(Value::Array(audiences)) => audiences.iter().any(|one| one == expected.audience),
            _ => false,
        };
        if !meant {
            return Err("the access token is for another audience");
        }
        #[expect(clippy::cast_precision_loss, reason = "seconds of this epoch fit")]
        let now = expected.now as f64;
        match self.time("exp")? {
            Some(end) if now < end + TOLERANCE => {}
            Some(_) => return Err("the access token is expired"),
            None => return Err("the access token never expires"),
        }
        for begin in ["nbf", "iat"] {
            if self
                .time(begin)?
                .is_some_and(|begin| now + TOLERANCE < begin)
            {
                return Err("the access token is not valid yet");
            }
        }
        Ok(())
    }

    /// A claim of text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// Whether it was granted this scope, in `scope` (RFC 9068) or, as some issuers write it, `scp`.
    pub(super) fn grants(&self, scope: &str) -> bool {
        ["scope", "scp"].iter().any(|name| match self.0.get(*name) {
            Some(Value::String(granted)) => granted.split(' ').any(|one| one == scope),
            Some(Value::Array(granted)) => granted.iter().any(|one| one == scope),
            _ => false,
        })
    }

    fn time(&self, name: &str) -> Result<Option<f64>, Invalid> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Number(time)) => Ok(time.as_f64().filter(|time| time.is_finite())),
            Some(_) => Err("a time in the access token is no number"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_800_000_000;

    fn fixtures() -> (KeySet, Value) {
        let all: Value = serde_json::from_str(include_str!("fixtures.json")).unwrap();
        let keys = KeySet::parse(all["jwks"].to_string().as_bytes()).unwrap();
        (keys, all["tokens"].clone())
    }

    fn verify(keys: &KeySet, token: &str) -> Result<Claims, Invalid> {
        let claims = Unverified::read(token)?.verified(keys)?;
        let expected = Expected {
            issuer: "https://issuer.example",
            audience: "https://mcp.example.com/mcp",
            now: NOW,
        };
        claims.check(&expected).map(|()| claims)
    }

    #[test]
    fn every_algorithm_of_the_list_verifies_and_no_other() {
        let (keys, tokens) = fixtures();
        let good = ["RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA"];
        for (name, token) in tokens.as_object().unwrap() {
            let told = verify(&keys, token.as_str().unwrap());
            assert_eq!(told.is_ok(), good.contains(&name.as_str()), "{name}");
        }
        let claims = verify(&keys, tokens["ES256"].as_str().unwrap())
            .ok()
            .unwrap();
        assert_eq!(claims.text("sub"), Some("ap_tester"));
        assert!(claims.grants("tools") && !claims.grants("tool"));
    }

    #[test]
    fn any_change_of_a_token_is_noticed() {
        let (keys, tokens) = fixtures();
        for name in ["RS256", "ES256", "EdDSA"] {
            let token = tokens[name].as_str().unwrap();
            let parts: Vec<&str> = token.split('.').collect();
            let other = tokens["ES384"].as_str().unwrap();
            let stranger = other.split('.').nth(2).unwrap();
            for changed in [
                String::new(),
                format!("{}.{}.", parts[0], parts[1]),
                format!("{}.{}", parts[0], parts[1]),
                format!("{token}.{}", parts[2]),
                format!("{token}="),
                format!(" {token}"),
                format!("{}.{}.{stranger}", parts[0], parts[1]),
                format!("{}.{}x.{}", parts[0], parts[1], parts[2]),
                format!("{}.e30.{}", parts[0], parts[2]),
            ] {
                assert!(verify(&keys, &changed).is_err(), "{changed}");
            }
        }
    }

    #[test]
    fn claims_must_be_of_this_issuer_for_this_server_and_for_now() {
        let expected = Expected {
            issuer: "https://issuer.example",
            audience: "https://mcp.example.com/mcp",
            now: NOW,
        };
        let good = json!({ "iss": expected.issuer, "aud": expected.audience, "exp": NOW + 300 });
        let told = |change: Value| {
            let mut claims = good.as_object().unwrap().clone();
            for (name, value) in change.as_object().unwrap() {
                claims.insert(name.clone(), value.clone());
                if value.is_null() {
                    claims.remove(name);
                }
            }
            Claims(claims).check(&expected).is_ok()
        };
        assert!(told(json!({})));
        assert!(told(json!({ "exp": NOW - 59, "nbf": NOW + 59 })));
        assert!(told(json!({ "aud": ["x", expected.audience] })));
        for wrong in [
            json!({ "exp": NOW - 61 }),
            json!({ "exp": null }),
            json!({ "exp": "4102444800" }),
            json!({ "nbf": NOW + 61 }),
            json!({ "nbf": true }),
            json!({ "iat": NOW + 61 }),
            json!({ "iss": "https://issuer.example/" }),
            json!({ "iss": [expected.issuer] }),
            json!({ "iss": null }),
            json!({ "aud": "https://mcp.example.com" }),
            json!({ "aud": [] }),
            json!({ "aud": null }),
            json!({ "aud": { "0": expected.audience } }),
        ] {
            assert!(!told(wrong.clone()), "{wrong}");
        }
    }

    #[test]
    fn a_token_without_a_key_id_needs_a_set_with_one_key_that_fits() {
        let (_, tokens) = fixtures();
        let all: Value = serde_json::from_str(include_str!("fixtures.json")).unwrap();
        let keys = all["jwks"]["keys"].as_array().unwrap();
        let token = Unverified::read(tokens["EdDSA"].as_str().unwrap()).unwrap();
        let nameless = Unverified { kid: None, ..token };
        let ed: Vec<Value> = keys
            .iter()
            .filter(|key| key["kid"] == "ed")
            .cloned()
            .collect();
        let twice = json!({ "keys": [ed[0], ed[0]] });
        let once = KeySet::parse(json!({ "keys": ed }).to_string().as_bytes()).unwrap();
        assert!(nameless.verified(&once).is_ok());
        let twice = KeySet::parse(twice.to_string().as_bytes()).unwrap();
        assert!(nameless.verified(&twice).is_err());
        for none in [
            "{}",
            "[]",
            "{\"keys\":[]}",
            "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}",
        ] {
            assert!(KeySet::parse(none.as_bytes()).is_err(), "{none}");
        }
    }
}
