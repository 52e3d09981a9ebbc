//! A proxy in front of a server: counts round trips, and breaks connections where a test wants.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What happens to a connection, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// Nothing.
    None = 0,
    /// It is cut when the client sends next; the server sees nothing of that.
    CutBeforeServer = 1,
    /// What the client sends next arrives; the answer does not, and the connection is cut.
    CutAnswer = 2,
    /// What the client sends next arrives; nothing comes back, and nothing is cut.
    LoseAnswer = 3,
}

/// Listens on a loopback port until it is dropped; connections are cut then.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    url: String,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    server: String,
    turns: AtomicU64,
    fault: AtomicU8,
    away: AtomicU8,
    sockets: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// In front of the server of a URL.
    ///
    /// # Panics
    /// When the URL has no user and host.
    #[must_use]
    pub fn in_front_of(url: &str) -> Self {
        let (before, rest) = url.split_once('@').expect("a URL with a user");
        let (host, database) = rest.split_once('/').expect("a URL with a database");
        let server = if host.contains(':') {
            host.to_owned()
        } else {
            format!("{host}:5432")
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            server,
            turns: AtomicU64::new(0),
            fault: AtomicU8::new(0),
            away: AtomicU8::new(0),
            sockets: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                match shared.away.load(Ordering::SeqCst) {
                    0 => connect(&shared, client),
                    1 => {}
                    _ => break,
                }
            }
        });
        let url = format!("{before}@127.0.0.1:{port}/{database}");
        Self { port, url, state }
    }

    /// The same URL, through the proxy.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// How often a client sent something after the server had spoken: round trips.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.state.turns.load(Ordering::SeqCst)
    }

    /// Arms a fault; it happens once.
    pub fn arm(&self, fault: Fault) {
        self.state.fault.store(fault as u8, Ordering::SeqCst);
    }

    /// Whether the armed fault has not happened yet.
    #[must_use]
    pub fn is_armed(&self) -> bool {
        self.state.fault.load(Ordering::SeqCst) != 0
    }

    /// Cuts all connections, and refuses new ones until [`Proxy::come_back`].
    pub fn go_away(&self) {
        self.state.away.store(1, Ordering::SeqCst);
        self.state.cut();
    }

    /// Accepts connections again.
    pub fn come_back(&self) {
        self.state.away.store(0, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.go_away();
        self.state.away.store(2, Ordering::SeqCst);
        // Wakes the listener, so that its thread ends.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

impl State {
    fn cut(&self) {
        for socket in self.sockets.lock().unwrap().drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// One connection: two threads, one a direction.
fn connect(state: &Arc<State>, client: TcpStream) {
    let Ok(server) = TcpStream::connect(&state.server) else {
        return;
    };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    {
        let mut sockets = state.sockets.lock().unwrap();
        sockets.push(client.try_clone().unwrap());
        sockets.push(server.try_clone().unwrap());
    }
    // Whose turn it is: 0 the client's, 1 the server's; 2 when answers are swallowed.
    let spoke = Arc::new(AtomicU8::new(1));
    let up = (
        Arc::clone(state),
        client.try_clone().unwrap(),
        server.try_clone().unwrap(),
        Arc::clone(&spoke),
    );
    std::thread::spawn(move || client_to_server(&up.0, up.1, up.2, &up.3));
    std::thread::spawn(move || server_to_client(server, client, &spoke));
}

fn client_to_server(state: &State, mut client: TcpStream, mut server: TcpStream, spoke: &AtomicU8) {
    let mut bytes = [0; 65536];
    while let Ok(read @ 1..) = client.read(&mut bytes) {
        let fault = state.fault.swap(0, Ordering::SeqCst);
        if fault == Fault::CutBeforeServer as u8 {
            break;
        }
        let turn = match fault {
            _ if fault == Fault::CutAnswer as u8 => 2,
            _ if fault == Fault::LoseAnswer as u8 => 3,
            _ => 0,
        };
        if spoke.swap(turn, Ordering::SeqCst) == 1 {
            state.turns.fetch_add(1, Ordering::SeqCst);
        }
        if server.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
}

fn server_to_client(mut server: TcpStream, mut client: TcpStream, spoke: &AtomicU8) {
    let mut bytes = [0; 65536];
    while let Ok(read @ 1..) = server.read(&mut bytes) {
        match spoke.load(Ordering::SeqCst) {
            2 => break,
            3 => continue,
            _ => spoke.store(1, Ordering::SeqCst),
        }
        if client.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
}
