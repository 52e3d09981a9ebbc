//! A private server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::sql::try_query;

/// The superuser.
pub const USER: &str = "owner";
/// Its password.
pub const PASSWORD: &str = "0wner-secret";

/// Starts the server, obeys, and stops it when its input ends: with the process that started it,
/// however that ends.
const GUARDIAN: &str = r#"
start() { "$BIN/postgres" -D "$DIR/data" >>"$DIR/log" 2>&1 & pid=$!; }
stop() { kill -s "$1" "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; }
start; echo done
while read -r command; do
    case "$command" in start) start ;; *) stop "$command" ;; esac
    echo done
done
stop INT
rm -rf "$DIR"
"#;

/// What a private server is to be like.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Lines for `postgresql.conf`.
    pub settings: Vec<String>,
    /// Files for the data folder, such as a TLS key, by name.
    pub files: Vec<(&'static str, String)>,
    /// Whether commits wait for the disk; tests are faster without.
    pub durable: bool,
}

/// A server of its own, stopped when it is dropped.
#[derive(Debug)]
pub struct Server {
    guardian: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    port: u16,
}

impl Server {
    /// None, with a printed reason, where the binaries are missing.
    ///
    /// # Panics
    /// When they are missing and `APORT_REQUIRE_POSTGRES` is set, or the server does not start.
    pub fn start(options: &Options) -> Option<Self> {
        let Some(bin) = binaries() else {
            let required = std::env::var_os("APORT_REQUIRE_POSTGRES").is_some();
            assert!(
                !required,
                "no PostgreSQL server: neither APORT_TEST_POSTGRES nor binaries"
            );
            eprintln!("skipped: no PostgreSQL server; set APORT_TEST_POSTGRES or install one");
            return None;
        };
        Some(Self::start_from(&bin, options))
    }

    fn start_from(bin: &Path, options: &Options) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let directory = tempfile::Builder::new()
            .prefix("aport-postgres-")
            .tempdir()
            .unwrap();
        // The guardian removes it.
        let directory = directory.keep();
        std::fs::write(directory.join("password"), PASSWORD).unwrap();
        hand_over(&directory);
        let initdb = as_server_user(&bin.join("initdb"))
            .args([
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
                "--auth=scram-sha-256",
            ])
            .args(["--username", USER])
            .arg("--pwfile")
            .arg(directory.join("password"))
            .arg("-D")
            .arg(directory.join("data"))
            .output()
            .unwrap();
        assert!(
            initdb.status.success(),
            "{}",
            String::from_utf8_lossy(&initdb.stderr)
        );
        let data = directory.join("data");
        let mut settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n\
             max_connections = 200\nshared_buffers = 64MB\nfsync = {}\n",
            if options.durable { "on" } else { "off" }
        );
        for line in &options.settings {
            settings.push_str(line);
            settings.push('\n');
        }
        append(&data.join("postgresql.conf"), &settings);
        for (name, text) in &options.files {
            std::fs::write(data.join(name), text).unwrap();
            restrict(&data.join(name));
        }
        let mut guardian = as_server_user(Path::new("/bin/sh"))
            .args(["-c", GUARDIAN])
            .env("BIN", bin)
            .env("DIR", &directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Self {
            orders: guardian.stdin.take(),
            answers: BufReader::new(guardian.stdout.take().unwrap()),
            guardian,
            port,
        };
        server.obeyed();
        server.wait();
        server
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// URL of the superuser, for a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        url(self.port, database)
    }

    /// Stops it: `INT` breaks connections off, `QUIT` is a crash.
    pub fn stop(&mut self, signal: &str) {
        self.order(signal);
    }

    /// Starts it again, on the same port, with the same data.
    pub fn start_again(&mut self) {
        self.order("start");
        self.wait();
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        self.obeyed();
    }

    fn obeyed(&mut self) {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "done");
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Err(error) = try_query(&self.url("postgres"), "SELECT 1 AS \"DATABASE\"") {
            assert!(
                Instant::now() < deadline,
                "the server does not answer: {error}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.guardian.wait();
    }
}

/// URL of the superuser of a private server behind a port.
pub(crate) fn url(port: u16, database: &str) -> String {
    format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/{database}")
}

fn append(file: &Path, text: &str) {
    let mut file = std::fs::OpenOptions::new().append(true).open(file).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// The newest under Debian's folder, else those in `PATH`.
fn binaries() -> Option<PathBuf> {
    if cfg!(not(unix)) {
        return None;
    }
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let versions = debian
        .flatten()
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists());
    let newest = versions.max_by_key(|bin| {
        let version = bin.parent().and_then(Path::file_name);
        version.and_then(|name| name.to_str()?.parse::<u32>().ok())
    });
    newest.or_else(|| {
        std::env::split_paths(&std::env::var_os("PATH")?)
            .find(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
    })
}

/// PostgreSQL refuses to run as root.
#[cfg(unix)]
fn server_user() -> Option<(u32, u32)> {
    let id = |flag: &str, user: Option<&str>| -> Option<u32> {
        let output = Command::new("id").arg(flag).args(user).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if id("-u", None) != Some(0) {
        return None;
    }
    ["postgres", "nobody"]
        .iter()
        .find_map(|user| Some((id("-u", Some(user))?, id("-g", Some(user))?)))
}

#[cfg(unix)]
fn as_server_user(program: &Path) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    if let Some((user, group)) = server_user() {
        command.uid(user).gid(group);
    }
    command.current_dir("/");
    command
}

#[cfg(unix)]
fn hand_over(directory: &Path) {
    if let Some((user, group)) = server_user() {
        std::os::unix::fs::chown(directory, Some(user), Some(group)).unwrap();
        std::os::unix::fs::chown(directory.join("password"), Some(user), Some(group)).unwrap();
    }
}

#[cfg(unix)]
fn restrict(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    if let Some((user, group)) = server_user() {
        std::os::unix::fs::chown(file, Some(user), Some(group)).unwrap();
    }
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn as_server_user(program: &Path) -> Command {
    Command::new(program)
}

#[cfg(not(unix))]
fn hand_over(_directory: &Path) {}

#[cfg(not(unix))]
fn restrict(_file: &Path) {}
