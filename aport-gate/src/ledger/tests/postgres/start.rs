use aport_gate_test_postgres::with_database;

use super::*;

#[tokio::test]
async fn ten_servers_may_make_the_tables_at_once() {
    let Some(url) = database() else { return };
    let servers = (0..10).map(|_| Ledger::connect(&url, LIMIT));
    let servers = futures::future::join_all(servers).await;
    for server in &servers {
        commit(spend(server.as_ref().unwrap(), 1, 100, None).await)
            .await
            .unwrap();
    }
    assert_eq!(query(&url, "SELECT version FROM version"), ["4"]);
    assert_eq!(query(&url, "SELECT total FROM counters"), ["10"]);
}

#[tokio::test]
async fn schema_of_a_newer_version_is_refused() {
    let Some(url) = database() else { return };
    drop(Ledger::connect(&url, LIMIT).await.unwrap());
    query(&url, "UPDATE version SET version = 7");
    let error = Ledger::connect(&url, LIMIT).await.unwrap_err();
    assert!(
        matches!(
            error,
            LedgerError::NewerSchema {
                found: 7,
                supported: 4,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(query(&url, "SELECT version FROM version"), ["7"]);
}

#[tokio::test]
async fn published_script_makes_the_same_schema() {
    let Some(url) = database() else { return };
    query(&url, &Ledger::postgres_schema());
    let ledger = Ledger::connect(&url, LIMIT).await.unwrap();
    commit(spend(&ledger, 1, 100, None).await).await.unwrap();
}

#[tokio::test]
async fn mistakes_of_the_operator_stop_the_start_and_hide_the_password() {
    let Some(url) = server_url() else { return };
    let (before, _) = url.split_once('@').unwrap();
    let (user, password) = before.rsplit_once(':').unwrap();
    let wrong = url.replacen(&format!(":{password}@"), ":not-the-s3cret@", 1);
    let unknown = with_database(url, "no_such_database");
    for (url, says) in [
        (wrong, "password"),
        (unknown, "no_such_database"),
        (format!("{url}?sslmode=require"), "TLS"),
        (
            format!("{url}?sslrootcert=/no/such/file&sslmode=verify-full"),
            "/no/such/file",
        ),
    ] {
        let error = Ledger::connect(&url, LIMIT).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(matches!(error, LedgerError::Misconfigured { .. }), "{text}");
        assert!(text.contains(says), "{text}");
        assert!(
            !text.contains("s3cret") && !text.contains(password),
            "{text} {user}"
        );
    }
}

#[tokio::test]
async fn database_that_is_away_at_the_start_refuses_until_it_comes() {
    let Some(url) = database() else { return };
    let proxy = Proxy::in_front_of(&url);
    proxy.go_away();
    let ledger = Ledger::connect(&proxy.url(), Duration::from_secs(2))
        .await
        .unwrap();
    let refused = try_spend(&ledger, 1, 100, None).await;
    assert!(
        matches!(refused, Err(LedgerError::Unreachable { .. })),
        "{refused:?}"
    );
    proxy.come_back();
    until(async || try_spend(&ledger, 1, 100, None).await.is_ok()).await;
}
