//! Spans of calls, exported by OTLP over HTTP (protobuf) as the standard variables of OpenTelemetry say.
//!
//! A thread of the exporter's own gathers them. A collector that is away costs spans, never a call: what does
//! not fit its queue is dropped.

use std::env;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use reqwest::{Client, Url, redirect};
use tokio::runtime::Handle;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::transport::{innermost, tls};

/// Name of the service where no variable has one.
const SERVICE: &str = "aport-gate-server";
const ENDPOINT: &str = "http://localhost:4318";
/// Longest wait for a collector to take one batch.
const WITHIN: Duration = Duration::from_secs(10);
/// Longest wait for it when the server ends.
const AT_THE_END: Duration = Duration::from_secs(2);
/// Largest answer of a collector that is read, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Spans on their way.
pub(super) struct Spans(SdkTracerProvider);

impl Spans {
    /// None where the environment wants none.
    ///
    /// # Errors
    /// What is wrong with the environment.
    pub(super) fn from_env() -> Result<Option<Self>, String> {
        let is = |variable, value: &str| {
            text(variable).is_some_and(|text| text.eq_ignore_ascii_case(value))
        };
        if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
            return Ok(None);
        }
        let protocol = of_traces("PROTOCOL");
        if let Some(protocol) = protocol.filter(|protocol| protocol != "http/protobuf") {
            let problem = "is not built in; set OTEL_EXPORTER_OTLP_PROTOCOL to `http/protobuf`";
            return Err(format!("protocol `{protocol}` {problem}"));
        }
        let endpoint = endpoint()?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(endpoint.as_str())
            .with_http_client(Collector::new(&endpoint)?)
            .build()
            .map_err(|error| error.to_string())?;
        let mut resource = Resource::builder();
        let attributes = text("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        if text("OTEL_SERVICE_NAME").is_none() && !attributes.contains("service.name=") {
            resource = resource.with_service_name(SERVICE);
        }
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.build())
            .build();
        Ok(Some(Self(provider)))
    }

    /// The spans of calls, and nothing that is logged within them: a message may quote an argument.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let is_call = |of: &Metadata<'_>| of.is_span() && of.target() == "aport_gate::span";
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("aport-gate"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(is_call))
    }

    /// Hands over what waits.
    pub(super) async fn end(self) {
        let ending = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(AT_THE_END));
        if !matches!(ending.await, Ok(Ok(()))) {
            tracing::warn!("the last spans could not be handed over");
        }
    }
}

/// A variable that is set to something.
fn text(variable: &str) -> Option<String> {
    let text = env::var(variable).ok()?;
    (!text.trim().is_empty()).then_some(text)
}

/// A setting for traces, or else for all signals.
fn of_traces(setting: &str) -> Option<String> {
    let own = text(&format!("OTEL_EXPORTER_OTLP_TRACES_{setting}"));
    own.or_else(|| text(&format!("OTEL_EXPORTER_OTLP_{setting}")))
}

fn endpoint() -> Result<Url, String> {
    let (text, variable) = match text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        Some(text) => (text, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        None => {
            let base = text("OTEL_EXPORTER_OTLP_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned());
            let base = base.trim_end_matches('/');
            (format!("{base}/v1/traces"), "OTEL_EXPORTER_OTLP_ENDPOINT")
        }
    };
    // Without the URL: it may hold a password.
    Url::parse(&text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| format!("`{variable}` is no URL of a collector, such as `{ENDPOINT}`"))
}

/// The way to a collector, over the runtime of the server.
#[derive(Debug)]
struct Collector {
    client: Client,
    runtime: Handle,
    is_away: AtomicBool,
}

impl Collector {
    fn new(endpoint: &Url) -> Result<Self, String> {
        let within = of_traces("TIMEOUT").and_then(|text| text.trim().parse().ok());
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .referer(false)
            .timeout(within.map_or(WITHIN, Duration::from_millis))
            .tls_backend_preconfigured(tls(endpoint.scheme() == "https")?);
        if endpoint.host_str().is_some_and(is_this_machine) {
            builder = builder.no_proxy();
        }
        Ok(Self {
            client: builder.build().map_err(innermost)?,
            runtime: Handle::current(),
            is_away: AtomicBool::new(false),
        })
    }
}

impl HttpClient for Collector {
    fn send_bytes<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let client = self.client.clone();
            // The exporter's thread has no runtime.
            let sending = self.runtime.spawn(send(client, request));
            let sent = sending.await.unwrap_or_else(|error| Err(error.to_string()));
            // Once an outage.
            match (&sent, self.is_away.swap(sent.is_err(), Ordering::Relaxed)) {
                (Err(problem), false) => {
                    tracing::warn!(problem, "spans are lost: the collector does not take them");
                }
                (Ok(_), true) => tracing::info!("the collector takes spans again"),
                _ => {}
            }
            sent.map_err(HttpError::from)
        })
    }
}

async fn send(client: Client, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
    let request = reqwest::Request::try_from(request).map_err(innermost)?;
    let mut answer = client.execute(request).await.map_err(innermost)?;
    let status = answer.status();
    if !status.is_success() {
        return Err(format!("it answered with status {}", status.as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(innermost)? {
        if body.len().saturating_add(chunk.len()) > LARGEST_ANSWER {
            return Err("its answer is too large".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    let mut whole = Response::new(Bytes::from(body));
    *whole.status_mut() = status;
    Ok(whole)
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}
