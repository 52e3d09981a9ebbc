//! What to write where the contract lacks a field. Followed word for word, it builds.

use proc_macro2::Ident;
use serde_json::Value;
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;
use syn::{Pat, Type};

use crate::contract::kind;
use crate::method::Method;
use crate::model::{Role, Tool};
use crate::nearest::nearest;
use crate::types;

/// What to add for missing fields.
pub(crate) struct Advice {
    /// A line for each field: its name, type and description.
    pub(crate) fields: String,
    /// As parameters, or as fields of a struct.
    pub(crate) parameters: Vec<String>,
    /// As `field = value` of `context(…)`.
    pub(crate) mapped: Vec<String>,
    /// What else there is to know.
    notes: Vec<String>,
}

impl Advice {
    pub(crate) fn new(tool: &Tool, missing: &[&str]) -> Self {
        let mut advice = Self {
            fields: String::new(),
            parameters: Vec::new(),
            mapped: Vec::new(),
            notes: Vec::new(),
        };
        let mut taken = names_taken(tool);
        for field in missing {
            advice.field(tool, field, &mut taken);
        }
        advice
    }

    fn field(&mut self, tool: &Tool, field: &str, taken: &mut Vec<String>) {
        let declared = tool.policy.declared(field);
        let words = declared.and_then(|schema| schema.get("description")?.as_str());
        let line = format!("\n  `{field}`: {}", type_in_words(declared));
        self.fields.push_str(&line);
        if let Some(words) = words {
            self.fields.push_str(&format!(", {words}"));
        }
        let aliased = tool.arguments().find(|(_, argument)| {
            let aliases = argument.json_names.iter().skip(1);
            aliases.into_iter().any(|alias| alias == field)
        });
        if let Some((_, argument)) = aliased {
            let ident = &argument.ident;
            self.notes.push(format!(
                "the rules see `{ident}` under one name only: write `rename = \"{field}\"` there instead of \
                 `alias = \"{field}\"`"
            ));
            return;
        }
        let value = constant(declared)
            .and_then(literal)
            .or_else(|| similar(tool, field));
        match value {
            Some(value) if Ident::parse_any.parse_str(field).is_ok() => {
                self.mapped.push(format!("{field} = {value}"));
            }
            _ => {
                let ty = rust_type(tool, declared);
                if type_name(declared) == Some("object") {
                    self.notes.push(format!(
                        "`{field}` may be a struct of yours as well, if it derives Serialize, Deserialize and JsonSchema"
                    ));
                }
                self.parameters
                    .push(format!("{}: {ty}", named(field, taken)));
            }
        }
    }

    /// What to add, a line for each place.
    pub(crate) fn text(&self, tool: &Tool) -> String {
        let mut text = String::new();
        match self.parameters.as_slice() {
            [] => {}
            fields if tool.is_method => {
                let (definition, name) = arguments_struct(tool, fields);
                text.push_str(&format!(
                    "\nadd a struct for the arguments:\n{definition}\nand take it: `arguments: {}::rmcp::handler::server::wrapper::Parameters<{name}>`",
                    krate(tool)
                ));
            }
            fields => text.push_str(&format!("\nadd to the parameters: `{}`", fields.join(", "))),
        }
        if !self.mapped.is_empty() {
            let mapped = self.mapped.join(", ");
            text.push_str(&match tool.context.is_empty() {
                true => format!("\nadd to the attribute: `context({mapped})`"),
                false => format!("\nadd inside `context(…)`: `{mapped}`"),
            });
        }
        for note in &self.notes {
            text.push_str(&format!("\n{note}"));
        }
        text
    }
}

/// The struct that a method's arguments come as, and its name.
fn arguments_struct(tool: &Tool, fields: &[String]) -> (String, String) {
    let krate = krate(tool);
    let name = format!("{}Arguments", types::camel(&tool.ident.unraw().to_string()));
    let definition = format!(
        "  #[derive({krate}::serde::Serialize, {krate}::serde::Deserialize, {krate}::schemars::JsonSchema)]\n  \
         #[serde(crate = \"{krate}::serde\")]\n  \
         #[schemars(crate = \"{krate}::schemars\")]\n  \
         struct {name} {{ {} }}",
        fields.join(", ")
    );
    (definition, name)
}

/// What to say of a method that takes its arguments one by one, as a function does; none is fine.
pub(crate) fn bare_arguments(method: &Method) -> Option<(&Type, String)> {
    let tool = &method.tool;
    let bare: Vec<_> = method
        .others
        .iter()
        .filter(|input| types::is_plain(&input.ty))
        .filter_map(|input| match &*input.pat {
            Pat::Ident(name) => Some((name.ident.to_string(), &*input.ty)),
            _ => None,
        })
        .collect();
    let (_, first) = bare.first()?;
    let names: Vec<&str> = bare.iter().map(|(name, _)| name.as_str()).collect();
    let fields = bare
        .iter()
        .map(|(name, ty)| format!("{name}: {}", types::owned_text(ty)));
    let fields: Vec<String> = fields.collect();
    let (definition, name) = arguments_struct(tool, &fields);
    let (list, of) = (
        names.join(", "),
        format!(
            "{}::rmcp::handler::server::wrapper::Parameters",
            krate(tool)
        ),
    );
    let text = format!(
        "rmcp hands a method its arguments as one struct: write\n{definition}\nand take it instead of {}: \
         `{of}({name} {{ {list} }}): {of}<{name}>`",
        crate::nearest::quoted(&names)
    );
    Some((first, text))
}

