//! JSON in which every object has each name once. `serde_json` alone keeps the last value of a repeated name, at any depth.

use std::cell::OnceCell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use crate::http::rejection::Rejection;
use crate::service::ErrorCode;

/// A JSON value, and the first name that an object in it has more than once.
pub(crate) struct UniqueNames {
    value: Value,
    repeated: Option<String>,
}

impl UniqueNames {
    /// The value, if no object in it repeats a name.
    ///
    /// # Errors
    /// Names the first that is repeated; `what` is what the client knows it as, a field or a parameter.
    pub(crate) fn value(self, what: &str) -> Result<Value, Rejection> {
        self.repeated.map_or(Ok(self.value), |name| Err(Rejection::repeated(what, &name)))
    }

    /// The fields of the object that this must be; errors are those of [`UniqueNames::value`].
    pub(crate) fn fields(self, what: &str) -> Result<Map<String, Value>, Rejection> {
        match self.value(what)? {
            Value::Object(fields) => Ok(fields),
            _ => Err(Rejection::new(ErrorCode::BadUserInput, "The body must be a JSON object.")),
        }
    }
}

impl<'de> Deserialize<'de> for UniqueNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let repeated = OnceCell::new();
        let value = Build { repeated: &repeated }.deserialize(deserializer)?;
        Ok(Self { value, repeated: repeated.into_inner() })
    }
}

/// Like [`UniqueNames`], but anything except an object is not read. By default it has no fields.
pub(crate) struct UniqueFields(UniqueNames);

impl Default for UniqueFields {
    fn default() -> Self {
        Self(UniqueNames { value: Value::Object(Map::new()), repeated: None })
    }
}

impl UniqueFields {
    /// As [`UniqueNames::fields`].
    pub(crate) fn fields(self, what: &str) -> Result<Map<String, Value>, Rejection> {
        self.0.fields(what)
    }
}

impl<'de> Deserialize<'de> for UniqueFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let repeated = OnceCell::new();
        let value = deserializer.deserialize_map(Build { repeated: &repeated })?;
        Ok(Self(UniqueNames { value, repeated: repeated.into_inner() }))
    }
}

/// Builds a value, and notes the first name that is repeated.
#[derive(Clone, Copy)]
struct Build<'a> {
    repeated: &'a OnceCell<String>,
}

impl<'de> DeserializeSeed<'de> for Build<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Build<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = given.next_key::<String>()? {
            let value = given.next_value_seed(self)?;
            match fields.entry(name) {
                Entry::Vacant(free) => drop(free.insert(value)),
                // An earlier one may be noted already.
                Entry::Occupied(taken) => drop(self.repeated.set(taken.key().clone())),
            }
        }
        Ok(Value::Object(fields))
    }
}
