//! The contract with the facts: what only they can supply is there, what they override stays of its
//! type, and the pack knows them.
//!
//! ```text
//! trait __FactsHold {}                               // says what is missing
//! impl<F: HoldsFact<1> + HoldsFact<2>> __FactsHold for F {}
//! struct __Pack;                                     // knows its fields
//! impl KnowsFact<1> for __Pack {} …
//! ```

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use serde_json::Value;

use crate::advice::Advice;
use crate::contract;
use crate::expand::crate_at;
use crate::fact_name;
use crate::model::Tool;
use crate::parameter::OF_THE_GATE;

/// Statements that check the facts in the local `facts`, reported at `span`.
pub(crate) fn checks(tool: &Tool, facts: &Ident, span: Span) -> Option<TokenStream> {
    tool.policy.pack.as_ref()?;
    let krate = crate_at(&tool.krate, span);
    let facts = Ident::new(&facts.to_string(), span);
    let held = held(tool, &facts, span);
    let types = types(tool, &facts, span);
    let known = known(tool).map(|names| {
        let numbers = names.iter().map(|name| fact_name::number(name));
        quote_spanned! {span=>
            struct __Pack;
            #(#[diagnostic::do_not_recommend] impl #krate::__private::contract::KnowsFact<#numbers> for __Pack {})*
            #krate::__private::contract::facts_known_to::<__Pack, _>(&#facts);
        }
    });
    let imports = contract::imports(&tool.krate);
    Some(quote_spanned!(span=> let _ = || { #imports #held #types #known };))
}

/// All that nothing else supplies.
fn held(tool: &Tool, facts: &Ident, span: Span) -> Option<TokenStream> {
    let fields = contract::of_facts(tool);
    if fields.is_empty() {
        return None;
    }
    let krate = crate_at(&tool.krate, span);
    let advice = Advice::new(tool, &fields);
    let holds = if fields.len() == 1 {
        "it"
    } else {
        "all of them"
    };
    let message = format!(
        "`{}` does not supply {}, and `{{Self}}` does not hold {holds}:{}",
        escaped(&tool.name),
        escaped(&contract::count(tool, &fields)),
        escaped(&advice.fields)
    );
    let note = format!(
        "add what is missing to the facts under its name, or{}",
        escaped(&advice.text(tool))
    );
    let bounds = fields.iter().map(|field| {
        let number = fact_name::number(field);
        quote_spanned!(span=> #krate::__private::contract::HoldsFact<#number>)
    });
    Some(quote_spanned! {span=>
        #[diagnostic::on_unimplemented(message = #message, label = "lacks a fact", note = #note)]
        trait __FactsHold {}
        #[diagnostic::do_not_recommend]
        impl<__Facts: #(#bounds)+*> __FactsHold for __Facts {}
        fn __facts_hold<__Facts: __FactsHold>(_: &__Facts) {}
        __facts_hold(&#facts);
    })
}

/// Facts override: whatever the pack declares has to be of its type, wherever it came from before.
fn types(tool: &Tool, facts: &Ident, span: Span) -> TokenStream {
    let krate = crate_at(&tool.krate, span);
    let checked_elsewhere = contract::of_facts_or_arguments(tool);
    let mut checks = TokenStream::new();
    for name in declared(tool) {
        if checked_elsewhere.contains(&name) {
            continue;
        }
        let number = fact_name::number(name);
        let source = quote_spanned! {span=>
            #krate::__private::contract::Fact::<_, #number>::of(&#facts).source()
        };
        checks.extend(contract::check(
            &tool.policy,
            &tool.krate,
            name,
            &source,
            span,
        ));
    }
    if !checks.is_empty() {
        checks = quote_spanned! {span=>
            #[allow(unused_imports)]
            use #krate::__private::contract::OtherFact as _;
            #checks
        };
    }
    checks
}

/// The fields that the pack describes.
fn declared(tool: &Tool) -> Vec<&str> {
    let pack = tool.policy.pack.as_ref();
    let schema = pack.and_then(|pack| pack.required_context()?.get("properties")?.as_object());
    let names = schema.into_iter().flatten().map(|(name, _)| name.as_str());
    names.filter(|name| !OF_THE_GATE.contains(name)).collect()
}

/// Every name that the pack uses; none where a rule asks a validator, which may read any field.
fn known(tool: &Tool) -> Option<BTreeSet<String>> {
    let pack = tool.policy.pack.as_ref()?.as_value();
    let rules = pack.get("evaluation_rules").and_then(Value::as_array);
    let mut names: BTreeSet<String> = declared(tool).into_iter().map(str::to_owned).collect();
    if names.is_empty() {
        return None;
    }
    for rule in rules.into_iter().flatten() {
        if rule.get("custom_validator").is_some() {
            return None;
        }
        words(rule.get("condition")?, &mut names);
    }
    for part in ["counters", "idempotency"] {
        if let Some(part) = pack.get(part) {
            words(part, &mut names);
        }
    }
    Some(names)
}

/// The names in a text, and in whatever holds texts.
fn words(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let word = |character: char| !(character.is_ascii_alphanumeric() || character == '_');
            names.extend(
                text.split(word)
                    .filter(|word| !word.is_empty())
                    .map(str::to_owned),
            );
        }
        Value::Array(items) => items.iter().for_each(|item| words(item, names)),
        Value::Object(members) => members.values().for_each(|member| words(member, names)),
        _ => {}
    }
}

/// A text for `on_unimplemented`, where braces stand for types.
fn escaped(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}
