//! Where the ledger is: a `postgres://` URL, read without ever showing its password.

use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::config::{Config, Host, SslMode, TargetSessionAttrs};

use super::super::error::LedgerError;

/// How much of TLS a connection needs (`sslmode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    /// Never encrypted.
    Disable,
    /// Encrypted when the server can; whoever answers is believed.
    Prefer,
    /// Encrypted; whoever answers is believed, unless `sslrootcert` is given.
    Require,
    /// Encrypted, and the certificate must be valid for the host.
    VerifyFull,
}

/// A parsed URL.
#[derive(Clone, Debug)]
pub(in crate::ledger) struct Target {
    pub(super) config: Config,
    pub(super) tls: Tls,
    /// PEM file of the authorities to trust; the system's without it.
    pub(super) roots: Option<PathBuf>,
    /// How errors name the ledger: hosts and database, neither user nor password.
    pub(super) name: String,
}

impl Target {
    /// `limit` bounds connecting and every statement.
    pub(in crate::ledger) fn parse(url: &str, limit: Duration) -> Result<Self, LedgerError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(invalid("it must begin with `postgres://`".to_owned()));
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut mode = None;
        let mut roots = None;
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(sslmode(value)?),
                Some(("sslrootcert", "system")) => {}
                Some(("sslrootcert", path)) => {
                    let path = percent_decode_str(path)
                        .decode_utf8()
                        .map_err(|_| invalid("`sslrootcert` is not valid UTF-8".to_owned()))?;
                    roots = Some(PathBuf::from(path.as_ref()));
                }
                _ => rest.push(pair),
            }
        }
        let plain = format!("{base}?{}", rest.join("&"));
        let mut config: Config = plain.parse().map_err(|error: tokio_postgres::Error| {
            invalid(
                std::error::Error::source(&error)
                    .map_or_else(|| error.to_string(), ToString::to_string),
            )
        })?;
        if config.get_hosts().is_empty() {
            return Err(invalid("it names no host".to_owned()));
        }
        if config.get_dbname().is_none() {
            return Err(invalid(
                "it names no database; put `/NAME` behind the host".to_owned(),
            ));
        }
        let tls = mode.unwrap_or_else(|| {
            if config.get_hosts().iter().all(is_local) {
                Tls::Prefer
            } else {
                Tls::VerifyFull
            }
        });
        config
            .ssl_mode(match tls {
                Tls::Disable => SslMode::Disable,
                Tls::Prefer => SslMode::Prefer,
                Tls::Require | Tls::VerifyFull => SslMode::Require,
            })
            // Of several hosts, the one that takes writes; a standby is refused.
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            // The rest of the deadline is for the decision itself.
            .connect_timeout(limit / 2)
            .keepalives_idle(Duration::from_secs(30));
        if config.get_application_name().is_none() {
            config.application_name("aport-gate");
        }
        Ok(Self {
            name: name(&config),
            config,
            tls,
            roots,
        })
    }
}

fn sslmode(value: &str) -> Result<Tls, LedgerError> {
    match value {
        "disable" => Ok(Tls::Disable),
        "prefer" => Ok(Tls::Prefer),
        "require" => Ok(Tls::Require),
        "verify-full" => Ok(Tls::VerifyFull),
        other => Err(invalid(format!(
            "`sslmode={other}` is not known; use `disable`, `prefer`, `require` or `verify-full`"
        ))),
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse()
                    .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn name(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts: Vec<_> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(index, host)| {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                #[cfg(unix)]
                Host::Unix(path) => format!("{}:{port}", path.display()),
            }
        })
        .collect();
    let database = config.get_dbname().unwrap_or_default();
    format!("postgres://{}/{database}", hosts.join(","))
}

fn invalid(problem: String) -> LedgerError {
    LedgerError::Misconfigured {
        ledger: "postgres://…".to_owned(),
        problem: format!("the URL cannot be used: {problem}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Target, LedgerError> {
        Target::parse(url, Duration::from_secs(5))
    }

    #[test]
    fn url_says_where_and_how_and_its_name_keeps_the_password() {
        let target = parse("postgres://gate:hunter2@db.example:6543/caps?sslmode=require&sslrootcert=%2Fetc%2Fca.pem").unwrap();
        assert_eq!(target.name, "postgres://db.example:6543/caps");
        assert_eq!(target.tls, Tls::Require);
        assert_eq!(target.roots, Some(PathBuf::from("/etc/ca.pem")));
        assert!(!format!("{target:?}").contains("hunter2"));
        assert_eq!(target.config.get_password(), Some(&b"hunter2"[..]));
    }

    #[test]
    fn without_sslmode_only_the_own_machine_is_believed_unverified() {
        assert_eq!(parse("postgres://u@localhost/d").unwrap().tls, Tls::Prefer);
        assert_eq!(parse("postgres://u@127.0.0.1/d").unwrap().tls, Tls::Prefer);
        assert_eq!(
            parse("postgres://u@10.0.0.7/d").unwrap().tls,
            Tls::VerifyFull
        );
        let mixed = parse("postgres://u@localhost,db.example/d").unwrap();
        assert_eq!(mixed.tls, Tls::VerifyFull);
        assert_eq!(mixed.name, "postgres://localhost:5432,db.example:5432/d");
    }

    #[test]
    fn url_that_cannot_be_used_is_refused_without_its_password() {
        for url in [
            "mysql://gate:hunter2@db/d",
            "postgres://gate:hunter2@db/d?sslmode=verify-ca",
            "postgres://gate:hunter2@db/d?nonsense=1",
            "postgres://gate:hunter2@db:port/d",
            "postgres://gate:hunter2@db",
            "postgres://gate:hunter2@/d",
            "postgres://",
        ] {
            let error = parse(url).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(!text.contains("hunter2"), "{text}");
            assert!(matches!(error, LedgerError::Misconfigured { .. }), "{text}");
        }
    }
}
