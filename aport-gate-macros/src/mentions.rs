//! Whether user code mentions a name, as far as tokens tell: rather once too often than once too few.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::Pat;
use syn::ext::IdentExt as _;

/// The names that are looked for.
pub(crate) struct Mentions {
    /// Values themselves.
    names: Vec<String>,
    /// Structs that hold them, as a method's pattern binds them.
    wholes: Vec<String>,
}

impl Mentions {
    /// Looks for `names`, and for fields of that name in what `pattern` binds.
    pub(crate) fn new(names: Vec<String>, pattern: Option<&Pat>) -> Self {
        let mut mentions = Self {
            names,
            wholes: Vec::new(),
        };
        if let Some(pattern) = pattern {
            mentions.bind(pattern);
        }
        mentions
    }

    fn bind(&mut self, pattern: &Pat) {
        match pattern {
            Pat::Ident(binding) if binding.subpat.is_none() => {
                self.wholes.push(binding.ident.unraw().to_string());
            }
            Pat::Paren(inner) => self.bind(&inner.pat),
            Pat::Reference(inner) => self.bind(&inner.pat),
            Pat::TupleStruct(inner) => inner.elems.iter().for_each(|inner| self.bind(inner)),
            Pat::Struct(taken) => {
                for field in &taken.fields {
                    let member = field.member.to_token_stream().to_string();
                    if self
                        .names
                        .iter()
                        .any(|name| member.trim_start_matches("r#") == name)
                    {
                        each_ident(field.pat.to_token_stream(), &mut |ident| {
                            self.names.push(ident.unraw().to_string());
                        });
                    }
                }
            }
            // Which part is which is not known here.
            other => each_ident(other.to_token_stream(), &mut |ident| {
                self.names.push(ident.unraw().to_string());
            }),
        }
    }

    /// Whether the tokens mention one.
    pub(crate) fn in_tokens(&self, tokens: TokenStream) -> bool {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        tokens.iter().enumerate().any(|(at, token)| match token {
            TokenTree::Group(group) => self.in_tokens(group.stream()),
            TokenTree::Ident(ident) => {
                let name = ident.unraw().to_string();
                let rest = tokens.get(at + 1..).unwrap_or_default();
                self.names.contains(&name) || (self.wholes.contains(&name) && !self.is_other(rest))
            }
            // `format!("{card}")` names it inside a literal.
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let mut all = self.names.iter().chain(&self.wholes);
                text.contains('{') && all.any(|name| text.contains(name.as_str()))
            }
            TokenTree::Punct(_) => false,
        })
    }

    /// Whether `.field` follows, of another field.
    fn is_other(&self, rest: &[TokenTree]) -> bool {
        match rest {
            [TokenTree::Punct(dot), TokenTree::Literal(_), rest @ ..] if dot.as_char() == '.' => {
                self.is_other(rest)
            }
            [TokenTree::Punct(dot), TokenTree::Ident(field), rest @ ..] if dot.as_char() == '.' => {
                let called = matches!(rest.first(), Some(TokenTree::Group(_)))
                    // `order.get::<Card>()`
                    || matches!(rest.first(), Some(TokenTree::Punct(colon)) if colon.as_char() == ':');
                !called && !self.names.contains(&field.unraw().to_string())
            }
            _ => false,
        }
    }
}

fn each_ident(tokens: TokenStream, found: &mut dyn FnMut(&Ident)) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => found(&ident),
            TokenTree::Group(group) => each_ident(group.stream(), found),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;
    use syn::parse::Parser as _;

    fn mentioned(pattern: TokenStream, expression: TokenStream) -> bool {
        let pattern = Pat::parse_single.parse2(pattern).unwrap();
        Mentions::new(vec!["card".to_owned()], Some(&pattern)).in_tokens(expression)
    }

    #[test]
    fn a_field_is_found_by_its_name_and_in_the_whole() {
        let order = || quote!(Parameters(order));
        for expression in [
            quote!(order.card),
            quote!(order.card.number.as_str()),
            quote!(format!("{}", order.card)),
            quote!(number_of(&order)),
            quote!(order.number()),
            quote!(order.get::<Card>()),
            quote!(format!("{order:?}")),
        ] {
            assert!(mentioned(order(), expression.clone()), "{expression}");
        }
        for expression in [
            quote!(order.amount),
            quote!("a card"),
            quote!(limit(order.amount)),
        ] {
            assert!(!mentioned(order(), expression.clone()), "{expression}");
        }
        assert!(!mentioned(quote!(order), quote!(order.0.amount)));
        assert!(mentioned(quote!(order), quote!(order.0.card)));
    }

    #[test]
    fn a_pattern_tells_which_binding_is_the_field() {
        let taken = || {
            quote!(Parameters(Order {
                card: secret,
                amount
            }))
        };
        assert!(mentioned(taken(), quote!(secret.len())));
        assert!(!mentioned(taken(), quote!(amount)));
    }
}
