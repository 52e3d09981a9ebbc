//! A collector that keeps what it is sent.

use std::collections::HashMap;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;

use crate::endpoint::{Endpoint, Seen};

pub(crate) struct Collector(Endpoint);

/// One span, with its attributes as text.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty for the first of a trace.
    pub(crate) parent: String,
    pub(crate) state: String,
    pub(crate) attributes: HashMap<String, String>,
    pub(crate) events: usize,
    /// Of the resource.
    pub(crate) service: String,
}

impl Collector {
    pub(crate) fn start() -> Self {
        Self(Endpoint::answering(|_, _| {
            let taken = ExportTraceServiceResponse::default();
            Some((200, taken.encode_to_vec()))
        }))
    }

    pub(crate) fn url(&self) -> String {
        self.0.url()
    }

    /// The requests, each of them protobuf for the path of traces.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        let seen = self.0.seen();
        for request in &seen {
            assert_eq!(request.line, "POST /v1/traces HTTP/1.1");
            assert_eq!(request.headers["content-type"], "application/x-protobuf");
        }
        seen
    }

    /// All spans so far, in the order of their beginnings.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for request in self.requests() {
            let request = ExportTraceServiceRequest::decode(&*request.body).unwrap();
            for resource in request.resource_spans {
                let of_resource = texts(&resource.resource.unwrap().attributes);
                for span in resource
                    .scope_spans
                    .into_iter()
                    .flat_map(|scope| scope.spans)
                {
                    let found = Span {
                        name: span.name,
                        trace: hex(&span.trace_id),
                        id: hex(&span.span_id),
                        parent: hex(&span.parent_span_id),
                        state: span.trace_state,
                        attributes: texts(&span.attributes),
                        events: span.events.len(),
                        service: of_resource["service.name"].clone(),
                    };
                    spans.push((span.start_time_unix_nano, found));
                }
            }
        }
        spans.sort_by_key(|(began, _)| *began);
        spans.into_iter().map(|(_, span)| span).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn texts(attributes: &[KeyValue]) -> HashMap<String, String> {
    let text = |attribute: &KeyValue| {
        let value = attribute.value.clone().and_then(|value| value.value);
        let value = match value {
            Some(Value::StringValue(text)) => text,
            Some(Value::BoolValue(truth)) => truth.to_string(),
            Some(Value::IntValue(number)) => number.to_string(),
            Some(Value::DoubleValue(number)) => number.to_string(),
            other => format!("{other:?}"),
        };
        (attribute.key.clone(), value)
    };
    attributes.iter().map(text).collect()
}
