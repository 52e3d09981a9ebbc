//! What the route publishes: `ToolSpec { name: "process_refund", … }`.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt as _;

use crate::attribute::OnError;
use crate::expand::{at, crate_at, output_type};
use crate::model::Tool;

/// The `ToolSpec` of a tool.
pub(crate) fn expand(tool: &Tool) -> TokenStream {
    let krate = &tool.krate;
    let gated = gated(tool);
    let title = option(tool.title.as_ref());
    let description = option(tool.description.as_ref());
    let hints = &tool.annotations;
    let hint_title = option(hints.title.as_ref());
    let read_only_hint = option(hints.read_only_hint.as_ref());
    let destructive_hint = option(hints.destructive_hint.as_ref());
    let idempotent_hint = option(hints.idempotent_hint.as_ref());
    let open_world_hint = option(hints.open_world_hint.as_ref());
    let output = output_type(tool);
    let span = at(&output);
    let trait_crate = crate_at(krate, span);
    let output_schema = quote_spanned! {span=>
        <#output as #trait_crate::__private::ToolReturn>::output_schema()
    };
    quote_spanned! {Span::mixed_site()=>
        #krate::__private::ToolSpec {
            gated: #gated,
            title: #title,
            description: #description,
            annotations: #krate::__private::Annotations {
                title: #hint_title,
                read_only_hint: #read_only_hint,
                destructive_hint: #destructive_hint,
                idempotent_hint: #idempotent_hint,
                open_world_hint: #open_world_hint,
            },
            output_schema: #output_schema,
        }
    }
}

/// What the gate needs to know about a tool.
pub(crate) fn gated(tool: &Tool) -> TokenStream {
    let krate = &tool.krate;
    let name = &tool.name;
    let pack = pack(tool);
    let mapped = tool
        .context
        .iter()
        .map(|field| field.name.unraw().to_string());
    let has_facts = tool.facts.is_some();
    let redacted = &tool.redacted;
    let on_error = match tool.on_error {
        OnError::Hold => quote_spanned!(Span::mixed_site()=> Hold),
        OnError::Release => quote_spanned!(Span::mixed_site()=> Release),
    };
    quote_spanned! {Span::mixed_site()=>
        #krate::__private::GatedTool {
            name: #name,
            pack: #pack,
            mapped: &[#(#mapped),*],
            has_facts: #has_facts,
            redacted: &[#(#redacted),*],
            on_error: #krate::__private::OnError::#on_error,
        }
    }
}

/// The pack: the bytes that were checked are the bytes that are enforced.
fn pack(tool: &Tool) -> TokenStream {
    let krate = &tool.krate;
    let policy = &tool.policy;
    let id = &policy.id;
    let digest = option(policy.pack.as_ref().map(|pack| pack.digest().to_string()));
    let json = option(
        policy
            .file
            .as_ref()
            .map(|(_, json)| Literal::byte_string(json)),
    );
    // The compiler runs again when a file changes that it included.
    let tracked = policy.file.as_ref().map(|(path, _)| {
        let path = format!("/{}", path.value());
        quote_spanned! {Span::mixed_site()=>
            const _: &[::core::primitive::u8] =
                ::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #path));
        }
    });
    quote_spanned! {Span::mixed_site()=>
        {
            #tracked
            #krate::__private::ToolPack { id: #id, digest: #digest, json: #json }
        }
    }
}

fn option(value: Option<impl ToTokens>) -> TokenStream {
    match value {
        Some(value) => {
            quote_spanned!(Span::mixed_site()=> ::core::option::Option::Some(#value))
        }
        None => quote_spanned!(Span::mixed_site()=> ::core::option::Option::None),
    }
}
