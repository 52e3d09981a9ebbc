//! What a type may not hold when the macro writes it into a struct of its own.

use quote::ToTokens as _;
use syn::visit::{self, Visit};
use syn::{GenericArgument, Lifetime, PathArguments, Type, TypeImplTrait, TypeReference};

/// `ty` without the invisible groups that `macro_rules!` puts around a `$ty:ty`.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        other => other,
    }
}

/// Whether the type is spelled `Option<…>`.
pub(crate) fn is_option(ty: &Type) -> bool {
    match bare(ty) {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            last.ident == "Option" && matches!(last.arguments, PathArguments::AngleBracketed(_))
        }),
        _ => false,
    }
}

/// `T` of `name<T>`, or of `name<T, …>`.
pub(crate) fn generic<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = bare(ty) else {
        return None;
    };
    let last = path
        .path
        .segments
        .last()
        .filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

/// The first `impl Trait` in `ty`.
pub(crate) fn impl_trait(ty: &Type) -> Option<&TypeImplTrait> {
    let mut found = Borrows::default();
    found.visit_type(ty);
    found.impl_trait
}

/// The first reference in `ty`, unless it has a lifetime of the function.
pub(crate) fn reference(ty: &Type) -> Option<&TypeReference> {
    let mut found = Borrows::default();
    found.visit_type(ty);
    found.reference
}

/// The first `'_` in `ty`.
pub(crate) fn lifetime(ty: &Type) -> Option<&Lifetime> {
    let mut found = Borrows::default();
    found.visit_type(ty);
    found.lifetime
}

/// The owned type to take instead of a reference: `String` for `&str`.
pub(crate) fn owned(reference: &TypeReference) -> String {
    match bare(&reference.elem) {
        Type::Path(path) if path.path.is_ident("str") => "String".to_owned(),
        Type::Path(path) if path.path.is_ident("Path") => "PathBuf".to_owned(),
        Type::Slice(slice) => format!("Vec<{}>", text(&slice.elem)),
        other => text(other),
    }
}

/// `MergeOne` for `merge_one`.
pub(crate) fn camel(name: &str) -> String {
    let words = name.split('_').flat_map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(char::to_uppercase);
        first.into_iter().flatten().chain(letters)
    });
    words.collect()
}

/// Whether the last part of the path has type arguments.
pub(crate) fn is_generic(path: &syn::TypePath) -> bool {
    let last = path.path.segments.last();
    path.qself.is_some() || last.is_some_and(|last| !last.arguments.is_empty())
}

/// What a type looks like in JSON, where its name tells.
pub(crate) fn json_kind(ty: &Type) -> Option<&'static str> {
    let path = match bare(ty) {
        Type::Path(path) => path,
        Type::Reference(reference) => return json_kind(&reference.elem),
        Type::Slice(_) | Type::Array(_) => return Some("array"),
        _ => return None,
    };
    let name = path.path.segments.last()?.ident.to_string();
    Some(match name.as_str() {
        "String" | "str" | "char" => "text",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" | "isize" => {
            "integer"
        }
        "f32" | "f64" => "number",
        "bool" => "boolean",
        "Vec" | "BTreeSet" | "HashSet" => "array",
        "BTreeMap" | "HashMap" => "object",
        _ => return None,
    })
}

/// Whether the name of the type tells that it is plain data, `Option`s of it included.
pub(crate) fn is_plain(ty: &Type) -> bool {
    json_kind(ty).is_some() || generic(ty, "Option").is_some_and(is_plain)
}

/// The type as it is owned.
pub(crate) fn owned_text(ty: &Type) -> String {
    match bare(ty) {
        Type::Reference(borrowed) => owned(borrowed),
        other => text(other),
    }
}

/// A type as the user would write it, near enough for a message.
pub(crate) fn text(ty: &Type) -> String {
    let mut text = String::new();
    for word in ty.to_token_stream().to_string().split(' ') {
        let glued = text.is_empty()
            || text.ends_with(['<', ':', '&', '('])
            || word.starts_with(['<', '>', ':', ',', ')']);
        if !glued {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

#[derive(Default)]
struct Borrows<'ast> {
    impl_trait: Option<&'ast TypeImplTrait>,
    reference: Option<&'ast TypeReference>,
    lifetime: Option<&'ast Lifetime>,
}

impl<'ast> Visit<'ast> for Borrows<'ast> {
    fn visit_type_impl_trait(&mut self, node: &'ast TypeImplTrait) {
        self.impl_trait.get_or_insert(node);
    }

    fn visit_type_reference(&mut self, node: &'ast TypeReference) {
        // A named lifetime is declared on the function, and that is the mistake.
        if node
            .lifetime
            .as_ref()
            .is_none_or(|lifetime| lifetime.ident == "static" || lifetime.ident == "_")
        {
            self.reference.get_or_insert(node);
        }
        visit::visit_type_reference(self, node);
    }

    fn visit_lifetime(&mut self, node: &'ast Lifetime) {
        if node.ident == "_" {
            self.lifetime.get_or_insert(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn a_reference_names_its_owned_type() {
        let cases = [
            (parse_quote!(&str), "String"),
            (parse_quote!(&[u8]), "Vec<u8>"),
            (parse_quote!(&a::Order<u8, u16>), "a::Order<u8, u16>"),
        ];
        for (ty, expected) in cases {
            assert_eq!(reference(&ty).map(owned).as_deref(), Some(expected));
        }
    }
}
