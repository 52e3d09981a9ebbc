//! A call whose arguments are read, behind a trait object.
//!
//! What depends on the type of the arguments is here, and nothing else: the steps of a call are
//! compiled once, not for every tool.

use std::future::ready;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::context::{ContextError, ContextFields};
use crate::facts::{FactFields, FactsError};
use crate::finite::json_of;
use crate::output::{Returned, failure};
use crate::permit::Permit;

/// The one value that rules, digest and body see, with what is to be done about it.
pub(crate) trait Prepared<'s>: Send {
    /// Adds the fields of `context(…)`.
    fn map(&self, fields: &mut ContextFields) -> Result<(), ContextError>;
    /// The arguments as the policy sees them.
    fn written(&self) -> serde_json::Result<Value>;
    /// Whether there are facts to look up.
    fn has_facts(&self) -> bool;
    /// Looks up the facts; none where the tool has none.
    fn facts(&mut self) -> BoxFuture<'_, Result<FactFields, FactsError>>;
    /// Runs the body.
    fn run(self: Box<Self>, permit: Arc<Permit>) -> BoxFuture<'s, Returned>;
}

/// The arguments could not be read.
pub(crate) type Unreadable = serde_path_to_error::Error<serde_json::Error>;

/// Reads the arguments.
pub(crate) type Read<'s> =
    Box<dyn FnOnce(Value) -> Result<Box<dyn Prepared<'s> + 's>, Unreadable> + Send + 's>;

/// Maps arguments to further context fields.
pub(crate) type MapContext<A> = fn(&A, &mut ContextFields) -> Result<(), ContextError>;

pub(crate) type Body<S, A> = for<'a> fn(&'a S, Arc<Permit>, A) -> BoxFuture<'a, Returned>;
pub(crate) type LookUp<S, A> =
    for<'a> fn(&'a S, &'a A) -> BoxFuture<'a, Result<FactFields, FactsError>>;

/// What a gated function does with its arguments.
pub(crate) struct Function<S, A> {
    pub(crate) context: MapContext<A>,
    pub(crate) facts: Option<LookUp<S, A>>,
    pub(crate) body: Body<S, A>,
}

impl<S, A> Clone for Function<S, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, A> Copy for Function<S, A> {}

impl<S: Sync, A: DeserializeOwned + Serialize + Send + Sync> Function<S, A> {
    pub(crate) fn read<'s>(self, service: &'s S) -> Read<'s>
    where
        A: 's,
    {
        Box::new(move |given| {
            let arguments = serde_path_to_error::deserialize(given)?;
            let function = self;
            Ok(Box::new(FunctionCall {
                service,
                arguments,
                function,
            }))
        })
    }
}

struct FunctionCall<'s, S, A> {
    service: &'s S,
    arguments: A,
    function: Function<S, A>,
}

impl<'s, S: Sync, A: Serialize + Send + Sync> Prepared<'s> for FunctionCall<'s, S, A> {
    fn map(&self, fields: &mut ContextFields) -> Result<(), ContextError> {
        (self.function.context)(&self.arguments, fields)
    }

    fn written(&self) -> serde_json::Result<Value> {
        json_of(&self.arguments)
    }

    fn has_facts(&self) -> bool {
        self.function.facts.is_some()
    }

    fn facts(&mut self) -> BoxFuture<'_, Result<FactFields, FactsError>> {
        match self.function.facts {
            Some(facts) => facts(self.service, &self.arguments),
            None => none(),
        }
    }

    fn run(self: Box<Self>, permit: Arc<Permit>) -> BoxFuture<'s, Returned> {
        (self.function.body)(self.service, permit, self.arguments)
    }
}

/// What a method's facts come as: the arguments are handed back.
pub type MethodFacts<'s, A> =
    Box<dyn FnOnce(A) -> BoxFuture<'s, Result<(A, FactFields), FactsError>> + Send + 's>;

/// A call of a gated method.
pub(crate) struct MethodCall<'s, A, B> {
    /// None while the facts have them.
    pub(crate) arguments: Option<A>,
    pub(crate) context: MapContext<A>,
    pub(crate) facts: Option<MethodFacts<'s, A>>,
    pub(crate) body: B,
}

impl<'s, A, B> Prepared<'s> for MethodCall<'s, A, B>
where
    A: Serialize + Send,
    B: FnOnce(Arc<Permit>, A) -> BoxFuture<'s, Returned> + Send,
{
    fn map(&self, fields: &mut ContextFields) -> Result<(), ContextError> {
        let arguments = self.arguments.as_ref();
        arguments.map_or(Ok(()), |arguments| (self.context)(arguments, fields))
    }

    fn written(&self) -> serde_json::Result<Value> {
        json_of(&self.arguments)
    }

    fn has_facts(&self) -> bool {
        self.facts.is_some()
    }

    fn facts(&mut self) -> BoxFuture<'_, Result<FactFields, FactsError>> {
        match (self.facts.take(), self.arguments.take()) {
            (Some(facts), Some(arguments)) => Box::pin(async move {
                let (arguments, found) = facts(arguments).await?;
                self.arguments = Some(arguments);
                Ok(found)
            }),
            _ => none(),
        }
    }

    fn run(self: Box<Self>, permit: Arc<Permit>) -> BoxFuture<'s, Returned> {
        match self.arguments {
            Some(arguments) => (self.body)(permit, arguments),
            // Facts that failed refuse the call, so this is never asked.
            None => {
                let gone = failure("the arguments are gone; the tool was not run".to_owned());
                Box::pin(ready(Returned::new(gone, Some(true))))
            }
        }
    }
}

fn none<'a>() -> BoxFuture<'a, Result<FactFields, FactsError>> {
    Box::pin(ready(Ok(FactFields::default())))
}
