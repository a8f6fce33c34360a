//! Parses the body of a GraphQL request once, without copying it. Every parameter stays raw JSON, because a query that is
//! answered without the executing library needs only the text of the document, the name of the operation and the raw variables.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::graphql::{DirectRequest, Request};
use crate::http::body::json::{self, Unread};
use crate::http::body::unique_names::UniqueNames;
use crate::http::rejection::Rejection;

use super::request_parameters::{Requests, from_fields, malformed};

/// A body. It may contain a token's value, so it cannot be printed (R9).
pub(super) enum Parsed<'a> {
    One(Parameters<'a>),
    Batch(Vec<&'a RawValue>),
    Other,
}

/// The parameters of one request. `null` means the same as leaving the parameter out.
#[derive(Default)]
pub(super) struct Parameters<'a> {
    query: Option<&'a RawValue>,
    operation_name: Option<&'a RawValue>,
    variables: Option<&'a RawValue>,
    extensions: Option<&'a RawValue>,
    /// The name of a parameter that is given more than once.
    repeated: Option<&'static str>,
}

/// The names of the parameters.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Key {
    Query,
    OperationName,
    Variables,
    Extensions,
    #[serde(other)]
    Other,
}

/// A string, borrowed unless it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Parses a body.
pub(super) fn parse(body: &[u8]) -> Result<Parsed<'_>, Rejection> {
    Ok(match json::first_byte(body) {
        Some(b'{') => Parsed::One(json::parse(body)?),
        Some(b'[') => Parsed::Batch(json::parse(body)?),
        _ => {
            json::parse::<Value>(body)?;
            Parsed::Other
        }
    })
}

impl Parsed<'_> {
    /// The request, if it is a single one that may be answered directly.
    pub(super) fn direct(&self) -> Option<DirectRequest<'_>> {
        let Self::One(Parameters { query: Some(query), operation_name, variables, extensions: None, repeated: None }) =
            self
        else {
            return None;
        };
        let operation_name = match operation_name {
            Some(name) => Some(text(name)?).filter(|name| !name.is_empty()),
            None => None,
        };
        Some(DirectRequest { query: text(query)?, operation_name, variables: variables.map(RawValue::get) })
    }

    /// The request or the requests of the body.
    pub(super) fn requests(self, max_batch: usize) -> Result<Requests, Rejection> {
        match self {
            Self::One(parameters) => parameters.request().map(Requests::One),
            Self::Batch(_) if max_batch == 0 => Err(malformed(
                "This server does not accept lists of requests. Send them one by one, or ask the operator for --graphql-max-batch.",
            )),
            Self::Batch(items) if items.is_empty() || items.len() > max_batch => {
                Err(malformed(&format!("A list may contain 1 to {max_batch} requests.")))
            }
            Self::Batch(items) => {
                let requests = items.into_iter().map(|item| match json::first_byte(item.get().as_bytes()) {
                    Some(b'{') => read::<Parameters<'_>>(item)?.request(),
                    _ => Err(malformed("Each request of a list must be a JSON object.")),
                });
                requests.collect::<Result<_, _>>().map(Requests::Batch)
            }
            Self::Other => Err(malformed("The body must be a JSON object.")),
        }
    }
}

impl Parameters<'_> {
    fn request(self) -> Result<Request, Rejection> {
        if let Some(name) = self.repeated {
            return Err(Rejection::repeated("parameter", name));
        }
        let mut fields = Map::new();
        for (name, raw) in [
            ("query", self.query),
            ("operationName", self.operation_name),
            ("variables", self.variables),
            ("extensions", self.extensions),
        ] {
            if let Some(raw) = raw {
                fields.insert(name.to_owned(), read::<UniqueNames>(raw)?.value("field")?);
            }
        }
        from_fields(fields)
    }
}

fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str(raw.get()).ok().map(|Text(text)| text)
}

fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Rejection> {
    serde_json::from_str(raw.get()).map_err(|_| Unread::NotJson.into())
}

impl<'de: 'a, 'a> Deserialize<'de> for Parameters<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Parameters<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
                let mut parameters = Parameters::default();
                while let Some(key) = fields.next_key()? {
                    let (parameter, name) = match key {
                        Key::Query => (&mut parameters.query, "query"),
                        Key::OperationName => (&mut parameters.operation_name, "operationName"),
                        Key::Variables => (&mut parameters.variables, "variables"),
                        Key::Extensions => (&mut parameters.extensions, "extensions"),
                        Key::Other => {
                            // It is ignored, but it must be JSON.
                            fields.next_value::<Value>()?;
                            continue;
                        }
                    };
                    if parameter.replace(fields.next_value()?).is_some() {
                        parameters.repeated = Some(name);
                    }
                }
                let Parameters { query, operation_name, variables, extensions, .. } = &mut parameters;
                for parameter in [query, operation_name, variables, extensions] {
                    parameter.take_if(|raw| raw.get() == "null");
                }
                Ok(parameters)
            }
        }

        deserializer.deserialize_map(Object)
    }
}
