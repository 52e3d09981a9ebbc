//! Signatures that count, and those that do not; keys as files.

use std::path::PathBuf;

use aport_gate_oap::canonical_json;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Map, Value, json};

use super::*;

fn signer() -> DecisionSigner {
    DecisionSigner::from_seed(&[7; 32])
}

fn verifier(keys: &[&DecisionSigner]) -> DecisionVerifier {
    let keys = keys.iter().map(|key| key.public_key()).collect();
    DecisionVerifier::new(&Jwks { keys }).unwrap()
}

fn document() -> Map<String, Value> {
    let document = json!({
        "decision_id": "550e8400-e29b-41d4-a716-446655440000",
        "policy_id": "finance.payment.refund.v1", "agent_id": "ap_one", "passport_id": "ap_one",
        "owner_id": "org_1", "assurance_level": "L2", "allow": false, "outcome": "deny",
        "reasons": [{ "code": "oap.limit_exceeded", "message": "60000 > 50000 €",
            "details": { "rule": "cap", "actual": 60000, "limit": 50000 } }],
        "created_at": "2026-11-23T10:00:00Z", "issued_at": "2026-11-23T10:00:00Z",
        "expires_in": 60, "expires_at": "2026-11-23T10:01:00Z",
        "passport_digest": "sha256:00", "policy_hash": "sha256:01", "context_digest": "sha256:02",
        "a_field_of_a_later_version": { "z": 1, "a": [1.5, null] },
    });
    let Value::Object(document) = document else {
        unreachable!()
    };
    document
}

fn signed() -> Map<String, Value> {
    let mut document = document();
    signer().sign_document(&mut document).unwrap();
    document
}

fn check(document: Map<String, Value>) -> Result<(), SignatureError> {
    verifier(&[&signer()])
        .verify_document(&document.into())
        .map(|_| ())
}

