//! The fast path of `verifyAPIToken`, with its input in a variable.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Name, Value};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::domain::restriction::Source;
use crate::domain::rule::lifecycle::due_soon::Warnings;
use crate::domain::rule::verification::RequiredScopes;
use crate::domain::token::Scope;
use crate::graphql::document::cost::cost;
use crate::graphql::document::extensions::end_response;
use crate::graphql::document::plan::root_fields;
use crate::graphql::document::root_fields::VERIFY;
use crate::service::{RequestContext, Service, Verification};

use super::fields::{Fields, TokenWriter, Write, fields, json, list, object, of_token};

/// A query for one verification, as it is answered directly.
#[derive(Debug)]
pub(crate) struct DirectVerification {
    /// The variable that contains the input.
    variable: Name,
    /// The response key.
    key: Name,
    fields: Fields<FieldWriter>,
    /// The cost, which does not depend on variables.
    pub(super) cost: u64,
}

#[derive(Debug)]
enum FieldWriter {
    Leaf(Write<Verification>),
    Token(Fields<TokenWriter>),
}

/// The variables: exactly one, which contains the input.
struct OneVariable<'a>(&'a str, Input<'a>);

/// `VerifyAPITokenInput` in its usual form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input<'a> {
    #[serde(borrow)]
    value: Cow<'a, str>,
    #[serde(default)]
    required_scopes: Option<Vec<String>>,
    #[serde(borrow, default)]
    address: Option<Cow<'a, str>>,
    #[serde(default)]
    origin: Option<String>,
}

/// Deserialises only from a JSON object. The derived code would also accept a list of the fields.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
            }
        }

        deserializer.deserialize_map(Fields(PhantomData))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for OneVariable<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = OneVariable<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one variable")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let (name, Object(input)) = entries.next_entry()?.ok_or_else(|| A::Error::custom("none"))?;
                match entries.next_key::<&'de str>()? {
                    None => Ok(OneVariable(name, input)),
                    Some(_) => Err(A::Error::custom("several")),
                }
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

impl DirectVerification {
    /// `None` if the planned document cannot be answered directly.
    pub(super) fn of(document: &ExecutableDocument) -> Option<Self> {
        let [field] = root_fields(document)[..] else { return None };
        let [(argument, input)] = &field.arguments[..] else { return None };
        if field.name.node != VERIFY || argument.node != "input" {
            return None;
        }
        // The input is a variable if replacing its variables by null makes all of it null.
        let mut variable = None;
        let rest = input.node.clone().into_const_with(|name| {
            variable = Some(name);
            Ok::<_, ()>(Value::Null)
        });
        let variable = variable.filter(|_| rest == Ok(Value::Null))?;
        Some(Self {
            fields: fields(&field.selection_set.node, |field| {
                if field.name.node == "token" {
                    return fields(&field.selection_set.node, of_token).map(FieldWriter::Token);
                }
                of_verification(&field.name.node).map(FieldWriter::Leaf)
            })?,
            variable,
            cost: cost(document, &|_| Value::Null),
            key: field.response_key().node.clone(),
        })
    }

