//! Whether a tool's types can supply what its policy declares, asked of the compiler.
//!
//! The attribute knows the names of a tool's parameters but not what their types are: an alias hides
//! it. So the generated code names, for each declared field, the type that supplies it and the type
//! that the policy wants, and the traits here make the two agree or print what does not.
//!
//! A type that this module does not know (a user's own struct or enum) supplies anything: what it
//! looks like in JSON is checked when a server starts and on each call.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

/// A string in JSON.
pub struct Text;
/// A whole number in JSON.
pub struct Integer;
/// A number in JSON that may have a fraction.
pub struct Fraction;
/// `true` or `false` in JSON.
pub struct Truth;
/// A list in JSON.
pub struct List;
/// An object in JSON.
pub struct Object;
/// Not known to this crate.
pub struct Anything;

/// What a type looks like in JSON.
pub trait JsonKind {
    /// One of the kinds of this module.
    type Kind;
}

macro_rules! kinds {
    ($($kind:ident: $($ty:ty),+;)*) => {
        $($(impl JsonKind for $ty { type Kind = $kind; })+)*
    };
}

kinds! {
    Text: str, String, char, std::path::Path, std::path::PathBuf;
    Integer: u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize,
        std::num::NonZeroU8, std::num::NonZeroU16, std::num::NonZeroU32, std::num::NonZeroU64,
        std::num::NonZeroUsize;
    Fraction: f32, f64, serde_json::Number;
    Truth: bool;
    Object: serde_json::Map<String, serde_json::Value>;
}

macro_rules! generic_kinds {
    ($($kind:ty: $([$($generics:tt)*] $ty:ty),+;)*) => {
        $($(impl<$($generics)*> JsonKind for $ty { type Kind = $kind; })+)*
    };
}

generic_kinds! {
    List: [T] Vec<T>, [T] VecDeque<T>, [T, S] HashSet<T, S>, [T] BTreeSet<T>, [T] [T],
        [T, const N: usize] [T; N];
    Object: [K, V, S] HashMap<K, V, S>, [K, V] BTreeMap<K, V>;
    T::Kind: [T: JsonKind] Option<T>, [T: ?Sized + JsonKind] &T, [T: ?Sized + JsonKind] Box<T>,
        [T: ?Sized + JsonKind] Rc<T>, [T: ?Sized + JsonKind] Arc<T>,
        [T: ?Sized + JsonKind + ToOwned] Cow<'_, T>;
}

/// Where a context field comes from: a type, or the type of a value.
pub struct Source<T: ?Sized>(PhantomData<fn(&T)>);

/// What a source gives: the type, for messages, and what is known about it.
pub struct Supplied<T: ?Sized, K>(PhantomData<fn(&T) -> K>);

/// The field is always there.
pub struct Present;
/// The field may be left out.
pub struct MayBeAbsent;

impl<T> Source<T> {
    /// A parameter of this type.
    #[must_use]
    pub const fn of_type() -> Self {
        Self(PhantomData)
    }
}

impl<T: ?Sized> Source<T> {
    /// The value of an expression.
    #[must_use]
    pub const fn of_value(_: &T) -> Self {
        Self(PhantomData)
    }
}

// Method lookup takes an inherent method where its bounds hold, and falls back to the traits below.
impl<T: ?Sized + JsonKind> Source<T> {
    /// A type that is known.
    #[must_use]
    pub const fn kind(&self) -> Supplied<T, T::Kind> {
        Supplied(PhantomData)
    }
}

impl<T: ?Sized + Optional> Source<T> {
    /// An `Option`.
    #[must_use]
    pub const fn presence(&self) -> Supplied<T, MayBeAbsent> {
        Supplied(PhantomData)
    }
}

