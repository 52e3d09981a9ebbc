//! Registries that cannot prove who they are, and one that can.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aport_gate_tests::in_process::text;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::desk::{Till, allow, gate};
use crate::server::{Registry, Seen, Step, json as answer};

const TLS: &str = "gate.registry_tls";
/// A handshake in a debug build, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    fn file(&self) -> impl AsRef<Path> + use<> {
        self.folder.path().join("ca.pem")
    }

    /// A server that shows a certificate for `name`, valid until a year.
    fn server(&self, name: &str, until: i32) -> TlsAcceptor {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

fn allowing(seen: &Seen) -> Vec<Step> {
    vec![answer(200, &allow(seen).into())]
}

#[tokio::test]
async fn a_registry_that_cannot_prove_who_it_is_gets_no_request() {
    let (ours, other) = (Authority::new(), Authority::new());
    for (row, tls) in [
        (
            "an authority that nobody believes",
            other.server("localhost", 2099),
        ),
        (
            "another host's certificate",
            ours.server("registry.example.com", 2099),
        ),
        ("an expired certificate", ours.server("localhost", 2021)),
    ] {
        let registry = Registry::over_tls(tls, allowing).await;
        let url = format!("https://localhost:{}", registry.address.port());
        let builder = gate(&url).ca_file(ours.file().as_ref()).timeout(PATIENCE);
        let till = Till::open(builder).await;
        let result = till.refund("key-0000001").await;
        till.assert_refused(&result, TLS, row).await;
        assert!(registry.seen().is_empty(), "{row}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_no_https_registry() {
    let registry = Registry::greeting(Step::Send(b"HTTP/1.1 200 OK\r\n\r\n".to_vec())).await;
    let url = format!("https://localhost:{}", registry.address.port());
    let till = Till::open(gate(&url).timeout(PATIENCE)).await;
    let result = till.refund("key-0000001").await;
    till.assert_refused(&result, TLS, "plain text").await;
}

#[tokio::test]
async fn an_authority_of_the_operators_own_is_believed() {
    let ours = Authority::new();
    let registry = Registry::over_tls(ours.server("localhost", 2099), allowing).await;
    let url = format!("https://localhost:{}", registry.address.port());
    let builder = gate(&url).ca_file(ours.file().as_ref()).timeout(PATIENCE);
    let till = Till::open(builder).await;
    for (runs, key) in [(1, "key-0000001"), (2, "key-0000002")] {
        let result = till.refund(key).await;
        assert_eq!(result.is_error, Some(false), "{}", text(&result));
        assert_eq!(till.runs(), runs);
    }
    let seen = registry.seen();
    assert!(
        seen.iter().all(|seen| seen.connection == 0),
        "one handshake"
    );
}