    /// Verifies, with these variables (a JSON object), for the caller that presents this value in this request. Returns what the
    /// caller should know ahead, and the body of the response. `None` if the response has errors or needs waiting.
    pub(super) fn try_now(
        &self,
        service: &Service,
        caller: (&str, &RequestContext<'_>),
        variables: &str,
    ) -> Option<(Warnings, Vec<u8>)> {
        let OneVariable(name, input) = serde_json::from_str(variables).ok()?;
        if self.variable != name {
            return None;
        }
        let scopes = input.required_scopes.iter().flatten().map(String::as_str);
        let required = RequiredScopes::parse("requiredScopes", scopes).ok()?;
        let source = Source::reported("address", input.address.as_deref(), input.origin).ok()?;
        let (warnings, verification) = service.try_verify_for(caller, |_| true, &input.value, &required, &source)?;
        let mut body = self.write(&verification);
        end_response(warnings.rotate_soon_by, &mut body);
        Some((warnings, body))
    }

    /// The body without its end.
    fn write(&self, verification: &Verification) -> Vec<u8> {
        let mut body = Vec::with_capacity(256);
        for text in [r#"{"data":{""#, self.key.as_str(), r#"":{"#] {
            body.extend_from_slice(text.as_bytes());
        }
        for (key, writer) in &self.fields {
            body.extend_from_slice(key.as_bytes());
            writer.write(verification, &mut body);
        }
        body.extend_from_slice(b"}}");
        body
    }
}

impl FieldWriter {
    fn write(&self, verification: &Verification, body: &mut Vec<u8>) {
        match (self, &verification.token) {
            (Self::Leaf(write), _) => write(verification, body),
            (Self::Token(_), None) => json(&None::<()>, body),
            (Self::Token(fields), Some(view)) => object(fields, body, |field, body| field.write(view, body)),
        }
    }
}

fn of_verification(field: &str) -> Option<Write<Verification>> {
    Some(match field {
        "__typename" => |_, body| json("APITokenVerification", body),
        "valid" => |verification, body| json(&verification.is_valid(), body),
        "code" => |verification, body| json(verification.code.as_str(), body),
        "generation" => |verification, body| json(&verification.generation, body),
        "retiresAt" => |verification, body| json(&verification.retires_at().map(|at| at.to_string()), body),
        "missingScopes" => |verification, body| list(verification.missing_scopes.iter().map(Scope::as_str), body),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::graphql::document::prepared::Prepared;
    use crate::graphql::settings::Settings;
    use crate::graphql::validation::validator::Validator;

    /// The fields that are left to the executing library.
    const LEFT_TO_LIBRARY: &[&str] =
        &["allowedCIDRBlocks", "allowedOrigins", "createdBy", "rotatedBy", "updatedBy", "value", "values"];

    /// Whether this field of a token is written here, with a key if it has fields itself.
    fn is_written(field: &str) -> bool {
        let written = |query: String| {
            let document = async_graphql::parser::parse_query(query).unwrap();
            super::root_fields(&document).into_iter().all(|field| super::of_token(field).is_some())
        };
        written(format!("{{ {field} }}")) || written(format!("{{ {field} {{ key }} }}"))
    }

    /// The fields of the schema that are in neither list, and those of `LEFT_TO_LIBRARY` that are not in the schema.
    fn undecided(sdl: &str) -> Vec<String> {
        let validator = Validator::new(sdl, Settings::default()).unwrap();
        let fields = |name: &str| -> Vec<String> {
            validator.schema().get_object(name).unwrap().fields.keys().map(ToString::to_string).collect()
        };
        let mut undecided = fields("APITokenVerification");
        undecided.retain(|field| field != "token" && super::of_verification(field).is_none());
        let token = fields("APIToken");
        undecided.extend(
            LEFT_TO_LIBRARY.iter().filter(|left| !token.iter().any(|field| field == *left)).map(ToString::to_string),
        );
        undecided
            .extend(token.into_iter().filter(|field| !is_written(field) && !LEFT_TO_LIBRARY.contains(&field.as_str())));
        let inputs = validator.schema().get_input_object("VerifyAPITokenInput").unwrap().fields.keys();
        let unread = |name: &&str| {
            let variables = format!(r#"{{"input":{{"value":"","{name}":null}}}}"#);
            *name != "value" && serde_json::from_str::<super::OneVariable<'_>>(&variables).is_err()
        };
        undecided.extend(inputs.map(|name| name.as_str()).filter(unread).map(str::to_owned));
        undecided
    }

    #[test]
    fn every_field_of_the_schema_is_written_here_or_left_to_the_library() {
        let sdl = crate::graphql::sdl();
        assert_eq!(undecided(&sdl), Vec::<String>::new());
        for kind in ["type APITokenVerification {", "type APIToken implements Node {", "input VerifyAPITokenInput {"] {
            assert!(sdl.contains(kind), "{kind}");
            let grown = sdl.replace(kind, &format!("{kind}\n  added: String"));
            assert_eq!(undecided(&grown), ["added"], "{kind}");
        }
    }

    #[test]
    fn only_simple_queries_are_answered_directly() {
        let validator = Validator::new(&crate::graphql::sdl(), Settings::default()).unwrap();
        let head = "query($input: VerifyAPITokenInput!, $value: String = \"\")";
        for (set, direct) in [
            ("{ verifyAPIToken(input: $input) { valid } }", true),
            ("{ mine: verifyAPIToken(input: $input) { code mine: token { id of: owner } } }", true),
            ("{ ...f } fragment f on Query { verifyAPIToken(input: $input) { valid } }", true),
            ("{ verifyAPIToken(input: $input) { valid @include(if: true) } }", false),
            ("{ verifyAPIToken(input: $input) { ... { valid } } }", false),
            ("{ verifyAPIToken(input: $input) { valid valid } }", false),
            ("{ verifyAPIToken(input: $input) { token { createdBy { kind } } } }", false),
            ("{ verifyAPIToken(input: { value: $value }) { valid } }", false),
            ("{ verifyAPIToken(input: $input) { valid } __typename }", false),
            ("{ currentAPIToken { id } }", true),
            ("{ me: currentAPIToken { of: owner createdAt } }", true),
            ("{ currentAPIToken { id metadata { key of: value __typename } } }", true),
            ("{ verifyAPIToken(input: $input) { token { metadata { ... { key } } } } }", false),
            ("{ currentAPIToken { id value } }", false),
            ("{ currentAPIToken { id } __typename }", false),
        ] {
            // A document with an unused variable is invalid.
            let unused =
                if set.contains("$value") { "$input: VerifyAPITokenInput!, " } else { ", $value: String = \"\"" };
            let head =
                if set.contains("$input") || set.contains("$value") { head.replace(unused, "") } else { String::new() };
            let prepared =
                Prepared::new(validator.parse_and_validate(&format!("{head} {set}")).map_err(|_| set).unwrap());
            assert_eq!(prepared.choose(None).map_err(|_| set).unwrap().direct.is_some(), direct, "{set}");
        }
    }
}
