//! The tools that the conformance suite asks for by name, and one for the fuzzer. All are gated.

use aport_gate::rmcp::handler::server::router::tool::ToolRouter;
use aport_gate::rmcp::model::{ContentBlock, ResourceContents};
use aport_gate::{CallToolResult, Permit, Server, policy_gated};

use crate::Books;

/// One red pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==";
/// No sound, in a file that players accept.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

pub(crate) fn tools() -> ToolRouter<Server<Books>> {
    ToolRouter::new()
        .with_route(test_simple_text)
        .with_route(test_image_content)
        .with_route(test_audio_content)
        .with_route(test_embedded_resource)
        .with_route(test_multiple_content_types)
        .with_route(test_error_handling)
        .with_route(measure)
}

/// A tool that answers with text.
#[policy_gated(pack_file = "policies/acme.probe.v1.json")]
async fn test_simple_text(
    #[service] books: &Books,
    #[permit] permit: &Permit,
) -> Result<String, std::io::Error> {
    books.enter(permit)?;
    Ok("This is a simple text response for testing.".to_owned())
}

/// A tool that answers with a picture.
#[policy_gated(pack_file = "policies/acme.probe.v1.json")]
async fn test_image_content(
    #[service] books: &Books,
    #[permit] permit: &Permit,
) -> Result<CallToolResult, std::io::Error> {
    books.enter(permit)?;
    Ok(CallToolResult::success(vec![ContentBlock::image(
        PNG,
        "image/png",
    )]))
}

/// A tool that answers with sound.
#[policy_gated(pack_file = "policies/acme.probe.v1.json")]
async fn test_audio_content(
    #[service] books: &Books,
    #[permit] permit: &Permit,
) -> Result<CallToolResult, std::io::Error> {
    books.enter(permit)?;
    Ok(CallToolResult::success(vec![ContentBlock::audio(
        WAV,
        "audio/wav",
    )]))
}

/// A tool that answers with a resource.
#[policy_gated(pack_file = "policies/acme.probe.v1.json")]
async fn test_embedded_resource(
    #[service] books: &Books,
    #[permit] permit: &Permit,
) -> Result<CallToolResult, std::io::Error> {
    books.enter(permit)?;
    Ok(CallToolResult::success(vec![resource()]))
}

/// A tool that answers with several kinds of content.
#[policy_gated(pack_file = "policies/acme.probe.v1.json")]
async fn test_multiple_content_types(
    #[service] books: &Books,
    #[permit] permit: &Permit,
) -> Result<CallToolResult, std::io::Error> {
    books.enter(permit)?;
    Ok(CallToolResult::success(vec![
        ContentBlock::text("Multiple content types test:"),
        ContentBlock::image(PNG, "image/png"),
        resource(),
    ]))
}

/// A tool that always fails.
#[policy_gated(pack_file = "policies/acme.probe.v1.json")]
async fn test_error_handling(
    #[service] books: &Books,
    #[permit] permit: &Permit,
) -> Result<String, std::io::Error> {
    books.enter(permit)?;
    Err(std::io::Error::other(
        "This tool intentionally returns an error for testing",
    ))
}

/// Measure a text. The place also comes as a header, for proxies.
#[policy_gated(pack_file = "policies/acme.probe.v1.json")]
async fn measure(
    #[service] books: &Books,
    #[permit] permit: &Permit,
    /// Any text.
    text: String,
    /// Any text, which a header has to repeat over HTTP.
    #[schemars(extend("x-mcp-header" = "Place"))]
    #[arg(default = "anywhere")]
    place: String,
) -> Result<String, std::io::Error> {
    books.enter(permit)?;
    Ok(format!("{} bytes, {} of place", text.len(), place.len()))
}

fn resource() -> ContentBlock {
    ContentBlock::resource(ResourceContents::text(
        "This is an embedded resource content.",
        "test://embedded-resource",
    ))
}
