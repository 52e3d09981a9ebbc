//! A registry that says byte for byte what a test tells it to, and remembers what it was asked.

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// One request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    /// By name in lowercase.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Value,
    /// Number of the connection it came over, from 0.
    pub(crate) connection: usize,
    /// How many requests of this path came before.
    pub(crate) before: usize,
}

/// What the server does next.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Send(Vec<u8>),
    /// One byte, then a pause, to the end.
    Drip(Vec<u8>),
    Wait(Duration),
    /// The same bytes for ever.
    Endless(Vec<u8>),
    /// Closes the connection in order.
    Close,
    /// Breaks the connection off.
    Reset,
    /// Says nothing more.
    Hang,
}

type Script = Arc<dyn Fn(&Seen) -> Vec<Step> + Send + Sync>;

/// Listens on loopback until it is dropped.
pub(crate) struct Registry {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Registry {
    /// Answers each request by `script`.
    pub(crate) async fn answering(
        script: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        Self::start(None, None, Arc::new(script)).await
    }

    /// The same over TLS.
    pub(crate) async fn over_tls(
        tls: TlsAcceptor,
        script: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        Self::start(None, Some(tls), Arc::new(script)).await
    }

    /// Does this with each connection, before it reads anything.
    pub(crate) async fn greeting(step: Step) -> Self {
        Self::start(Some(step), None, Arc::new(|_| vec![Step::Close])).await
    }

    async fn start(greeting: Option<Step>, tls: Option<TlsAcceptor>, script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let accepting = tokio::spawn(accept(listener, greeting, tls, script, Arc::clone(&seen)));
        Self {
            address,
            seen,
            accepting,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Those whose path has this in it.
    pub(crate) fn seen_at(&self, path: &str) -> Vec<Seen> {
        let mut seen = self.seen();
        seen.retain(|seen| seen.line.contains(path));
        seen
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    greeting: Option<Step>,
    tls: Option<TlsAcceptor>,
    script: Script,
    seen: Arc<Mutex<Vec<Seen>>>,
) {
    // Connections end with the listener: a server that is dropped is gone.
    let mut connections = tokio::task::JoinSet::new();
    for connection in 0.. {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        stream.set_nodelay(true).unwrap();
        let (tls, script, seen) = (tls.clone(), Arc::clone(&script), Arc::clone(&seen));
        let greeting = greeting.clone();
        connections.spawn(async move {
            if let Some(step) = greeting {
                let mut stream = stream;
                run(&mut stream, vec![step]).await;
                return;
            }
            match tls {
                None => talk(stream, connection, script, seen).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        talk(stream, connection, script, seen).await;
                    }
                }
            }
        });
    }
}

async fn talk<S: Breakable>(
    mut stream: S,
    connection: usize,
    script: Script,
    seen: Arc<Mutex<Vec<Seen>>>,
) {
    while let Some((line, headers, body)) = read(&mut stream).await {
        let request = {
            let mut seen = seen.lock().unwrap();
            let path = line.split(' ').nth(1).unwrap_or_default();
            let before = seen.iter().filter(|earlier| earlier.line.contains(path));
            let request = Seen {
                before: before.count(),
                line,
                headers,
                body: serde_json::from_slice(&body).unwrap_or(Value::Null),
                connection,
            };
            seen.push(request.clone());
            request
        };
        if !run(&mut stream, script(&request)).await {
            return;
        }
    }
}

/// Whether the connection is still there.
async fn run<S: Breakable>(stream: &mut S, steps: Vec<Step>) -> bool {
    for step in steps {
        let sent = match step {
            Step::Send(bytes) => stream.write_all(&bytes).await,
            Step::Drip(bytes) => drip(stream, &bytes).await,
            Step::Wait(pause) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            Step::Endless(bytes) => loop {
                if let Err(error) = stream.write_all(&bytes).await {
                    break Err(error);
                }
            },
            Step::Close => {
                let _ = stream.shutdown().await;
                return false;
            }
            Step::Reset => {
                stream.break_off();
                return false;
            }
            Step::Hang => std::future::pending().await,
        };
        if sent.is_err() || stream.flush().await.is_err() {
            return false;
        }
    }
    true
}

async fn drip<S: Breakable>(stream: &mut S, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte]).await?;
        stream.flush().await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
) -> Option<(String, HashMap<String, String>, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap().to_owned();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((line, headers, body))
}

/// A stream that can be broken off.
pub(crate) trait Breakable: AsyncRead + AsyncWrite + Unpin + Send {
    fn break_off(&mut self);
}

impl Breakable for TcpStream {
    fn break_off(&mut self) {
        self.set_zero_linger().unwrap();
    }
}

impl Breakable for tokio_rustls::server::TlsStream<TcpStream> {
    fn break_off(&mut self) {
        self.get_ref().0.set_zero_linger().unwrap();
    }
}

/// A whole HTTP/1.1 answer.
pub(crate) fn http(status: u16, headers: &str, body: &[u8]) -> Step {
    let length = body.len();
    let mut answer =
        format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n").into_bytes();
    answer.extend_from_slice(body);
    Step::Send(answer)
}

/// An answer that is JSON.
pub(crate) fn json(status: u16, body: &Value) -> Step {
    http(
        status,
        "content-type: application/json\r\n",
        body.to_string().as_bytes(),
    )
}

/// Waits until something is so.
pub(crate) async fn until<F: Future<Output = bool>>(condition: impl Fn() -> F) {
    for _ in 0..500 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never was so");
}
