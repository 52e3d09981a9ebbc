//! W3C trace context (<https://www.w3.org/TR/trace-context/>): a call joins the trace of whoever asked for
//! it, and a registry that is asked joins the call's.

use http::{HeaderMap, HeaderValue};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use rmcp::model::{Extensions, JsonObject};
use serde_json::Value;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";
/// Longest state that is passed on, in bytes; a longer one is dropped.
const LONGEST_STATE: usize = 512;

/// The span that a request was made in, by its `_meta`, as MCP has it, or else by its HTTP headers. What is
/// not well-formed counts as absent: it is for tracing alone, and stops no call.
pub(crate) fn of_request(meta: &JsonObject, extensions: &Extensions) -> Option<SpanContext> {
    let told = |name: &str| meta.get(name).and_then(Value::as_str);
    if let Some(parent) = told(PARENT).and_then(|parent| span_context(parent, told(STATE))) {
        return Some(parent);
    }
    let headers = &extensions.get::<http::request::Parts>()?.headers;
    let told = |name: &str| single(headers, name);
    span_context(told(PARENT)?, told(STATE))
}

/// Makes the span a child of it.
pub(crate) fn adopt(span: &Span, parent: Option<SpanContext>) {
    if let Some(parent) = parent {
        let context = opentelemetry::Context::new().with_remote_span_context(parent);
        // It fails where nobody exports this span.
        let _ = span.set_parent(context);
    }
}

/// Tells whoever gets these headers that they are asked within the current span.
pub(crate) fn write(headers: &mut HeaderMap) {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    if !span.is_valid() {
        return;
    }
    let flags = span.trace_flags() & TraceFlags::SAMPLED;
    let parent = format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), flags);
    let state = span.trace_state().header();
    for (name, value) in [(PARENT, parent), (STATE, state)] {
        if !value.is_empty()
            && let Ok(value) = HeaderValue::try_from(value)
        {
            headers.insert(name, value);
        }
    }
}

fn single<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Version, trace, span and flags in lowercase hexadecimal; versions to come may add to them.
fn span_context(parent: &str, state: Option<&str>) -> Option<SpanContext> {
    let mut parts = parent.splitn(5, '-');
    let mut next = |digits: usize| {
        let part = parts.next()?;
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (part.len() == digits && part.bytes().all(is_hex)).then_some(part)
    };
    let (version, trace, span, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
    let has_more = parts.next().is_some();
    if version == "ff" || (version == "00" && has_more) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    // A member without a key, which the parser would take, is no member.
    let has_keys = |state: &str| {
        state
            .split(',')
            .all(|member| !member.trim().starts_with('='))
    };
    let state = state.filter(|state| state.len() <= LONGEST_STATE && has_keys(state));
    let state = state.and_then(|state| state.parse::<TraceState>().ok());
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        flags,
        true,
        state.unwrap_or_default(),
    );
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn only_what_is_well_formed_is_a_parent() {
        let good = format!("00-{TRACE}-{SPAN}-01");
        let context = span_context(&good, Some("a=1,b=2")).unwrap();
        assert!(context.is_remote() && context.is_sampled());
        assert_eq!(context.trace_id().to_string(), TRACE);
        assert_eq!(context.span_id().to_string(), SPAN);
        assert_eq!(context.trace_state().header(), "a=1,b=2");
        assert!(
            !span_context(&format!("00-{TRACE}-{SPAN}-02"), None)
                .unwrap()
                .is_sampled()
        );
        assert!(span_context(&format!("01-{TRACE}-{SPAN}-01-more"), None).is_some());
        let long = format!("a={}", "x".repeat(600));
        for state in ["=", "a", "a=1,=2", long.as_str()] {
            let context = span_context(&good, Some(state)).unwrap();
            assert_eq!(context.trace_state().header(), "", "{state}");
        }
        for bad in [
            "",
            "00",
            "hunter2",
            &format!("ff-{TRACE}-{SPAN}-01"),
            &format!("00-{TRACE}-{SPAN}-01-more"),
            &format!("00-{TRACE}-{SPAN}"),
            &format!("00-{TRACE}-{SPAN}-1"),
            &format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            &format!("00-{}-{SPAN}-01", "0".repeat(32)),
            &format!("00-{TRACE}-{}-01", "0".repeat(16)),
            &format!("00-{TRACE}0-{SPAN}-01"),
            &format!(" 00-{TRACE}-{SPAN}-01"),
            &format!("00-{TRACE}-{SPAN}-01\n"),
            &format!("00-{TRACE}-{SPAN}-+1"),
        ] {
            assert!(span_context(bad, None).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_header_that_is_there_twice_is_no_parent() {
        let good = HeaderValue::try_from(format!("00-{TRACE}-{SPAN}-01")).unwrap();
        let mut headers = HeaderMap::new();
        headers.append(PARENT, good.clone());
        assert!(single(&headers, PARENT).is_some());
        headers.append(PARENT, good);
        assert!(single(&headers, PARENT).is_none());
    }
}
