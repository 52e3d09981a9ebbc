//! The server's log on standard error and, with the feature `otel`, its spans for a collector.

#[cfg(feature = "otel")]
mod otlp;

use aport_gate::terminal::is_coloured;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// What is told of a server while it lives.
#[must_use = "spans that wait are lost unless it is ended"]
pub struct Telemetry {
    #[cfg(feature = "otel")]
    spans: Option<otlp::Spans>,
}

impl Telemetry {
    /// Begins to tell. Standard output is left to MCP.
    pub fn start() -> Self {
        let filter = EnvFilter::try_from_default_env();
        let log = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            // A log that cannot be written must not panic in the call that it tells of.
            .log_internal_errors(false)
            // A client keeps it in a file, where colours are noise.
            .with_ansi(is_coloured(&std::io::stderr()))
            .with_filter(filter.unwrap_or_else(|_| EnvFilter::new("info,rmcp=warn")));
        let subscriber = tracing_subscriber::registry().with(log);
        #[cfg(feature = "otel")]
        {
            let spans = otlp::Spans::from_env();
            let layer = spans.as_ref().ok().and_then(Option::as_ref);
            subscriber.with(layer.map(otlp::Spans::layer)).init();
            let spans = spans.unwrap_or_else(|problem| {
                tracing::error!(problem, "no spans are exported");
                None
            });
            Self { spans }
        }
        #[cfg(not(feature = "otel"))]
        {
            subscriber.init();
            Self {}
        }
    }

    /// Hands over what waits, for as long as a server that ends may take.
    pub async fn end(self) {
        #[cfg(feature = "otel")]
        if let Some(spans) = self.spans {
            spans.end().await;
        }
    }
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}
