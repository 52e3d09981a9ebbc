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
    let compared = compared(tool);
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
            compared: #compared,
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

/// By which names what was given is compared with what is written, where a type may write another value.
fn compared(tool: &Tool) -> TokenStream {
    let krate = &tool.krate;
    let aliases = tool.arguments().flat_map(|(_, argument)| {
        let (name, aliases) = argument.json_names.split_first().unzip();
        let aliases = aliases.into_iter().flatten();
        aliases.map(move |alias| quote_spanned!(Span::mixed_site()=> (#alias, #name)))
    });
    // One question for all of them, so nested: there is no trait for tuples of every length.
    let nothing = quote_spanned!(Span::mixed_site()=> ());
    let mut arguments = tool.arguments();
    let types = arguments.try_fold(nothing, |types, (parameter, argument)| {
        let ty = &parameter.ty;
        // Whether the parameter exists is not known here.
        let may_be_gone = crate::expand::cfg(&argument.field_attributes)
            .next()
            .is_some();
        (!may_be_gone).then(|| quote_spanned!(Span::mixed_site()=> (#ty, #types)))
    });
    let compared =
        quote_spanned!(Span::mixed_site()=> ::core::option::Option::Some(&[#(#aliases),*]));
    let Some(types) = types else {
        return compared;
    };
    quote_spanned! {Span::mixed_site()=>
        {
            #[allow(unused_imports)]
            use #krate::__private::contract::OtherFaithful as _;
            if #krate::__private::contract::Source::<#types>::of_type().is_faithful() {
                ::core::option::Option::None
            } else {
                #compared
            }
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
