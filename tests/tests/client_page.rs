//! The page on the client, as it is printed: its commands, and its program as a process that is killed.
#![allow(missing_docs)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aport_gate_tests::{Home, HttpServerProcess, command_binary};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../aport-gate/docs/client.md");
const PROGRAM: &str = include_str!("../src/bin/client_page.rs");
const LONG: Duration = Duration::from_secs(60);

/// The fenced blocks whose first line begins so, each without that line.
fn blocks(language: &str) -> Vec<&'static str> {
    let parts = PAGE.split("```").skip(1).step_by(2);
    let of = |part: &'static str| {
        let (first, rest) = part.split_once('\n')?;
        first.starts_with(language).then_some(rest)
    };
    parts.filter_map(of).collect()
}

#[test]
fn the_program_that_is_tested_here_is_the_printed_one() {
    assert_eq!(blocks("rust")[0], PROGRAM);
}

/// A home with the passport that the page issues, by the command that it prints.
fn home() -> Home {
    let home = Home::new();
    let issuing: Vec<_> = blocks("sh")
        .into_iter()
        .filter(|block| block.contains("passport issue"))
        .collect();
    assert_eq!(issuing.len(), 1, "{issuing:?}");
    let folder = command_binary().parent().unwrap().to_owned();
    let inherited = std::env::var_os("PATH").unwrap();
    let path = std::iter::once(folder).chain(std::env::split_paths(&inherited));
    let mut shell = Command::new("sh");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("APORT_") {
            shell.env_remove(name);
        }
    }
    let output = shell
        .args(["-euc", issuing[0]])
        .env("APORT_HOME", home.path())
        .env("PATH", std::env::join_paths(path).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    home
}

/// The server that the page starts, on a port that is free.
fn server(home: &Home) -> HttpServerProcess {
    let printed = "APORT_AGENT_ID=ap_desk aport-gate-server --http 127.0.0.1:8080\n";
    assert!(blocks("sh").contains(&printed), "{:?}", blocks("sh"));
    HttpServerProcess::start(home, &[], &[("APORT_AGENT_ID", "ap_desk")])
}

fn program(folder: &Path, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aport-gate-client-page"));
    command
        .current_dir(folder)
        .env("GATE_URL", url)
        .env_remove("GATE_TOKEN")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What becomes of the call that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Free,
    /// It does not get to the server.
    Lost,
    /// It does, and the answer does not come back.
    AnswerLost,
}

/// What stands between program and server.
struct Proxy {
    url: String,
    way: Arc<Mutex<Way>>,
    lost: Receiver<()>,
}

fn proxy(server: SocketAddr, way: Way) -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let (told, lost) = channel();
    let way = Arc::new(Mutex::new(way));
    let here = Arc::clone(&way);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (told, way) = (told.clone(), Arc::clone(&here));
            std::thread::spawn(move || pass(stream, server, &way, &told));
        }
    });
    Proxy { url, way, lost }
}

/// One request, and its answer to the end of the connection.
fn pass(
    mut client: TcpStream,
    server: SocketAddr,
    way: &Mutex<Way>,
    told: &Sender<()>,
) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let lower = line.to_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is_allowed = asked["method"] == "tools/call"
        && asked["params"]["arguments"]["amount"].as_u64() <= Some(50_000);
    let way = match is_allowed {
        true => *way.lock().unwrap(),
        false => Way::Free,
    };
    if way == Way::Lost {
        told.send(()).ok()?;
        std::thread::park();
    }
    let mut upstream = TcpStream::connect(server).ok()?;
    write!(upstream, "{head}connection: close\r\n\r\n").ok()?;
    upstream.write_all(&body).ok()?;
    if way == Way::AnswerLost {
        upstream.read_to_end(&mut Vec::new()).ok()?;
        told.send(()).ok()?;
        std::thread::park();
    }
    std::io::copy(&mut upstream, &mut client).ok()?;
    Some(())
}

#[test]
fn the_program_as_printed_pays_once_what_the_limit_leaves_and_forgets_the_intention() {
    let home = home();
    let server = server(&home);
    let folder = tempfile::tempdir().unwrap();
    let output = program(folder.path(), &server.url()).output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        told.contains("Refund processed") && told.contains("after 2 attempts"),
        "{told}"
    );
    let payments = home.payments();
    assert_eq!(
        (payments.len(), &payments[0]["amount"]),
        (1, &json!(50_000))
    );
    assert!(!folder.path().join("refund.json").exists());
}

#[test]
fn the_program_killed_in_the_middle_of_its_call_and_started_again_pays_once() {
    for way in [Way::Lost, Way::AnswerLost] {
        let home = home();
        let server = server(&home);
        let proxy = proxy(server.address(), way);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("refund.json");
        let key = || {
            let stored: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            stored["key"].as_str().unwrap().to_owned()
        };

        let mut first = program(folder.path(), &proxy.url).spawn().unwrap();
        proxy.lost.recv_timeout(LONG).unwrap();
        first.kill().unwrap();
        first.wait().unwrap();
        let sent = key();
        assert_eq!(home.payments().len(), usize::from(way == Way::AnswerLost));

        *proxy.way.lock().unwrap() = Way::Free;
        let second = program(folder.path(), &proxy.url).output().unwrap();
        let told = String::from_utf8_lossy(&second.stderr);
        let payments = home.payments();
        assert_eq!(payments.len(), 1, "{way:?}: {payments:?}");
        assert_eq!(payments[0]["idempotency_key"], json!(sent), "{way:?}");
        if way == Way::Lost {
            assert!(told.is_empty() && !file.exists(), "{told}");
        } else {
            assert!(
                told.contains("look first") && told.contains(&sent),
                "{told}"
            );
            assert_eq!(key(), sent);
        }
    }
}
