//! Proxies on the way, as the environment of a process names them, and what a bad one can do.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aport_gate_tests::in_process::text;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::desk::{Till, allow, gate};
use crate::server::{Registry, Seen, Step, http, json as answer};
use crate::tls::Authority;

/// The URL of the registry that the child asks. Nothing answers to this name but a proxy.
const URL: &str = "APORT_TEST_PROXIED_URL";
const CA: &str = "APORT_TEST_PROXIED_CA";
const HOST: &str = "registry.invalid";

/// What a call comes to in a process with this environment: its text, and how often the body ran.
async fn call(url: &str, ca: Option<&Authority>, proxies: &[(&str, String)]) -> (String, u32) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
        .args([
            "--exact",
            "proxy::a_call_through_the_proxies_of_this_process",
            "--nocapture",
        ])
        .env(URL, url)
        .envs(proxies.iter().map(|(name, value)| (name, value)))
        .envs(ca.map(|ca| (CA, ca.file().as_ref().to_owned())))
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = String::from_utf8(output.await.unwrap().stdout).unwrap();
    let told = output
        .split("told: ")
        .nth(1)
        .unwrap_or_else(|| panic!("{output}"));
    let told = told.lines().next().unwrap();
    let (runs, text) = told.split_once(' ').unwrap();
    (text.to_owned(), runs.parse().unwrap())
}

#[tokio::test]
async fn a_call_through_the_proxies_of_this_process() {
    let Ok(url) = std::env::var(URL) else { return };
    let mut builder = gate(&url).timeout(Duration::from_secs(10)).allow_http(true);
    if let Some(file) = std::env::var_os(CA) {
        builder = builder.ca_file(file);
    }
    let till = Till::open(builder).await;
    let result = till.refund("key-0000001").await;
    let told = text(&result).replace('\n', " ");
    println!("told: {} {told}", till.runs());
}

/// Connects whoever asks to `target`, whatever they asked for, and keeps the first lines.
struct Tunnel {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Tunnel {
    async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(client.read_u8().await.unwrap());
                    }
                    let head = String::from_utf8(head).unwrap();
                    kept.lock()
                        .unwrap()
                        .push(head.lines().next().unwrap().to_owned());
                    let mut server = TcpStream::connect(target).await.unwrap();
                    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { address, asked }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn allowing(seen: &Seen) -> Vec<Step> {
    vec![answer(200, &allow(seen).into())]
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_used_except_for_what_it_exempts() {
    let ours = Authority::new();
    let registry = Registry::over_tls(ours.server(HOST, 2099), allowing).await;
    let tunnel = Tunnel::to(registry.address).await;
    let url = format!("https://{HOST}");
    let (told, runs) = call(&url, Some(&ours), &[("HTTPS_PROXY", tunnel.url())]).await;
    assert_eq!(runs, 1, "{told}");
    assert_eq!(tunnel.asked(), [format!("CONNECT {HOST}:443 HTTP/1.1")]);
    assert_eq!(registry.seen().len(), 1);
    assert_eq!(
        registry.seen()[0].headers["authorization"],
        "Bearer key-hunter2"
    );

    let exempt = [("HTTPS_PROXY", tunnel.url()), ("NO_PROXY", HOST.to_owned())];
    let (told, runs) = call(&url, Some(&ours), &exempt).await;
    assert!(told.contains("Policy check failed"), "{told}");
    assert_eq!((runs, tunnel.asked().len()), (0, 1), "{told}");

    // Without TLS the proxy gets the request itself.
    let plain = Registry::answering(allowing).await;
    let (told, runs) = call(
        &format!("http://{HOST}"),
        None,
        &[("HTTP_PROXY", plain.url())],
    )
    .await;
    assert_eq!(runs, 1, "{told}");
    let line = plain.seen()[0].line.clone();
    assert!(
        line.starts_with(&format!("POST http://{HOST}/api/verify/policy/")),
        "{line}"
    );

    // What is on this machine is asked without anybody between.
    let local = Registry::answering(allowing).await;
    let (told, runs) = call(&local.url(), None, &[("HTTP_PROXY", plain.url())]).await;
    assert_eq!(runs, 1, "{told}");
    assert_eq!((local.seen().len(), plain.seen().len()), (1, 1));
}

#[tokio::test]
async fn no_proxy_can_make_a_body_run() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    // It ends TLS itself, with a certificate for the registry's name that nobody believes.
    let forged = Registry::over_tls(theirs.server(HOST, 2099), allowing).await;
    let between = Tunnel::to(forged.address).await;
    // It answers in the registry's place: to the request for a connection, or after it, without TLS.
    let allows = Registry::answering(|_| {
        let body = br#"{"decision_id": "d", "allow": true}"#;
        vec![http(200, "content-type: application/json\r\n", body)]
    })
    .await;
    let refuses = Registry::answering(|_| vec![http(407, "", br#"{"allow": true}"#)]).await;
    let redirects =
        Registry::answering(|_| vec![http(302, "location: http://127.0.0.1:1/\r\n", b"")]).await;
    let gone = Registry::answering(|_| vec![Step::Reset]).await;
    for (row, proxy) in [
        ("TLS of its own", between.url()),
        ("an allow of its own", allows.url()),
        ("a refusal that allows", refuses.url()),
        ("a redirect", redirects.url()),
        ("a reset", gone.url()),
        ("no proxy there", "http://127.0.0.1:1".to_owned()),
    ] {
        let (told, runs) = call(
            &format!("https://{HOST}"),
            Some(&ours),
            &[("HTTPS_PROXY", proxy)],
        )
        .await;
        assert_eq!(runs, 0, "{row}: {told}");
        assert!(told.starts_with("Policy check failed: "), "{row}: {told}");
        assert!(told.ends_with("The tool was not run."), "{row}: {told}");
        assert!(!told.contains("hunter2"), "{row}: {told}");
    }
    assert!(forged.seen().is_empty());
    for proxy in [&allows, &refuses, &redirects, &gone] {
        let seen = format!("{:?}", proxy.seen());
        assert!(
            seen.contains("CONNECT") && !seen.contains("hunter2"),
            "{seen}"
        );
    }
}
