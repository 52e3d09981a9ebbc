//! Registries that cannot prove who they are, and one that can.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aport_gate_tests::in_process::text;
use http::Response;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::desk::{Till, allow, gate};
use crate::server::{Registry, Seen, Step, json as answer};

const TLS: &str = "gate.registry_tls";
/// A handshake in a debug build, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    pub(crate) fn file(&self) -> impl AsRef<Path> + use<> {
        self.folder.path().join("ca.pem")
    }

    /// A server that shows a certificate for `name`, valid until a year.
    pub(crate) fn server(&self, name: &str, until: i32) -> TlsAcceptor {
        self.server_speaking(&[], name, until)
    }

    /// The same, which offers these protocols by ALPN.
    fn server_speaking(&self, protocols: &[&[u8]], name: &str, until: i32) -> TlsAcceptor {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
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

/// A registry that speaks HTTP/2 alone, and how many connections and requests it had.
async fn http2(tls: TlsAcceptor) -> (std::net::SocketAddr, Arc<Mutex<(u32, u32)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counted = Arc::new(Mutex::new((0, 0)));
    let counts = Arc::clone(&counted);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, counts) = (tls.clone(), Arc::clone(&counts));
            tokio::spawn(async move {
                let stream = tls.accept(stream).await.unwrap();
                assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                counts.lock().unwrap().0 += 1;
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    assert_eq!(request.uri().scheme_str(), Some("https"));
                    let number = {
                        let mut counts = counts.lock().unwrap();
                        counts.1 += 1;
                        counts.1
                    };
                    let body = json!({"decision_id": format!("d-{number}"), "allow": true});
                    let head = Response::builder().status(200).body(()).unwrap();
                    let mut sending = respond.send_response(head, false).unwrap();
                    sending.send_data(body.to_string().into(), true).unwrap();
                }
            });
        }
    });
    (address, counted)
}

#[tokio::test]
async fn a_registry_that_offers_http_2_is_asked_over_one_connection() {
    let ours = Authority::new();
    let (address, counted) = http2(ours.server_speaking(&[b"h2"], "localhost", 2099)).await;
    let url = format!("https://localhost:{}", address.port());
    let builder = gate(&url).ca_file(ours.file().as_ref()).timeout(PATIENCE);
    let till = Till::open(builder).await;
    let first = till.refund("key-0000000").await;
    assert_eq!(first.is_error, Some(false), "{}", text(&first));
    let keys: Vec<_> = (1..=8).map(|call| format!("key-000000{call}")).collect();
    let together = keys.iter().map(|key| till.refund(key));
    for result in futures::future::join_all(together).await {
        assert_eq!(result.is_error, Some(false), "{}", text(&result));
    }
    assert_eq!(till.runs(), 9);
    assert_eq!(*counted.lock().unwrap(), (1, 9), "connections and requests");
}