/// An `Option`, or one that is lent to an expression, or behind a pointer.
pub trait Optional {}
impl<T> Optional for Option<T> {}
impl<T: ?Sized + Optional> Optional for &T {}
impl<T: ?Sized + Optional> Optional for Box<T> {}
impl<T: ?Sized + Optional> Optional for Rc<T> {}
impl<T: ?Sized + Optional> Optional for Arc<T> {}
impl<T: ToOwned + Optional> Optional for Cow<'_, T> {}

/// The kind of every type that is not known.
pub trait OtherKind<T: ?Sized> {
    /// Anything.
    fn kind(&self) -> Supplied<T, Anything> {
        Supplied(PhantomData)
    }
}

impl<T: ?Sized> OtherKind<T> for Source<T> {}

/// The presence of every type that is no `Option`.
pub trait OtherPresence<T: ?Sized> {
    /// Always there.
    fn presence(&self) -> Supplied<T, Present> {
        Supplied(PhantomData)
    }
}

impl<T: ?Sized> OtherPresence<T> for Source<T> {}

/// Facts that hold the one with this number; the attribute and the derive agree on how a name has a
/// number.
pub trait HoldsFact<const NAME: u64> {
    /// Its type.
    type Value;
}

/// A fact that may be held.
pub struct Fact<F, const NAME: u64>(PhantomData<fn(&F)>);

impl<F, const NAME: u64> Fact<F, NAME> {
    /// A fact of these facts.
    #[must_use]
    pub const fn of(_: &F) -> Self {
        Self(PhantomData)
    }
}

impl<F: HoldsFact<NAME>, const NAME: u64> Fact<F, NAME> {
    /// The type that supplies it.
    #[must_use]
    pub const fn source(&self) -> Source<F::Value> {
        Source(PhantomData)
    }
}

/// A fact that is not held: nothing is to be checked.
pub trait OtherFact {
    /// Present, and anything.
    fn source(&self) -> Source<Anything> {
        Source(PhantomData)
    }
}

impl<F, const NAME: u64> OtherFact for Fact<F, NAME> {}

/// A pack that knows the field with this number.
pub trait KnowsFact<const NAME: u64> {}

/// Facts of which a pack knows every one.
pub trait KnownTo<P> {}

/// Checks that the pack knows the facts.
pub const fn facts_known_to<P, F: KnownTo<P>>(_: &F) {}

/// A type that writes as JSON what it read, whatever it was.
pub trait Faithful {}

macro_rules! faithful {
    ($([$($generics:tt)*] $ty:ty),+,) => { $(impl<$($generics)*> Faithful for $ty {})+ };
}

faithful! {
    [] (), [] bool, [] char, [] str, [] String, [] std::path::PathBuf,
    [] u8, [] u16, [] u32, [] u64, [] usize, [] i8, [] i16, [] i32, [] i64, [] isize, [] f32, [] f64,
    [] serde_json::Value, [] serde_json::Map<String, serde_json::Value>, [] serde_json::Number,
    [T: Faithful] Option<T>, [T: ?Sized + Faithful] Box<T>, [T: Faithful] [T], [T: Faithful] Vec<T>,
    [T: Faithful] VecDeque<T>, [T: Faithful] BTreeSet<T>, [T: Faithful, S] HashSet<T, S>,
    [V: Faithful] BTreeMap<String, V>, [V: Faithful, S] HashMap<String, V, S>,
    [T: Faithful, U: Faithful] (T, U),
}

impl<T: ?Sized + Faithful> Source<T> {
    /// Nothing to compare.
    #[must_use]
    pub const fn is_faithful(&self) -> bool {
        true
    }
}

/// Whether a type is faithful that is not known to be.
pub trait OtherFaithful {
    /// It may not be.
    fn is_faithful(&self) -> bool {
        false
    }
}

impl<T: ?Sized> OtherFaithful for Source<T> {}

