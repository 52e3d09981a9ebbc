//! Every `sslmode` against a server with a certificate.

use std::path::Path;
use std::process::Command;

use aport_gate_test_postgres::{Options, PASSWORD, Server, USER};

use super::*;

/// An authority, and a certificate of it for `localhost`; None without the tool.
fn certificates(directory: &Path) -> Option<()> {
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(directory)
            .output()
            .ok()?;
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Some(())
    };
    let key = ["-newkey", "rsa:2048", "-nodes", "-keyout"];
    let authority = [
        "-out",
        "ca.pem",
        "-subj",
        "/CN=Test authority",
        "-days",
        "30",
        "-addext",
        "keyUsage=critical,keyCertSign",
    ];
    openssl(&[&["req", "-x509"], &key[..], &["ca.key"], &authority[..]].concat())?;
    openssl(
        &[
            &["req"],
            &key[..],
            &["server.key", "-out", "server.csr", "-subj", "/CN=localhost"],
        ]
        .concat(),
    )?;
    std::fs::write(
        directory.join("extensions"),
        "subjectAltName=DNS:localhost\n",
    )
    .unwrap();
    openssl(&[
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "30",
        "-extfile",
        "extensions",
        "-out",
        "server.crt",
    ])
}

#[tokio::test]
async fn sslmode_is_honoured() {
    let directory = tempfile::tempdir().unwrap();
    if certificates(directory.path()).is_none() {
        eprintln!("skipped: no `openssl` to make certificates");
        return;
    }
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    let options = Options {
        settings: vec!["ssl = on".to_owned()],
        files: vec![
            ("server.key", read("server.key")),
            ("server.crt", read("server.crt")),
        ],
        ..Options::default()
    };
    let Some(server) = Server::start(&options) else {
        return;
    };
    let authority = directory.path().join("ca.pem");
    let authority = authority.display();
    let url = |host: &str, query: &str| {
        let port = server.port();
        format!("postgres://{USER}:{PASSWORD}@{host}:{port}/postgres?{query}")
    };
    let verified = format!("sslmode=verify-full&sslrootcert={authority}");
    for (query, encrypted) in [
        ("sslmode=disable", "f"),
        ("sslmode=prefer", "t"),
        ("", "t"),
        ("sslmode=require", "t"),
        (&*verified, "t"),
    ] {
        let ledger = Ledger::connect(&url("localhost", query), LIMIT)
            .await
            .unwrap();
        let sessions = aport_gate_test_postgres::query(
            &server.url("postgres"),
            "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE application_name = 'aport-gate'",
        );
        assert_eq!(sessions, [encrypted], "{query}");
        drop(ledger);
        until(async || {
            let sessions = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'aport-gate'";
            aport_gate_test_postgres::query(&server.url("postgres"), sessions).is_empty()
        })
        .await;
    }
    // An authority that nobody trusts, and a name that the certificate does not have.
    let required = format!("sslmode=require&sslrootcert={authority}");
    for (host, query) in [
        ("localhost", "sslmode=verify-full"),
        ("127.0.0.1", &verified),
        ("127.0.0.1", &required),
    ] {
        let error = Ledger::connect(&url(host, query), LIMIT).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, LedgerError::Misconfigured { .. }), "{text}");
        assert!(
            text.contains("certificate") && !text.contains(PASSWORD),
            "{text}"
        );
    }
}
