//! The keys of `#[policy_gated(…)]`, read one by one so that a mistake in one hides none in another.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Ident, Lit, LitBool, LitStr, Path, Token};

use crate::errors::Errors;
use crate::nearest::{nearest, unknown};
use crate::value::{boolean, crate_path, facts, flag, list, on_error, string};

const KEYS: &[&str] = &[
    "pack",
    "pack_file",
    "unchecked",
    "name",
    "title",
    "description",
    "annotations",
    "context",
    "facts",
    "redact",
    "on_error",
    "crate",
];
const HINTS: &[&str] = &[
    "read_only_hint",
    "destructive_hint",
    "idempotent_hint",
    "open_world_hint",
];
const ANNOTATIONS: &[&str] = &[
    "title",
    "read_only_hint",
    "destructive_hint",
    "idempotent_hint",
    "open_world_hint",
];

/// What the user wrote between the parentheses.
#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) pack: Option<LitStr>,
    /// `pack` was there in some form: its absence is not a second mistake.
    pub(crate) pack_attempted: bool,
    pub(crate) pack_file: Option<LitStr>,
    /// The word, where it was written.
    pub(crate) unchecked: Option<Ident>,
    pub(crate) name: Option<LitStr>,
    pub(crate) title: Option<LitStr>,
    pub(crate) description: Option<LitStr>,
    pub(crate) annotations: Annotations,
    pub(crate) context: Vec<ContextField>,
    pub(crate) facts: Option<Expr>,
    /// The names of `redact(…)`.
    pub(crate) redact: Vec<Ident>,
    pub(crate) on_error: OnError,
    pub(crate) krate: Option<Path>,
}

/// What an error means that does not report whether anything was executed.
#[derive(Clone, Copy, Default)]
pub(crate) enum OnError {
    #[default]
    Hold,
    Release,
}

/// The hints of MCP's tool annotations; what is absent is not published.
#[derive(Default)]
pub(crate) struct Annotations {
    pub(crate) title: Option<LitStr>,
    pub(crate) read_only_hint: Option<LitBool>,
    pub(crate) destructive_hint: Option<LitBool>,
    pub(crate) idempotent_hint: Option<LitBool>,
    pub(crate) open_world_hint: Option<LitBool>,
}

/// `field = expr` inside `context(…)`.
pub(crate) struct ContextField {
    pub(crate) name: Ident,
    pub(crate) value: Expr,
}