/// RFC 8032, section 7.1, test 1: the key of the signer is the key of the standard.
#[test]
fn a_seed_makes_the_key_of_rfc_8032() {
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
    let signer = DecisionSigner::from_seed(&bytes(seed).try_into().unwrap());
    let x = signer.public_key().x.unwrap();
    assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(x).unwrap(), bytes(public));
    let key = SigningKey::from_bytes(&bytes(seed).try_into().unwrap());
    assert_eq!(key.sign(b"").to_bytes().to_vec(), bytes(signature));
    // RFC 8037, appendix A.3: the thumbprint of this very key.
    assert_eq!(
        signer.kid(),
        "oap:owner:kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// Recomputed here from the words of the format, without the code under test.
#[test]
fn the_signature_is_over_the_canonical_form_without_itself() {
    let mut document = signed();
    let Some(Value::String(signature)) = document.remove("signature") else {
        panic!("no signature")
    };
    let canonical = canonical_json(&Value::Object(document)).unwrap();
    let text = String::from_utf8(canonical.clone()).unwrap();
    assert!(
        text.starts_with(r#"{"a_field_of_a_later_version":{"a":[1.5,null],"z":1},"agent_id":"#),
        "{text}"
    );
    let key = SigningKey::from_bytes(&[7; 32]);
    let expected = BASE64_STANDARD.encode(key.sign(&canonical).to_bytes());
    assert_eq!(signature, format!("ed25519:{expected}"));
}

#[test]
fn the_order_of_members_and_the_spelling_of_numbers_do_not_matter() {
    let text = Value::Object(signed()).to_string();
    let respelled = text.replace("60000,", "6e4,").replace(",\"", " ,\n \"");
    assert_ne!(text, respelled);
    let mut reordered = Map::new();
    let Value::Object(members) = serde_json::from_str::<Value>(&respelled).unwrap() else {
        unreachable!()
    };
    for (name, value) in members.into_iter().rev() {
        reordered.insert(name, value);
    }
    check(reordered).unwrap();
}

#[test]
fn a_change_of_any_field_is_noticed() {
    let whole = signed();
    for field in document().keys() {
        let mut changed = whole.clone();
        changed[field] = json!("another");
        assert!(
            matches!(check(changed), Err(SignatureError::Mismatch { .. })),
            "{field}"
        );
        let mut removed = whole.clone();
        removed.remove(field);
        assert!(
            matches!(check(removed), Err(SignatureError::Mismatch { .. })),
            "{field}"
        );
    }
    let mut added = whole;
    added.insert("extra".to_owned(), json!(null));
    assert!(matches!(check(added), Err(SignatureError::Mismatch { .. })));
}

#[test]
fn a_signature_counts_under_its_own_key_id_only() {
    let other = DecisionSigner::from_seed(&[8; 32]);
    let both = verifier(&[&signer(), &other]);
    let mut moved = signed();
    moved["kid"] = other.kid().into();
    assert!(matches!(
        both.verify_document(&moved.clone().into()),
        Err(SignatureError::Mismatch { .. })
    ));
    moved["kid"] = "oap:owner:nobody".into();
    assert!(matches!(
        check(moved.clone()),
        Err(SignatureError::UnknownKey { .. })
    ));
    moved.remove("kid");
    assert!(matches!(
        check(moved),
        Err(SignatureError::Field { field: "kid", .. })
    ));
    // Even where a key set gives one key two names.
    let mut twice = signer().public_key();
    twice.kid = Some("oap:owner:alias".to_owned());
    let keys = vec![signer().public_key(), twice];
    let aliased = DecisionVerifier::new(&Jwks { keys }).unwrap();
    let mut renamed = signed();
    renamed["kid"] = "oap:owner:alias".into();
    assert!(aliased.verify_document(&renamed.into()).is_err());
}

#[test]
fn malformed_and_forged_signatures_do_not_count() {
    let zero = format!("ed25519:{}", BASE64_STANDARD.encode([0; 64]));
    let short = format!("ed25519:{}", BASE64_STANDARD.encode([1; 63]));
    let real = signed()["signature"].as_str().unwrap().to_owned();
    let bare = real.trim_start_matches("ed25519:").to_owned();
    let mut flipped = BASE64_STANDARD.decode(&bare).unwrap();
    flipped[0] ^= 1;
    let flipped = format!("ed25519:{}", BASE64_STANDARD.encode(flipped));
    for bad in [
        zero,
        short,
        flipped,
        bare,
        format!("rsa:{real}"),
        String::new(),
    ] {
        let mut document = signed();
        document["signature"] = bad.clone().into();
        assert!(check(document).is_err(), "{bad}");
    }
    let mut document = signed();
    document["signature"] = json!(7);
    assert!(check(document).is_err());
    assert!(verifier(&[&signer()]).verify_document(&json!([])).is_err());
    // The schema's pattern leaves padding open.
    let mut unpadded = signed();
    unpadded["signature"] = real.trim_end_matches('=').into();
    check(unpadded).unwrap();
}

/// `S + L` verifies under the same key for a lax verifier: one decision would have two signatures.
#[test]
fn a_signature_with_a_scalar_out_of_range_does_not_count() {
    const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let mut document = signed();
    let real = document["signature"]
        .as_str()
        .unwrap()
        .trim_start_matches("ed25519:");
    let mut signature = BASE64_STANDARD.decode(real).unwrap();
    let mut carry = 0_u16;
    for (digit, add) in signature[32..].iter_mut().zip(bytes(ORDER)) {
        let sum = u16::from(*digit) + u16::from(add) + carry;
        *digit = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    document["signature"] = format!("ed25519:{}", BASE64_STANDARD.encode(signature)).into();
    assert!(check(document).is_err());
}

#[test]
fn keys_that_prove_nothing_are_refused() {
    let with_x = |x: [u8; 32]| Jwk {
        x: Some(BASE64_URL_SAFE_NO_PAD.encode(x)),
        ..signer().public_key()
    };
    let mut identity = [0; 32];
    identity[0] = 1;
    let without = |change: fn(&mut Jwk)| {
        let mut key = signer().public_key();
        change(&mut key);
        vec![key]
    };
    for (what, keys) in [
        ("the neutral element", vec![with_x(identity)]),
        ("order four", vec![with_x([0; 32])]),
        ("no point", vec![with_x([2; 32])]),
        ("no key", without(|key| key.x = None)),
        ("short", without(|key| key.x = Some("AAAA".to_owned()))),
        ("no id", without(|key| key.kid = None)),
        ("twice", vec![signer().public_key(), signer().public_key()]),
    ] {
        let refused = DecisionVerifier::new(&Jwks { keys });
        assert!(matches!(refused, Err(SignatureError::Key { .. })), "{what}");
    }
    let other_kind: Jwks = serde_json::from_value(json!({ "keys": [
        { "kty": "EC", "crv": "P-256", "x": "f83OJ3D2", "y": "x_FEzRu9", "kid": "1", "use": "sig" },
        { "kty": "RSA", "n": "0vx7", "e": "AQAB" },
        signer().public_key(),
    ] }))
    .unwrap();
    assert!(
        DecisionVerifier::new(&other_kind)
            .unwrap()
            .verify_document(&signed().into())
            .is_ok()
    );
}

#[test]
fn nothing_prints_the_key() {
    let seed = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
    let home = Keys::new();
    let keys = SigningKeys::open(&home.folder()).unwrap();
    for text in [format!("{:?}", signer()), format!("{keys:?}")] {
        assert!(!text.contains(&seed) && !text.contains("7, 7, 7"), "{text}");
    }
    let file = home.folder().join("ed25519-000001.jwk");
    let private: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let secret = private["d"].as_str().unwrap().to_owned();
    assert!(!format!("{keys:?}").contains(&secret));
    let cut = &std::fs::read_to_string(&file).unwrap()[..170];
    std::fs::write(&file, cut).unwrap();
    let error = SigningKeys::open(&home.folder()).unwrap_err();
    assert!(
        !format!("{error} {error:?}").contains(&secret[..8]),
        "{error:?}"
    );
}

struct Keys(tempfile::TempDir);

impl Keys {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("keys")
    }
}

#[test]
fn an_old_key_stays_published_after_rotation_and_the_new_one_signs() {
    let home = Keys::new();
    let first = SigningKeys::open(&home.folder()).unwrap();
    let mut document = document();
    first.signer().sign_document(&mut document).unwrap();
    let old = first.signer().kid().to_owned();
    let rotated = first.rotate().unwrap();
    assert_ne!(rotated.signer().kid(), old);
    let again = SigningKeys::open(&home.folder()).unwrap();
    assert_eq!(again.signer().kid(), rotated.signer().kid());
    let kids: Vec<_> = again
        .jwks()
        .keys
        .into_iter()
        .map(|key| key.kid.unwrap())
        .collect();
    assert_eq!(kids, [rotated.signer().kid(), old.as_str()]);
    let verifier = DecisionVerifier::new(&rotated.jwks()).unwrap();
    assert_eq!(verifier.verify_document(&document.into()).unwrap(), old);
}

#[test]
fn processes_that_start_together_agree_on_one_key() {
    let home = Keys::new();
    let kids = std::thread::scope(|scope| {
        let openers: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    SigningKeys::open(&home.folder())
                        .unwrap()
                        .signer()
                        .kid()
                        .to_owned()
                })
            })
            .collect();
        openers
            .into_iter()
            .map(|opener| opener.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert!(kids.iter().all(|kid| *kid == kids[0]));
    let left: Vec<_> = std::fs::read_dir(home.folder()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_key_file_whose_halves_do_not_belong_together_is_damaged() {
    let home = Keys::new();
    SigningKeys::open(&home.folder()).unwrap();
    let file = home.folder().join("ed25519-000001.jwk");
    let whole: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for (field, value) in [
        ("x", signer().public_key().x.unwrap()),
        ("kid", "oap:owner:other".to_owned()),
        ("crv", "X25519".to_owned()),
    ] {
        let mut changed = whole.clone();
        changed[field] = value.into();
        std::fs::write(&file, changed.to_string()).unwrap();
        let error = SigningKeys::open(&home.folder()).unwrap_err();
        assert!(
            matches!(error, KeyError::Damaged { .. }),
            "{field}: {error}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_key_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Keys::new();
    SigningKeys::open(&home.folder()).unwrap();
    let mode = |path: &PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = home.folder().join("ed25519-000001.jwk");
    assert_eq!((mode(&home.folder()), mode(&file)), (0o700, 0o600));
    for open in [0o640, 0o604, 0o620, 0o610] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(open)).unwrap();
        let error = SigningKeys::open(&home.folder()).unwrap_err();
        assert!(
            matches!(error, KeyError::OpenToOthers { .. }),
            "{open:o}: {error}"
        );
    }
}
