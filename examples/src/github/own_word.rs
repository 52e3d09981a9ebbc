//! Which answers are GitHub's own: something on the way can refuse what GitHub has done.

use http::Response;
use serde_json::Value;

/// Headers of GitHub's, and of an Enterprise server's.
const HEADERS: [&str; 2] = ["x-github-request-id", "x-github-media-type"];

/// An answer that something between here and GitHub may have given: it says nothing about what GitHub did.
#[derive(Debug, thiserror::Error)]
#[error("an answer {0} came that is not in GitHub's form")]
pub(super) struct ForeignAnswer(pub(super) u16);

/// What GitHub says in an answer that is no success, in the form that it documents: its headers, and a JSON object
/// with a `message`.
///
/// # Errors
/// It is not in that form, as what a firewall, a proxy or a sign-on page answers.
pub(super) fn own_word(answer: &Response<Vec<u8>>) -> Result<String, ForeignAnswer> {
    let is_headed = HEADERS
        .iter()
        .any(|name| answer.headers().contains_key(*name));
    let body: Option<Value> = serde_json::from_slice(answer.body()).ok();
    let message = body
        .as_ref()
        .and_then(|body| body.get("message")?.as_str())
        .filter(|_| is_headed);
    message
        .map(ToOwned::to_owned)
        .ok_or_else(|| ForeignAnswer(answer.status().as_u16()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_github_s_headers_and_a_message_in_json_are_its_own_word() {
        let own = ("x-github-request-id", "8B4C:1F2A");
        for (header, body, said) in [
            (own, r#"{"message":"Not Found"}"#, Some("Not Found")),
            (
                ("x-github-media-type", "github.v3; format=json"),
                r#"{"message":"no","documentation_url":"x"}"#,
                Some("no"),
            ),
            (
                ("server", "kong"),
                r#"{"message":"no Route matched"}"#,
                None,
            ),
            (own, "<html>no</html>", None),
            (own, r#"{"message":7}"#, None),
            (own, r#""message""#, None),
            (own, "", None),
        ] {
            let answer = Response::builder().status(404).header(header.0, header.1);
            let answer = answer.body(body.as_bytes().to_vec()).unwrap();
            assert_eq!(own_word(&answer).ok().as_deref(), said, "{header:?} {body}");
        }
    }
}
