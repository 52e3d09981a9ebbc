//! Where an issuer publishes its keys, by its own metadata (RFC 8414, OpenID Connect Discovery).

use aport_gate_oap::parse_json;
use reqwest::Url;
use serde_json::Value;

use super::fetch::{Fetch, NotHad, safe_url};

/// The URL of the issuer's keys.
///
/// # Errors
/// There is no metadata, or it is not this issuer's, or names no usable place.
pub(super) async fn keys_url(fetch: &Fetch, issuer: &str) -> Result<Url, String> {
    for place in places(issuer)? {
        match fetch.get(&place).await {
            Ok(bytes) => return named_by(&bytes, issuer, &place),
            Err(NotHad::Absent(_)) => {}
            Err(failed) => return Err(failed.told(&place)),
        }
    }
    Err(format!(
        "`{issuer}` publishes no metadata; name its key set with `--oauth-jwks`"
    ))
}

/// Where the metadata may be, in the order of MCP's authorization: the well-known part comes before the
/// issuer's path, and for OpenID also behind it.
///
/// # Errors
/// The issuer is no URL that can be asked.
pub(super) fn places(issuer: &str) -> Result<Vec<Url>, String> {
    let url = safe_url(issuer)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!(
            "issuer `{issuer}` has a query or a fragment, so its metadata has no place; name its key set with `--oauth-jwks`"
        ));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    let mut paths = vec![
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        paths.push(format!("{path}/.well-known/openid-configuration"));
    }
    let at = |path: String| {
        let mut place = url.clone();
        place.set_path(&path);
        place
    };
    Ok(paths.into_iter().map(at).collect())
}

fn named_by(bytes: &[u8], issuer: &str, place: &Url) -> Result<Url, String> {
    let document = parse_json(bytes).map_err(|error| format!("`{place}` is no JSON: {error}"))?;
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    // Exactly (RFC 8414, section 3.3): else one issuer could speak for another.
    match text("issuer") {
        Some(named) if named == issuer => {}
        Some(named) => {
            let named: String = named.chars().take(200).collect();
            return Err(format!(
                "`{place}` is the metadata of issuer `{named}`, not of `{issuer}`"
            ));
        }
        None => return Err(format!("`{place}` names no issuer")),
    }
    let keys = text("jwks_uri").ok_or_else(|| format!("`{place}` has no `jwks_uri`"))?;
    safe_url(keys).map_err(|problem| format!("`jwks_uri` of `{place}`: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metadata_is_looked_for_where_the_standards_have_it() {
        let of = |issuer| {
            let places = places(issuer).unwrap();
            places.iter().map(Url::to_string).collect::<Vec<_>>()
        };
        let root = [
            "https://a.example/.well-known/oauth-authorization-server",
            "https://a.example/.well-known/openid-configuration",
        ];
        assert_eq!(of("https://a.example"), root);
        assert_eq!(of("https://a.example/"), root);
        assert_eq!(
            of("https://a.example:8443/realms/one"),
            [
                "https://a.example:8443/.well-known/oauth-authorization-server/realms/one",
                "https://a.example:8443/.well-known/openid-configuration/realms/one",
                "https://a.example:8443/realms/one/.well-known/openid-configuration",
            ]
        );
        for wrong in [
            "http://a.example",
            "a.example",
            "https://a.example/?x=1",
            "https://a.example/#x",
            "https://u:p@a.example/",
        ] {
            assert!(places(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_the_issuers_own_metadata_counts() {
        let issuer = "https://a.example";
        let place = Url::parse("https://a.example/.well-known/x").unwrap();
        let told = |document: Value| named_by(document.to_string().as_bytes(), issuer, &place);
        let keys = "https://keys.example/jwks.json";
        let good = told(json!({ "issuer": issuer, "jwks_uri": keys }));
        assert_eq!(good.unwrap().as_str(), keys);
        for wrong in [
            json!({ "issuer": "https://a.example/", "jwks_uri": keys }),
            json!({ "issuer": "https://evil.example", "jwks_uri": keys }),
            json!({ "jwks_uri": keys }),
            json!({ "issuer": issuer }),
            json!({ "issuer": issuer, "jwks_uri": "http://keys.example/jwks.json" }),
            json!({ "issuer": issuer, "jwks_uri": "file:///etc/keys" }),
            json!([issuer]),
        ] {
            assert!(told(wrong.clone()).is_err(), "{wrong}");
        }
        assert!(named_by(b"<html>", issuer, &place).is_err());
    }
}
