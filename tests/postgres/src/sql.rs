//! SQL from outside the gate.

use tokio_postgres::{NoTls, SimpleQueryMessage};

/// Runs SQL in a connection of its own, with the ledger's schema first in the search path; the
/// first column of every row.
///
/// # Panics
/// When the server refuses.
pub fn query(url: &str, sql: &str) -> Vec<String> {
    try_query(url, sql).unwrap_or_else(|error| panic!("{error}: {sql}"))
}

/// As [`query`]; the error is what the server said.
pub fn try_query(url: &str, sql: &str) -> Result<Vec<String>, String> {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    // A thread of its own: the caller may be inside a runtime.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(run(&url, &sql))
    })
    .join()
    .unwrap()
}

async fn run(url: &str, sql: &str) -> Result<Vec<String>, String> {
    let text = |error: tokio_postgres::Error| match error.as_db_error() {
        Some(refusal) => refusal.message().to_owned(),
        None => error.to_string(),
    };
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(text)?;
    let connection = tokio::spawn(connection);
    if !sql.contains("DATABASE") {
        client
            .batch_execute("SET search_path = aport_gate, public")
            .await
            .map_err(text)?;
    }
    let messages = client.simple_query(sql).await.map_err(text)?;
    drop(client);
    let _ = connection.await;
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    });
    Ok(rows.collect())
}
