//! A gated tool as the expansion sees it: every field is checked, so that expanding cannot fail.

use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, Expr, Path, ReturnType, Token, Type, Visibility};

use crate::attribute::{Annotations, ContextField, OnError};
use crate::policy::Policy;

/// A free `async fn` and the keys of its attribute.
pub(crate) struct Tool {
    /// The runtime crate, `::aport_gate` unless `crate = …` says otherwise.
    pub(crate) krate: Path,
    /// On the route constructor: docs, `cfg`, `deprecated`, lint levels (which reach the body too).
    pub(crate) outer_attributes: Vec<Attribute>,
    /// On the body: everything else, such as `#[instrument]`.
    pub(crate) body_attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    /// With the user's spans, so that lints of the compiler take function and route for the user's.
    pub(crate) asyncness: Option<Token![async]>,
    pub(crate) fn_token: Token![fn],
    pub(crate) ident: Ident,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) output: ReturnType,
    /// Braces included.
    pub(crate) body: TokenStream,
    pub(crate) policy: Policy,
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    /// An expression of type `&'static str`.
    pub(crate) description: Option<TokenStream>,
    pub(crate) annotations: Annotations,
    pub(crate) context: Vec<ContextField>,
    pub(crate) is_method: bool,
    /// A method whose arguments are the fields of a struct, or of any object.
    pub(crate) takes_parameters: bool,
    /// A path or a call.
    pub(crate) facts: Option<Expr>,
    /// The names of `redact(…)`.
    pub(crate) redact: Vec<Ident>,
    /// Every context field that is redacted; see [`crate::redacted`].
    pub(crate) redacted: Vec<String>,
    pub(crate) on_error: OnError,
}

/// A parameter of the function, in its place.
pub(crate) struct Parameter {
    /// `cfg` and lint levels: what belongs on the parameter of the body.
    pub(crate) attributes: Vec<Attribute>,
    /// As written, `mut` included.
    pub(crate) pattern: TokenStream,
    pub(crate) ty: Type,
    pub(crate) role: Role,
}

/// Where the value of a parameter comes from.
pub(crate) enum Role {
    /// `#[service]`: the server's own state; the type behind the reference.
    Service(Type),
    /// `#[permit]`: the proof of the allow decision.
    Permit,
    /// The agent.
    Argument(Argument),
}

/// A tool argument: a field of the generated struct.
pub(crate) struct Argument {
    pub(crate) ident: Ident,
    /// The name in JSON, aliases behind it.
    pub(crate) json_names: Vec<String>,
    /// Docs, `serde`, `schemars`, `cfg`.
    pub(crate) field_attributes: Vec<Attribute>,
    pub(crate) default: Option<DefaultValue>,
    /// `#[redact]`: neither stored nor logged.
    pub(crate) redacted: bool,
}

/// `#[arg(default)]` or `#[arg(default = expr)]`.
pub(crate) enum DefaultValue {
    OfType,
    Expression(Expr),
}

impl Tool {
    pub(crate) fn arguments(&self) -> impl Iterator<Item = (&Parameter, &Argument)> {
        self.parameters
            .iter()
            .filter_map(|parameter| match &parameter.role {
                Role::Argument(argument) => Some((parameter, argument)),
                _ => None,
            })
    }
}
