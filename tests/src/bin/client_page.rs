use std::time::Duration;

use aport_gate::{BearerToken, DenialClass, PassportClient, Retry, StoredIntention, Strategy};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("GATE_URL").unwrap_or("http://127.0.0.1:8080/mcp".to_owned());
    let token = std::env::var("GATE_TOKEN").ok().map(BearerToken::new);
    let client = PassportClient::connect_http(&url, token, "ap_desk").await?;

    let Value::Object(arguments) = json!({
        "order_id": "order-1", "customer_id": "customer-1", "amount": 80_000,
        "currency": "USD", "region": "US", "reason_code": "customer_request",
    }) else {
        unreachable!()
    };

    // One intention, one idempotency key, however many attempts it takes, and however many
    // starts of this program: it is in the file before anything is sent.
    let refund = StoredIntention::load_or_new("refund.json", "process_refund", arguments)?;

    let retry = Retry {
        strategy: Some(Strategy::ClampToLimit),
        deadline: Some(Duration::from_secs(30)),
        ..Retry::default()
    };
    let outcome = client.carry_out(&refund, &retry).await;
    match &outcome {
        Ok(reply) => {
            println!("{} after {} attempts", reply.text(), reply.attempts);
            for denial in &reply.denials {
                println!("on the way: {denial}");
            }
            if reply.decision_match.is_doubtful() {
                eprintln!("ask who runs the server: its gate sent no decision about this call");
            }
        }
        // Nobody knows whether it ran. Look at the books before anything else is done.
        Err(error) if error.may_have_run() => eprintln!("look first: {error}"),
        Err(error) => match error.denial().map(|denial| denial.class()) {
            Some(DenialClass::Final) => eprintln!("ask a person: {error}"),
            Some(_) => eprintln!("not now, or not so much: {error}"),
            None => eprintln!("{error}"),
        },
    }
    // After the last word the file goes. Else the next start goes on under the same key.
    if !refund.settle(&outcome)? {
        eprintln!("not settled: it is kept in {}", refund.path().display());
    }

    // The server's `aport-gate audit show ID` has a record of each.
    for entry in client.decisions() {
        println!("{}", serde_json::to_string(&entry)?);
    }
    client.close().await;
    Ok(())
}