/// What a field that the policy requires must be.
#[diagnostic::on_unimplemented(
    message = "the policy requires this context field, `{T}` may leave it out",
    label = "may be left out",
    note = "take the type without `Option`; if there is a value to fall back on, give it with `#[arg(default = …)]` on a parameter, `#[serde(default)]` on a field"
)]
pub trait SuppliesAlways<T: ?Sized> {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized> SuppliesAlways<T> for Present {}

/// Checks that a required field is always there.
pub const fn required<T: ?Sized, K: SuppliesAlways<T>>(_: Supplied<T, K>) {}

// Written out, one by one: made by a macro they would show its whole call in each message.

/// What a field must be that the policy declares a string.
#[diagnostic::on_unimplemented(
    message = "the policy declares this context field a string, which `{T}` cannot supply",
    label = "not a string",
    note = "take a `String`"
)]
pub trait SuppliesText<T: ?Sized> {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized> SuppliesText<T> for Anything {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized> SuppliesText<T> for Text {}

/// Checks a field that the policy declares a string.
pub const fn text<T: ?Sized, K: SuppliesText<T>>(_: Supplied<T, K>) {}

/// What a field must be that the policy declares an integer.
#[diagnostic::on_unimplemented(
    message = "the policy declares this context field an integer, which `{T}` cannot supply",
    label = "not an integer",
    note = "take an integer such as `u64`; amounts of money are in minor units (cents)"
)]
pub trait SuppliesInteger<T: ?Sized> {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized> SuppliesInteger<T> for Anything {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized> SuppliesInteger<T> for Integer {}

/// Checks a field that the policy declares an integer.
pub const fn integer<T: ?Sized, K: SuppliesInteger<T>>(_: Supplied<T, K>) {}

/// What a field must be that the policy declares a number.
#[diagnostic::on_unimplemented(
    message = "the policy declares this context field a number, which `{T}` cannot supply",
    label = "not a number",
    note = "take a number such as `u64` or `f64`"
)]
pub trait SuppliesNumber<T: ?Sized> {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized> SuppliesNumber<T> for Anything {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized> SuppliesNumber<T> for Integer {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized> SuppliesNumber<T> for Fraction {}

/// Checks a field that the policy declares a number.
pub const fn number<T: ?Sized, K: SuppliesNumber<T>>(_: Supplied<T, K>) {}

/// What a field must be that the policy declares `true` or `false`.
#[diagnostic::on_unimplemented(
    message = "the policy declares this context field `true` or `false`, which `{T}` cannot supply",
    label = "not a `bool`",
    note = "take a `bool`"
)]
pub trait SuppliesBoolean<T: ?Sized> {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized> SuppliesBoolean<T> for Anything {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized> SuppliesBoolean<T> for Truth {}

/// Checks a field that the policy declares `true` or `false`.
pub const fn boolean<T: ?Sized, K: SuppliesBoolean<T>>(_: Supplied<T, K>) {}

/// What a field must be that the policy declares a list.
#[diagnostic::on_unimplemented(
    message = "the policy declares this context field a list, which `{T}` cannot supply",
    label = "not a list",
    note = "take a list such as `Vec<String>`"
)]
pub trait SuppliesArray<T: ?Sized> {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized> SuppliesArray<T> for Anything {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized> SuppliesArray<T> for List {}

/// Checks a field that the policy declares a list.
pub const fn array<T: ?Sized, K: SuppliesArray<T>>(_: Supplied<T, K>) {}

/// What a field must be that the policy declares an object.
#[diagnostic::on_unimplemented(
    message = "the policy declares this context field an object, which `{T}` cannot supply",
    label = "not an object",
    note = "take a struct that serialises to an object"
)]
pub trait SuppliesObject<T: ?Sized> {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized> SuppliesObject<T> for Anything {}
#[diagnostic::do_not_recommend]
impl<T: ?Sized> SuppliesObject<T> for Object {}

/// Checks a field that the policy declares an object.
pub const fn object<T: ?Sized, K: SuppliesObject<T>>(_: Supplied<T, K>) {}
