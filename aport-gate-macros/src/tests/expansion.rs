//! Snapshots of what the attribute expands to. `UPDATE_SNAPSHOTS=1 cargo test` rewrites them.

use std::path::Path;

use proc_macro2::TokenStream;
use quote::quote;

use crate::gated;

fn assert_expansion(name: &str, attribute: TokenStream, item: TokenStream) {
    assert_file(name, gated(attribute, item));
}

fn assert_file(name: &str, expansion: TokenStream) {
    let file: syn::File = syn::parse2(expansion).unwrap();
    let expansion = without_digests(&prettyplease::unparse(&file));
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("snapshots")
        .join(format!("{name}.rs"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &expansion).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        expansion, expected,
        "UPDATE_SNAPSHOTS=1 cargo test accepts it"
    );
}

/// A pack's digest is not what these are about.
fn without_digests(expansion: &str) -> String {
    let mut parts = expansion.split("sha256:");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| {
        text + "sha256:…" + part.get(64..).unwrap()
    })
}

#[test]
fn refund_with_service_permit_and_defaults() {
    assert_expansion(
        "process_refund",
        quote!(pack = "finance.payment.refund.v1"),
        quote! {
            /// Refund an order.
            ///
            /// At most once.
            #[instrument(skip_all)]
            #[allow(clippy::too_many_arguments)]
            pub async fn process_refund(
                #[service] desk: &RefundDesk,
                #[permit] permit: &Permit,
                /// Order to refund.
                order_id: String,
                #[serde(rename = "customer_id")] customer: String,
                /// Amount in minor units (cents).
                #[schemars(range(min = 1))]
                amount: u64,
                currency: Currency,
                region: String,
                idempotency_key: String,
                #[arg(default = "customer_request")] mut reason_code: String,
                note: Option<String>,
            ) -> Result<Json<Receipt>, RefundError> {
                desk.refund(permit, order_id, amount, note).await
            }
        },
    );
}

#[test]
fn merge_with_every_key() {
    assert_expansion(
        "merge_pull_request",
        quote! {
            pack = "code.repository.merge.v1",
            name = "merge-pull-request",
            title = "Merge",
            description = "Merge a pull request.",
            annotations(
                title = "Merge",
                read_only_hint = false,
                destructive_hint = true,
                idempotent_hint = true,
                open_world_hint = false,
            ),
            context(action = "pr.merge", branch = base_branch),
            crate = ::gates,
        },
        quote! {
            /// Not the description.
            async fn merge_pull_request(
                repository: String,
                #[serde(alias = "pr")] pr_number: u64,
                #[arg(default = "main")] base_branch: String,
                #[arg(default)] draft: bool,
                #[arg(default = Strategy::Squash)] r#type: Strategy,
            ) -> String {
                format!("merged #{pr_number}")
            }
        },
    );
}

#[test]
fn a_half_typed_body_without_arguments() {
    assert_expansion(
        "ping",
        quote!(pack = "acme.ping.v1", unchecked),
        quote! {
            #[cfg(unix)]
            pub(crate) async fn ping() {
                let answer = "pong";
            }
        },
    );
}

#[test]
fn a_function_with_facts_and_a_redacted_argument() {
    assert_expansion(
        "merge_with_facts",
        quote! {
            pack = "code.repository.merge.v1",
            context(action = "pr.merge"),
            facts = host::pull_request,
            on_error = "release",
        },
        quote! {
            async fn merge(#[service] host: &Host, #[redact] repository: String, pr_number: u64) -> String {
                repository
            }
        },
    );
}

#[test]
fn a_method_with_every_kind_of_parameter() {
    let method = gated(
        quote!(
            pack = "code.repository.merge.v1",
            context(action = "pr.merge")
        ),
        quote! {
            /// Merge.
            #[tool(name = "merge-one", meta = meta())]
            async fn merge(
                &self,
                Parameters(Merge { mut repository, .. }): Parameters<Merge>,
                #[permit] permit: &Permit,
                extensions: Extensions,
            ) -> Result<Json<u64>, ErrorData> {
                Ok(Json(1))
            }
        },
    );
    assert_file("merge_method", quote!(impl Shop { #method }));
}