/// The runtime crate, as the user would write it.
fn krate(tool: &Tool) -> String {
    let text = crate::path_text(&tool.krate);
    match text.starts_with('$') {
        true => "::aport_gate".to_owned(),
        false => text,
    }
}

/// Names that a new parameter cannot have.
fn names_taken(tool: &Tool) -> Vec<String> {
    let names = tool
        .parameters
        .iter()
        .map(|parameter| match &parameter.role {
            Role::Argument(argument) => argument.ident.to_string(),
            _ => parameter.pattern.to_string(),
        });
    names.collect()
}

/// A parameter's name for a field; what is no name in Rust is renamed.
fn named(field: &str, taken: &mut Vec<String>) -> String {
    let is_snake = !field.chars().any(char::is_uppercase);
    let mut ident = None;
    if is_snake {
        let written = [field.to_owned(), format!("r#{field}")];
        ident = written
            .into_iter()
            .find(|name| syn::parse_str::<Ident>(name).is_ok() && !taken.contains(name));
    }
    if let Some(ident) = ident {
        taken.push(ident.clone());
        return ident;
    }
    let mut name = String::new();
    for character in field.chars() {
        match character {
            letter if letter.is_ascii_uppercase() => {
                if !name.is_empty() && !name.ends_with('_') {
                    name.push('_');
                }
                name.push(letter.to_ascii_lowercase());
            }
            plain if plain.is_ascii_alphanumeric() => name.push(plain),
            _ => name.push('_'),
        }
    }
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        name.insert_str(0, "field_");
    }
    while syn::parse_str::<Ident>(&name).is_err() || taken.contains(&name) {
        name.push('_');
    }
    taken.push(name.clone());
    format!("#[serde(rename = {field:?})] {name}")
}

/// The declared type; of several, the first that a value can have.
fn type_name(declared: Option<&Value>) -> Option<&str> {
    match declared?.get("type")? {
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null"),
        named => named.as_str(),
    }
}

fn type_in_words(declared: Option<&Value>) -> &str {
    type_name(declared).unwrap_or("any type")
}

/// A field that can have one value only needs no parameter.
pub(crate) fn constant(declared: Option<&Value>) -> Option<&Value> {
    declared?
        .get("const")
        .filter(|value| !value.is_object() && !value.is_array() && !value.is_null())
}

/// A constant as Rust writes it.
fn literal(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) => format!("{text:?}"),
        Value::Bool(truth) => truth.to_string(),
        // What no suffix says is an `i32`.
        Value::Number(number) => match number.as_i64() {
            Some(whole) if i32::try_from(whole).is_err() => format!("{whole}_i64"),
            None if number.is_u64() => format!("{number}_u64"),
            _ => number.to_string(),
        },
        _ => return None,
    })
}

fn rust_type(tool: &Tool, declared: Option<&Value>) -> String {
    let example =
        declared.and_then(|schema| schema.get("const").or_else(|| schema.get("enum")?.get(0)));
    let name = type_name(declared).or_else(|| {
        Some(match example? {
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            _ => "string",
        })
    });
    match name {
        Some("integer") => {
            let minimum = declared.and_then(|schema| schema.get("minimum")?.as_i64());
            let positive = minimum.is_some_and(|minimum| minimum >= 0);
            if positive { "u64" } else { "i64" }.to_owned()
        }
        Some("number") => "f64".to_owned(),
        Some("boolean") => "bool".to_owned(),
        Some("array") => {
            let items = declared.and_then(|schema| schema.get("items"));
            format!("Vec<{}>", rust_type(tool, items))
        }
        Some("object") => format!("{}::rmcp::model::JsonObject", krate(tool)),
        _ => "String".to_owned(),
    }
}

/// An argument of a fitting type that is likely the field under another name: `base_branch` for `branch`.
fn similar(tool: &Tool, field: &str) -> Option<String> {
    let wanted = kind(tool.policy.declared(field));
    let names = tool.arguments().filter_map(|(parameter, argument)| {
        let json_name = argument.json_names.first()?;
        let found = types::json_kind(&parameter.ty)?;
        let fits =
            wanted.is_none_or(|wanted| wanted == found || (wanted, found) == ("number", "integer"));
        let free = tool.policy.declared(json_name).is_none()
            && crate::expand::cfg(&argument.field_attributes)
                .next()
                .is_none();
        (fits && free).then(|| argument.ident.to_string())
    });
    let names: Vec<String> = names.collect();
    let borrowed: Vec<&str> = names.iter().map(String::as_str).collect();
    let has_word = |name: &&&str| {
        name.strip_suffix(field)
            .is_some_and(|rest| rest.ends_with('_'))
            || name
                .strip_prefix(field)
                .is_some_and(|rest| rest.starts_with('_'))
    };
    let found = borrowed.iter().find(has_word).copied();
    found
        .or_else(|| nearest(field, &borrowed))
        .map(str::to_owned)
}
