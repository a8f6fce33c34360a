//! Reads the fields of a body or query string. Each must have the right type, and unknown fields are rejected.
//!
//! This is separate from the inputs, so that the error messages are written once. A message says what a field must be and never repeats
//! its content, which may contain a value (R9). Only the name of an unknown field is repeated, redacted by `quote`.

use serde_json::{Map, Value};

use crate::domain::notice::{MailDigestFrequency, NoticeKind};
use crate::domain::rule::campaign::{AtDeadline, State};
use crate::domain::rule::lifecycle::Status;
use crate::domain::text::{quote, whole};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{LeakPolicy, OverlapEnd, OverlapStart, Permission, ReusePolicy, TokenKind};
use crate::http::rejection::Rejection;
use crate::service::ErrorCode;

/// The fields that were sent, and the names of those that the input has.
pub(crate) struct Fields {
    remaining: Map<String, Value>,
    known: Vec<&'static str>,
    hides_names: bool,
}

impl Fields {
    /// Reads an input from these fields. If names are hidden, errors only contain names that the client sent.
    pub(crate) fn read<T: Input>(fields: Map<String, Value>, hides_names: bool) -> Result<T, Rejection> {
        let mut fields = Self { remaining: fields, known: Vec::new(), hides_names };
        let input = T::take(&mut fields);
        // Report an unknown field first: it may be a misspelt one, which is then missing.
        let Some(unknown) = fields.remaining.keys().next() else { return input };
        let name = quote(unknown);
        let message = format!("This request has no field {name}.");
        let rejection = Rejection::field(name.trim_matches('"').to_owned(), message);
        if hides_names {
            return Err(rejection);
        }
        let known = if fields.known.is_empty() { "none".to_owned() } else { fields.known.join(", ") };
        Err(rejection.with_sentence(&format!("It has: {known}.")))
    }

    /// Takes and validates one field.
    pub(crate) fn take<T: Field>(&mut self, name: &'static str) -> Result<T, Rejection> {
        self.known.push(name);
        let given = self.remaining.remove(name);
        let is_given = given.is_some();
        T::from_given(name, given).map_err(|rejection| match (self.hides_names, is_given) {
            (false, _) => rejection,
            (true, true) => rejection.with_message(format!(
                "The content of the field {name} does not fit the schema, which this server does not show."
            )),
            (true, false) => Rejection::new(ErrorCode::BadUserInput, "A required field is missing."),
        })
    }
}

/// An input that consists of fields.
pub(crate) trait Input: Sized {
    /// Takes all of its fields, even after an invalid one, so that the remaining ones are unknown.
    fn take(fields: &mut Fields) -> Result<Self, Rejection>;
}

/// Declares an input: its fields, their names and their OpenAPI descriptions. It may also contain the fields of another input, which
/// are described by themselves.
macro_rules! input {
    ($(#[$meta:meta])* $name:ident with $attribute:ident {
        $($(#[doc = $doc:literal])* $key:literal => $field:ident: $type:ty as $described:ty,)*
    } $(and $other:ident: $others:ty)?) => {
        $(#[$meta])*
        pub(crate) struct $name {
            $($(#[doc = $doc])* #[$attribute(rename = $key, value_type = $described)] pub(crate) $field: $type,)*
            $(#[$attribute(ignore)] pub(crate) $other: $others,)?
        }

        impl Input for $name {
            fn take(fields: &mut Fields) -> Result<Self, Rejection> {
                $(let $field = fields.take($key);)*
                $(let $other = <$others as Input>::take(fields);)?
                Ok(Self { $($field: $field?,)* $($other: $other?,)? })
            }
        }
    };
}

pub(crate) use input;

/// A field of an input. `None` is a missing field.
pub(crate) trait Field: Sized {
    fn from_given(name: &'static str, given: Option<Value>) -> Result<Self, Rejection>;
}

/// A required field.
impl<T: Readable> Field for T {
    fn from_given(name: &'static str, given: Option<Value>) -> Result<Self, Rejection> {
        read(name, given.unwrap_or_default())
    }
}

/// An optional field. Null counts as missing.
impl<T: Readable> Field for Option<T> {
    fn from_given(name: &'static str, given: Option<Value>) -> Result<Self, Rejection> {
        given.filter(|value| !value.is_null()).map(|value| read(name, value)).transpose()
    }
}

/// An optional field that null clears.
impl<T: Readable> Field for Option<Option<T>> {
    fn from_given(name: &'static str, given: Option<Value>) -> Result<Self, Rejection> {
        given.map(|value| Option::from_given(name, Some(value))).transpose()
    }
}

fn read<T: Readable>(name: &'static str, value: Value) -> Result<T, Rejection> {
    T::read(value).ok_or_else(|| Rejection::field(name, format!("The field {name} must be {}.", T::must_be())))
}

/// A type that can be read from JSON.
pub(crate) trait Readable: Sized {
    /// What a field of this type must be, as the end of a sentence.
    fn must_be() -> String;
    fn read(value: Value) -> Option<Self>;
}

impl Readable for String {
    fn must_be() -> String {
        "a string".into()
    }

    fn read(value: Value) -> Option<Self> {
        if let Value::String(text) = value { Some(text) } else { None }
    }
}

impl Readable for Map<String, Value> {
    fn must_be() -> String {
        "an object".into()
    }

    fn read(value: Value) -> Option<Self> {
        if let Value::Object(fields) = value { Some(fields) } else { None }
    }
}

impl Readable for bool {
    fn must_be() -> String {
        "true or false".into()
    }

    fn read(value: Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Readable for i32 {
    fn must_be() -> String {
        format!("a whole number of at most {}", Self::MAX)
    }

    fn read(value: Value) -> Option<Self> {
        let number = value.as_i64().or_else(|| whole(value.as_f64()?))?;
        Self::try_from(number).ok()
    }
}

impl Readable for Timestamp {
    fn must_be() -> String {
        "an RFC 3339 date and time with an offset in the years 1970 to 9999, such as 2030-01-31T12:00:00Z, and no leap second"
            .into()
    }

    fn read(value: Value) -> Option<Self> {
        Self::parse(value.as_str()?).ok()
    }
}

impl<T: Readable> Readable for Vec<T> {
    fn must_be() -> String {
        format!("a list, each of whose items is {}", T::must_be())
    }

    fn read(value: Value) -> Option<Self> {
        if let Value::Array(items) = value { items.into_iter().map(T::read).collect() } else { None }
    }
}

macro_rules! readable_by_name {
    ($($type:ty),*) => {
        $(impl Readable for $type {
            fn must_be() -> String {
                let names: Vec<&str> = Self::ALL.iter().map(|one| one.as_str()).collect();
                format!("one of {}", names.join(", "))
            }

            fn read(value: Value) -> Option<Self> {
                Self::parse(value.as_str()?)
            }
        })*
    };
}

readable_by_name!(
    AtDeadline,
    LeakPolicy,
    MailDigestFrequency,
    NoticeKind,
    OverlapEnd,
    OverlapStart,
    Permission,
    ReusePolicy,
    State,
    Status,
    TokenKind
);
