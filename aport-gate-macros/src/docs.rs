//! Doc comments as a description: what rustdoc shows, as one string.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The doc comments among `attributes` as an expression of type `&'static str`.
pub(crate) fn description(attributes: &[Attribute]) -> Option<TokenStream> {
    let docs: Vec<&Expr> = attributes.iter().filter_map(doc_value).collect();
    if docs.is_empty() {
        return None;
    }
    let literals: Option<Vec<String>> = docs.iter().map(|doc| literal(doc)).collect();
    match literals {
        Some(fragments) => {
            let text = join(&fragments);
            (!text.is_empty()).then(|| quote!(#text))
        }
        // `#[doc = include_str!(…)]`: only the compiler knows the text.
        None => Some(quote!(::core::concat!(#(#docs),* ))),
    }
}

fn doc_value(attribute: &Attribute) -> Option<&Expr> {
    match &attribute.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => Some(&doc.value),
        _ => None,
    }
}

fn literal(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text.value()),
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}

/// Removes the common indentation (the space after `///`) and the blank lines around the text.
fn join(fragments: &[String]) -> String {
    let lines: Vec<&str> = fragments
        .iter()
        .flat_map(|fragment| {
            let block = fragment.contains('\n');
            fragment
                .split('\n')
                .map(move |line| if block { without_star(line) } else { line })
        })
        .map(str::trim_end)
        .collect();
    let indentation = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or_default();
    let text = lines
        .iter()
        .map(|line| line.get(indentation..).unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    text.trim_matches('\n').to_owned()
}

/// A line of a `/** … */` block may start with a decorative star.
fn without_star(line: &str) -> &str {
    line.trim_start().strip_prefix('*').unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn doc_lines_lose_their_leading_space_and_keep_paragraphs() {
        let function: syn::ItemFn = parse_quote! {
            /// Refund an order.
            ///
            /// - once
            ///   only
            #[allow(unused)]
            fn refund() {}
        };
        let text = description(&function.attrs).map(|text| text.to_string());
        assert_eq!(
            text.as_deref(),
            Some(r#""Refund an order.\n\n- once\n  only""#)
        );
    }

    #[test]
    fn a_doc_block_loses_its_stars() {
        assert_eq!(
            join(&["\n * Refund.\n *\n * Twice? No.\n ".to_owned()]),
            "Refund.\n\nTwice? No."
        );
    }
}