impl Keys {
    /// Reads the keys; mistakes go to `errors` and leave their key unset.
    pub(crate) fn parse(attribute: TokenStream, errors: &mut Errors) -> Self {
        let mut keys = Self::default();
        let parsed = (|input: ParseStream<'_>| {
            let mut seen = Vec::new();
            entries(input, errors, |input, errors| {
                keys.entry(input, &mut seen, errors)
            });
            Ok(())
        })
        .parse2(attribute);
        if let Err(error) = parsed {
            errors.push(error);
        }
        keys
    }

    fn entry(
        &mut self,
        input: ParseStream<'_>,
        seen: &mut Vec<String>,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        if input.peek(Lit) {
            self.pack_attempted = true;
            return Err(input.error(
                "expected `key = value`: write `#[policy_gated(pack = \"finance.payment.refund.v1\")]`",
            ));
        }
        let key = input.call(Ident::parse_any)?;
        let word = key.unraw().to_string();
        if matches!(nearest(&word, KEYS), Some("pack" | "pack_file")) {
            self.pack_attempted = true;
        }
        if !KEYS.contains(&word.as_str()) {
            return Err(syn::Error::new(key.span(), unknown("key", &word, KEYS)));
        }
        once(&key, seen)?;
        match word.as_str() {
            "pack" => self.pack = Some(string(input, &key, "finance.payment.refund.v1")?),
            "pack_file" => {
                self.pack_file = Some(string(input, &key, "policies/acme.deploy.v1.json")?);
            }
            "unchecked" => {
                self.unchecked = Some(key.clone());
                flag(input, &key)?;
            }
            "name" => self.name = Some(string(input, &key, "process_refund")?),
            "title" => self.title = Some(string(input, &key, "Process a refund")?),
            "description" => self.description = Some(string(input, &key, "Refund an order.")?),
            "crate" => self.krate = Some(crate_path(input)?),
            "facts" => self.facts = Some(facts(input, &key)?),
            "on_error" => self.on_error = on_error(input, &key)?,
            "annotations" => self.annotations(input, &key, errors)?,
            "redact" => self.redact(input, &key, errors)?,
            _ => self.context(input, &key, errors)?,
        }
        Ok(())
    }

    fn annotations(
        &mut self,
        input: ParseStream<'_>,
        key: &Ident,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        let content = list(input, key, "annotations(read_only_hint = true)")?;
        let mut seen = Vec::new();
        entries(&content, errors, |input, _| {
            let hint = input.call(Ident::parse_any)?;
            let word = hint.unraw().to_string();
            if !ANNOTATIONS.contains(&word.as_str()) {
                return Err(syn::Error::new(
                    hint.span(),
                    unknown("annotation", &word, ANNOTATIONS),
                ));
            }
            once(&hint, &mut seen)?;
            if !HINTS.contains(&word.as_str()) {
                self.annotations.title = Some(string(input, &hint, "Process a refund")?);
                return Ok(());
            }
            let value = Some(boolean(input, &hint)?);
            match word.as_str() {
                "read_only_hint" => self.annotations.read_only_hint = value,
                "destructive_hint" => self.annotations.destructive_hint = value,
                "idempotent_hint" => self.annotations.idempotent_hint = value,
                _ => self.annotations.open_world_hint = value,
            }
            Ok(())
        });
        Ok(())
    }

    fn redact(
        &mut self,
        input: ParseStream<'_>,
        key: &Ident,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        let content = list(input, key, "redact(card)")?;
        entries(&content, errors, |input, _| {
            let name = input.call(Ident::parse_any).map_err(|error| {
                syn::Error::new(
                    error.span(),
                    "`redact` takes names of context fields: `redact(card)`",
                )
            })?;
            self.redact.push(name);
            Ok(())
        });
        Ok(())
    }

    fn context(
        &mut self,
        input: ParseStream<'_>,
        key: &Ident,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        let content = list(input, key, "context(action = \"pr.merge\")")?;
        entries(&content, errors, |input, _| {
            let name = input.call(Ident::parse_any)?;
            if !input.peek(Token![=]) {
                return Err(syn::Error::new(
                    name.span(),
                    format!(
                        "context field `{name}` has no value: write `{name} = …`, an expression over the arguments"
                    ),
                ));
            }
            input.parse::<Token![=]>()?;
            let value = input.parse()?;
            self.context.push(ContextField { name, value });
            Ok(())
        });
        Ok(())
    }
}

/// Reads entries between commas. After a mistake it goes on behind the next comma.
pub(crate) fn entries(
    input: ParseStream<'_>,
    errors: &mut Errors,
    mut entry: impl FnMut(ParseStream<'_>, &mut Errors) -> syn::Result<()>,
) {
    while !input.is_empty() {
        if let Err(error) = entry(input, errors) {
            errors.push(error);
        } else if !input.is_empty() && !input.peek(Token![,]) {
            errors.push(input.error("expected `,` between keys"));
        }
        while !input.is_empty() {
            if input
                .parse::<Option<Token![,]>>()
                .is_ok_and(|comma| comma.is_some())
            {
                break;
            }
            if input.parse::<TokenTree>().is_err() {
                return;
            }
        }
    }
}

fn once(key: &Ident, seen: &mut Vec<String>) -> syn::Result<()> {
    let word = key.unraw().to_string();
    if seen.contains(&word) {
        return Err(syn::Error::new(
            key.span(),
            format!("`{word}` is given twice: remove one"),
        ));
    }
    seen.push(word);
    Ok(())
}
