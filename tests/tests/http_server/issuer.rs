//! An authorization server's key, its tokens, and where it publishes its keys.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

/// An ES256 key.
pub(crate) struct Key {
    kid: String,
    pair: EcdsaKeyPair,
}

impl Key {
    pub(crate) fn new(kid: &str) -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self {
            kid: kid.to_owned(),
            pair: EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap(),
        }
    }

    pub(crate) fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig", "alg": "ES256",
            "x": encode(&point[1..33]), "y": encode(&point[33..]),
        })
    }

    /// The point as bytes: what an attacker uses as a secret.
    pub(crate) fn point(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_with(
            &json!({ "alg": "ES256", "typ": "at+jwt", "kid": self.kid }),
            claims,
        )
    }

    pub(crate) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let signed = unsigned(header, claims);
        let signature = self
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .unwrap();
        format!("{signed}.{}", encode(signature.as_ref()))
    }
}

pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| encode(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Publishes a key set on a port of this machine, for as long as the tests run.
pub(crate) struct Published {
    address: SocketAddr,
    pub(crate) asked: Arc<AtomicUsize>,
    keys: Arc<Mutex<Option<Value>>>,
    /// The issuer's own, and where they are.
    metadata: Arc<Mutex<Option<(String, Value)>>>,
}

impl Published {
    pub(crate) fn start(keys: &[&Key]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let published = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            keys: Arc::default(),
            metadata: Arc::default(),
        };
        published.publish(keys);
        let (asked, keys) = (Arc::clone(&published.asked), Arc::clone(&published.keys));
        let metadata = Arc::clone(&published.metadata);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 4096];
                let read = stream.read(&mut request).unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                let path = request.split(' ').nth(1).unwrap_or_default();
                let (status, body) = match (path, &*keys.lock().unwrap()) {
                    ("/jwks.json", keys) => {
                        asked.fetch_add(1, Ordering::SeqCst);
                        match keys {
                            Some(keys) => ("200 OK", keys.to_string()),
                            None => ("503 Service Unavailable", String::new()),
                        }
                    }
                    _ => match &*metadata.lock().unwrap() {
                        Some((place, metadata)) if place == path => {
                            ("200 OK", metadata.to_string())
                        }
                        _ => ("404 Not Found", String::new()),
                    },
                };
                let _ = stream.write_all(
                    format!(
                        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    )
                    .as_bytes(),
                );
            }
        });
        published
    }

    pub(crate) fn publish(&self, keys: &[&Key]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
        *self.keys.lock().unwrap() = Some(json!({ "keys": keys }));
    }

    pub(crate) fn fail(&self) {
        *self.keys.lock().unwrap() = None;
    }

    /// As an issuer that has metadata at this path.
    pub(crate) fn describe(&self, path: &str, metadata: Value) {
        *self.metadata.lock().unwrap() = Some((path.to_owned(), metadata));
    }

    pub(crate) fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/jwks.json", self.address)
    }
}
