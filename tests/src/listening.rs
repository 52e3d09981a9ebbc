//! A child process that tells on its first line of output where it listens.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::binary::wait_for;

pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A running server. Killed when dropped.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    child: Child,
    log: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Listening {
    /// Starts one whose first line is `listening on http://`, its address and this path.
    pub(crate) fn start(mut command: Command, path: &str) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let (told, first) = mpsc::channel();
        let log = Arc::<Mutex<Vec<u8>>>::default();
        let logged = Arc::clone(&log);
        // Both are read to their end: a full pipe would stop the server.
        let readers = vec![
            std::thread::spawn(move || {
                for line in stdout.lines().map_while(Result::ok) {
                    let _ = told.send(line);
                }
            }),
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(read @ 1..) = stderr.read(&mut bytes) {
                    logged.lock().unwrap().extend_from_slice(&bytes[..read]);
                }
            }),
        ];
        let mut server = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            child,
            log,
            readers,
        };
        let line = first.recv_timeout(LONG);
        let line = line.unwrap_or_else(|_| panic!("it did not start: {}", server.log()));
        let told = line.strip_prefix("listening on http://").unwrap();
        server.address = told.strip_suffix(path).unwrap().parse().unwrap();
        server
    }

    /// What it wrote to standard error so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }

    /// Kills it at once, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for it to end by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        wait_for(&mut self.child, LONG).expect("it ends by itself")
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}
