//! The messages, on token streams: what the place of an error looks like is for the UI cases.

use proc_macro2::TokenStream;
use quote::quote;

use crate::gated;

/// The messages of the `compile_error!` calls in the expansion.
fn messages(attribute: TokenStream, item: TokenStream) -> Vec<String> {
    let file: syn::File = syn::parse2(gated(attribute, item)).unwrap();
    file.items
        .into_iter()
        .filter_map(|item| match item {
            syn::Item::Macro(call) if call.mac.path.segments.last()?.ident == "compile_error" => {
                Some(call.mac.parse_body::<syn::LitStr>().unwrap().value())
            }
            _ => None,
        })
        .collect()
}

fn message_of(parameter: TokenStream) -> String {
    let messages = messages(
        quote!(pack = "finance.payment.refund.v1"),
        quote!(async fn process_refund(#parameter) {}),
    );
    let [message] = messages.as_slice() else {
        panic!("one mistake, one message: {messages:?}");
    };
    message.clone()
}

#[test]
fn each_mistake_in_a_parameter_has_one_message_that_shows_the_fix() {
    let cases = [
        (quote!(order: &str), "take `String`"),
        (quote!(orders: &[Order]), "take `Vec<Order>`"),
        (quote!(desk: &Desk), "mark it `#[service]`"),
        (quote!(note: Option<&str>), "take `String`"),
        (quote!((a, b): (u8, u8)), "take it apart in the body"),
        (quote!(order: impl Into<String>), "name the type"),
        (
            quote!(#[arg(default = "x")] note: Option<String>),
            "remove the default",
        ),
        (
            quote!(#[arg(defalt = "x")] note: String),
            "did you mean `default`?",
        ),
        (quote!(agent_id: String), "call `permit.agent_id()`"),
        (quote!(policy_id: String), "call `permit.policy_id()`"),
        (
            quote!(#[serde(alias = "agent_id")] a: String),
            "call `permit.agent_id()`",
        ),
        (quote!(#[service] desk: &mut Desk), "take `&Desk`"),
        (quote!(#[service] desk: Desk), "take `&Desk`"),
        (quote!(#[permit] permit: Permit), "take `&Permit`"),
        (quote!(#[service] #[permit] permit: &Permit), "one role"),
        (
            quote!(#[service] a: &A, #[service] b: &B),
            "hold both in one struct",
        ),
        (quote!(#[servce] desk: Desk), "did you mean `service`?"),
        (
            quote!(#[serde(flatten)] order: Order),
            "`#[serde(flatten)]` is refused",
        ),
        (
            quote!(#[serde(rename = "b")] a: u8, b: u8),
            "both `b` in JSON",
        ),
    ];
    for (parameter, fix) in cases {
        let message = message_of(parameter.clone());
        assert!(message.contains(fix), "{parameter}: {message}");
    }
}

#[test]
fn independent_mistakes_are_all_reported() {
    let messages = messages(
        quote!(title = 5, annotations(readonly_hint = true)),
        quote!(
            fn process_refund(order: &str, agent_id: String) {}
        ),
    );
    assert_eq!(messages.len(), 6, "{messages:#?}");
}

#[test]
fn a_misspelt_pack_is_not_also_missing() {
    let messages = messages(
        quote!(pak = "finance.payment.refund.v1"),
        quote!(
            async fn f() {}
        ),
    );
    assert_eq!(messages.len(), 1, "{messages:#?}");
}

#[test]
fn the_stand_in_keeps_name_and_visibility() {
    let expansion = gated(
        quote!(),
        quote!(
            pub(crate) async fn refund(#[service] a: &A) {}
        ),
    );
    let text = expansion.to_string();
    assert!(
        text.contains("pub (crate) fn refund < __Server > ()"),
        "{text}"
    );
    assert!(!text.contains("service"), "{text}");
}

#[test]
fn an_item_that_is_no_function_stays_as_it_is() {
    let item = quote!(
        struct Order;
    );
    assert!(
        gated(quote!(), item.clone())
            .to_string()
            .ends_with(&item.to_string())
    );
}

#[test]
fn a_redacted_argument_that_would_be_logged_is_refused() {
    let of = |attribute: TokenStream| {
        messages(
            quote!(pack = "acme.pay.v1", unchecked),
            quote! {
                #attribute
                async fn pay(amount: u64, #[redact] card: String) {}
            },
        )
    };
    let logged = of(quote!(#[tracing::instrument(skip(amount), fields(x = 1))]));
    assert!(
        logged[0].contains("`#[instrument(skip(card))]`"),
        "{logged:?}"
    );
    assert_eq!(
        of(quote!(#[instrument(level = "debug", skip(card))])).len(),
        0
    );
    assert_eq!(of(quote!(#[instrument(skip_all)])).len(), 0);
}

#[test]
fn attributes_on_a_method_come_above_ours_and_see_it_as_it_was() {
    let expansion = gated(
        quote!(pack = "acme.pay.v1", unchecked),
        quote! {
            #[tool]
            #[instrument(skip_all)]
            async fn pay(&self) {}
        },
    );
    let expected = quote! {
        #[instrument(skip_all)]
        #[::aport_gate::policy_gated(pack = "acme.pay.v1", unchecked)]
        #[tool]
        async fn pay(&self) {}
    };
    assert_eq!(expansion.to_string(), expected.to_string());
}
