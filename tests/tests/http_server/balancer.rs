//! One client, two servers behind a balancer that gives every request to the next of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aport_gate::rmcp::model::{CallToolRequestParams, ProtocolVersion};
use aport_gate::rmcp::service::{ClientLifecycleMode, ClientServiceExt as _};
use aport_gate::rmcp::transport::StreamableHttpClientTransport;
use aport_gate::rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use aport_gate_tests::{AGENT, Home, HttpServerProcess, refund_arguments};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::crypto::ring;

/// Passes each request on to the next server in turn, over a connection of its own.
struct Balancer {
    url: String,
    /// How many requests each server had.
    had: Arc<[AtomicUsize; 2]>,
}

impl Balancer {
    async fn start(servers: [SocketAddr; 2]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let had: Arc<[AtomicUsize; 2]> = Arc::default();
        let counted = Arc::clone(&had);
        tokio::spawn(async move {
            for turn in 0.. {
                let (client, _) = listener.accept().await.unwrap();
                counted[turn % 2].fetch_add(1, Ordering::SeqCst);
                tokio::spawn(pass_on(client, servers[turn % 2]));
            }
        });
        Self { url, had }
    }
}

async fn pass_on(mut client: TcpStream, server: SocketAddr) {
    let (mut request, mut bytes) = (Vec::new(), [0; 4096]);
    let (head, body) = loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_lowercase();
            let length = length.split("content-length: ").nth(1);
            let length = length.map_or(0, |text| {
                text.split("\r\n").next().unwrap().parse().unwrap()
            });
            if body.len() >= length {
                break (head.to_owned(), body.to_owned());
            }
        }
        match client.read(&mut bytes).await {
            Ok(read @ 1..) => request.extend_from_slice(&bytes[..read]),
            // Opened beside another, and never used.
            _ => return,
        }
    };
    let mut upstream = TcpStream::connect(server).await.unwrap();
    // The next request comes over another connection, to the other server.
    let request = format!("{head}\r\nConnection: close\r\n\r\n{body}");
    upstream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).await.unwrap();
    let _ = client.write_all(&answer).await;
}

async fn one_client_of_two_servers(envs: &[(&str, &str)]) {
    let _ = ring::default_provider().install_default();
    let home = Home::new();
    let token = home.token(AGENT, "balanced");
    let servers = [
        HttpServerProcess::start(&home, &[], envs),
        HttpServerProcess::start(&home, &[], envs),
    ];
    let balancer = Balancer::start([servers[0].address(), servers[1].address()]).await;
    let today = ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    };
    // 10,000 a day, all in all.
    let plans = [
        (today, [(3000, true), (5000, true), (3000, false)]),
        (
            ClientLifecycleMode::Initialize,
            [(2500, false), (2000, true), (1, false)],
        ),
    ];
    for (session, (lifecycle, calls)) in plans.into_iter().enumerate() {
        let before = balancer
            .had
            .each_ref()
            .map(|had| had.load(Ordering::SeqCst));
        let config = StreamableHttpClientTransportConfig::with_uri(balancer.url.clone());
        let transport = StreamableHttpClientTransport::from_config(config.auth_header(&token));
        let client = ().serve_with_lifecycle(transport, lifecycle).await.unwrap();
        assert_eq!(client.list_all_tools().await.unwrap().len(), 2);
        for (number, (amount, expected)) in calls.into_iter().enumerate() {
            let arguments = refund_arguments(amount, &format!("balanced-{session}-{number}"));
            let arguments = arguments.as_object().cloned().unwrap();
            let request = CallToolRequestParams::new("process_refund").with_arguments(arguments);
            let answer = client.call_tool(request).await.unwrap();
            let allowed = answer.is_error != Some(true);
            assert_eq!(allowed, expected, "{session} {number}: {answer:?}");
        }
        client.cancel().await.unwrap();
        for (had, before) in balancer.had.iter().zip(before) {
            assert!(had.load(Ordering::SeqCst) > before + 1, "both had several");
        }
    }
    let paid: Vec<u64> = home
        .payments()
        .iter()
        .map(|paid| paid["amount"].as_u64().unwrap())
        .collect();
    assert_eq!(paid, [3000, 5000, 2000]);
}

#[tokio::test]
async fn a_client_is_served_by_either_server_of_one_file() {
    one_client_of_two_servers(&[]).await;
}

#[tokio::test]
async fn a_client_is_served_by_either_server_of_one_postgresql() {
    if let Some(url) = aport_gate_test_postgres::database() {
        one_client_of_two_servers(&[("APORT_DATABASE_URL", &url)]).await;
    }
}
