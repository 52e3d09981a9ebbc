use std::sync::Mutex as Held;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

const LONG: Duration = Duration::from_secs(60);

/// Nothing in it comes from a time that passes: all keys are old at once, and nothing is asked twice.
const OLD_AT_ONCE: Times = Times {
    fresh: Duration::ZERO,
    overdue: Duration::MAX,
    patience: Duration::MAX,
    stale: Duration::MAX,
    between_unknown: Duration::MAX,
    between_failures: Duration::MAX,
    without_keys: Duration::ZERO,
};

fn fixtures() -> Value {
    serde_json::from_str(include_str!("../fixtures.json")).unwrap()
}

/// The keys of these ids.
fn keys(ids: &[&str]) -> Value {
    let all = fixtures()["jwks"]["keys"].as_array().cloned().unwrap();
    let named = |key: &Value| ids.iter().any(|id| key["kid"] == *id);
    let keys: Vec<Value> = all.into_iter().filter(named).collect();
    json!({ "keys": keys })
}

/// What an issuer does with a request.
#[derive(Clone)]
enum Does {
    Answers(Value),
    Fails,
    Hangs,
}

struct Issuer {
    does: Arc<Held<Does>>,
    asked: Arc<AtomicUsize>,
    url: String,
}

impl Issuer {
    async fn start(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self {
            does: Arc::new(Held::new(does)),
            asked: Arc::default(),
            url: format!("http://{}/jwks.json", listener.local_addr().unwrap()),
        };
        let (does, asked) = (Arc::clone(&issuer.does), Arc::clone(&issuer.asked));
        tokio::spawn(async move {
            let mut open = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 4096]).await;
                asked.fetch_add(1, SeqCst);
                let does = does.lock().unwrap().clone();
                let (status, body) = match does {
                    Does::Answers(keys) => ("200 OK", keys.to_string()),
                    Does::Fails => ("500 No", String::new()),
                    Does::Hangs => {
                        open.push(stream);
                        continue;
                    }
                };
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}");
                let answer = format!("{head}\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        issuer
    }

    fn now(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    fn published(&self, times: Times) -> Published {
        let url = Url::parse(&self.url).unwrap();
        let fetch = Fetch::new(&url, None).unwrap();
        Published::new(fetch, Place::At(url), times)
    }

    async fn until_asked(&self, times: usize) {
        let asked = async {
            while self.asked.load(SeqCst) < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, asked).await.unwrap();
    }
}

/// Whether the key of this fixture's token is known now; it is told without waiting for anybody.
async fn knows(published: &Published, name: &str) -> Result<bool, NoKeys> {
    let fixtures = fixtures();
    let token = Unverified::read(fixtures["tokens"][name].as_str().unwrap()).unwrap();
    let keys = timeout(LONG, published.keys_for(&token)).await.unwrap()?;
    Ok(token.is_known_to(&keys))
}

#[tokio::test]
async fn old_keys_serve_while_the_issuer_hangs() {
    let issuer = Issuer::start(Does::Answers(keys(&["rsa"]))).await;
    let published = issuer.published(OLD_AT_ONCE);
    assert!(knows(&published, "RS256").await.unwrap());
    issuer.now(Does::Hangs);
    for _ in 0..3 {
        assert!(knows(&published, "RS256").await.unwrap());
    }
    issuer.until_asked(2).await;
    // Whoever asks holds this: nobody waited for it, and nobody else asks meanwhile.
    assert!(published.0.asking.try_lock().is_err());
    assert!(knows(&published, "RS256").await.unwrap());
    assert_eq!(issuer.asked.load(SeqCst), 2);
}

#[tokio::test]
async fn keys_that_were_taken_back_and_new_ones_are_noticed_beside_the_requests() {
    let issuer = Issuer::start(Does::Answers(keys(&["rsa"]))).await;
    let published = issuer.published(OLD_AT_ONCE);
    assert!(knows(&published, "RS256").await.unwrap());
    issuer.now(Does::Answers(keys(&["es256"])));
    let noticed = async {
        while knows(&published, "RS256").await.unwrap() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, noticed).await.unwrap();
    assert!(knows(&published, "ES256").await.unwrap());
}

#[tokio::test]
async fn after_a_night_without_requests_the_first_one_waits_a_little_for_the_issuer() {
    let issuer = Issuer::start(Does::Answers(keys(&["rsa"]))).await;
    let overdue = Times {
        overdue: Duration::ZERO,
        ..OLD_AT_ONCE
    };
    let published = issuer.published(overdue);
    assert!(knows(&published, "RS256").await.unwrap());
    issuer.now(Does::Answers(keys(&["es256"])));
    assert!(!knows(&published, "RS256").await.unwrap(), "taken back");
    let published = issuer.published(Times {
        patience: Duration::from_millis(10),
        ..overdue
    });
    assert!(knows(&published, "ES256").await.unwrap());
    issuer.now(Does::Hangs);
    assert!(
        knows(&published, "ES256").await.unwrap(),
        "no longer than that"
    );
}

#[tokio::test]
async fn an_issuer_that_fails_is_left_alone_for_a_while() {
    let issuer = Issuer::start(Does::Answers(keys(&["rsa"]))).await;
    let published = issuer.published(OLD_AT_ONCE);
    assert!(knows(&published, "RS256").await.unwrap());
    issuer.now(Does::Fails);
    assert!(knows(&published, "RS256").await.unwrap());
    issuer.until_asked(2).await;
    drop(published.0.asking.lock().await);
    for _ in 0..3 {
        assert!(knows(&published, "RS256").await.unwrap());
        // For an unknown key neither.
        assert!(!knows(&published, "ES256").await.unwrap());
    }
    assert_eq!(issuer.asked.load(SeqCst), 2);
}

#[tokio::test]
async fn unknown_keys_are_asked_for_once_in_a_while() {
    let issuer = Issuer::start(Does::Answers(keys(&["rsa"]))).await;
    let published = issuer.published(Times {
        fresh: Duration::MAX,
        ..OLD_AT_ONCE
    });
    assert!(knows(&published, "RS256").await.unwrap());
    for name in ["ES256", "ES384", "EdDSA"] {
        assert!(!knows(&published, name).await.unwrap());
    }
    assert_eq!(issuer.asked.load(SeqCst), 2);
    assert!(knows(&published, "RS256").await.unwrap());
}

#[tokio::test]
async fn without_keys_nobody_is_let_in() {
    let issuer = Issuer::start(Does::Fails).await;
    let published = issuer.published(OLD_AT_ONCE);
    assert!(knows(&published, "RS256").await.is_err());
    issuer.now(Does::Answers(keys(&["rsa"])));
    assert!(knows(&published, "RS256").await.unwrap());
    let outdated = issuer.published(Times {
        stale: Duration::ZERO,
        ..OLD_AT_ONCE
    });
    assert!(knows(&outdated, "RS256").await.is_err(), "at once too old");
}
