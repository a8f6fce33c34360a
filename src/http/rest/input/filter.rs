//! The conditions on API tokens, as parameters of a query string, or as an object of a body. Their fields have the names of the GraphQL
//! schema.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Map, Value};
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::domain::id::TokenId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::listing::{self, Filter};
use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Metadata, Permission, TokenKind};
use crate::http::rejection::Rejection;
use crate::http::rest::token_value::MetadataEntry;
use crate::service::Error;

use super::fields::{Fields, Input, Readable, input};

input! {
    /// Which API tokens. All conditions must hold.
    #[derive(IntoParams)]
    #[into_params(parameter_in = Query)]
    FilterInput with param {
        /// Only those with one of these statuses: separated by commas, or with the parameter repeated.
        "status" => status: Option<Vec<Status>> as Option<Vec<Status>>,
        /// Only those whose name contains this text. The case of ASCII letters is ignored.
        "name" => name: Option<String> as Option<String>,
        /// Only those whose name, owner or description contains this text. The case of ASCII letters is ignored.
        "text" => text: Option<String> as Option<String>,
        /// Only those of exactly this owner.
        "owner" => owner: Option<String> as Option<String>,
        /// Only those of this kind.
        "kind" => kind: Option<TokenKind> as Option<TokenKind>,
        /// Only those that have exactly this scope. Those with the scope `*` are only found by `*`.
        "scope" => scope: Option<String> as Option<String>,
        /// Only those that have this permission.
        "permission" => permission: Option<Permission> as Option<Permission>,
        /// Only those that were created by the holder of this API token.
        "createdBy" => created_by: Option<String> as Option<String>,
        /// Only those that have this pair of metadata, written as `key=value`. Repeat the parameter for those that have all of several.
        "metadata" => metadata: Option<Vec<Pair>> as Option<Vec<String>>,
        /// Only those that expire at this time or later. Those that never expire are left out.
        "expiresAfter" => expires_after: Option<Timestamp> as Option<Timestamp>,
        /// Only those that expire, or have expired, before this time.
        "expiresBefore" => expires_before: Option<Timestamp> as Option<Timestamp>,
        /// Only those whose `rotateBy` is before this time, also if it has passed.
        "rotateByBefore" => rotate_by_before: Option<Timestamp> as Option<Timestamp>,
        /// Only those that were created before this time and not used since then. Uses are known at most a minute late.
        "unusedSince" => unused_since: Option<Timestamp> as Option<Timestamp>,
        /// Only those whose overlap is running, so that their previous value has not been retired; with `false`, all others.
        "overlapRunning" => overlap_running: Option<bool> as Option<bool>,
        /// Only those whose overlap is running, and whose previous value was used since the rotation, within the last so many minutes.
        /// Uses are known at most a minute late.
        "previousValueUsedWithinMinutes" => previous_value_used_within_minutes: Option<i32> as Option<i32>,
    }
}

impl FilterInput {
    /// The filter for the use case.
    ///
    /// # Errors
    /// When a condition is invalid, or an id malformed.
    pub(crate) fn read(self) -> Result<Filter, Error> {
        let malformed = Error::NotFound { field: "createdBy" };
        Ok(Filter {
            status: listing::list(self.status).map(BTreeSet::from_iter),
            name: self.name,
            text: self.text,
            owner: self.owner,
            kind: self.kind,
            scope: self.scope.as_deref().map(listing::scope).transpose()?,
            permission: self.permission,
            created_by: self.created_by.map(|id| TokenId::parse(&id).ok_or(malformed)).transpose()?,
            metadata: listing::list(self.metadata).map(metadata).transpose()?,
            expires_after: self.expires_after,
            expires_before: self.expires_before,
            rotate_by_before: self.rotate_by_before,
            unused_since: self.unused_since,
            overlap_running: self.overlap_running,
            previous_value_used_within_minutes: self
                .previous_value_used_within_minutes
                .map(listing::minutes)
                .transpose()?,
        })
    }
}

/// Reads the conditions in a body.
///
/// # Errors
/// When a field is unknown, or a condition invalid.
pub(crate) fn read_filter(fields: Map<String, Value>, hides_names: bool) -> Result<Filter, Rejection> {
    let input: FilterInput = Fields::read(fields, hides_names)?;
    Ok(input.read()?)
}

/// A pair of metadata: in a query string, written as a key, an equals sign and a value; in a body, an object. `None` if there is no equals
/// sign. No key contains one.
pub(crate) struct Pair(Option<(String, String)>);

impl Readable for Pair {
    fn must_be() -> String {
        MetadataEntry::must_be()
    }

    fn read(value: Value) -> Option<Self> {
        if let Value::String(text) = &value {
            return Some(Self(text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))));
        }
        MetadataEntry::read(value).map(|entry| Self(Some(entry.into())))
    }
}

fn metadata(pairs: Vec<Pair>) -> Result<Metadata, InvalidInput> {
    let pairs: Option<Vec<_>> = pairs.into_iter().map(|Pair(pair)| pair).collect();
    let message = "Each pair of metadata is a key, an equals sign and a value, such as team=payments.";
    Metadata::parse(pairs.ok_or_else(|| InvalidInput::new("metadata", message))?)
}

/// In a body, the parameters are the fields of an object.
impl PartialSchema for FilterInput {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new().description(Some("Which API tokens. All conditions must hold."));
        let fields = Self::into_params(|| Some(ParameterIn::Query)).into_iter();
        let object = fields.fold(object, |object, field| {
            let pairs = || ArrayBuilder::new().items(Ref::from_schema_name("MetadataEntry")).build().into();
            let text = |text: &str| Some(text.to_owned());
            let (schema, description) = match field.name.as_str() {
                "metadata" => {
                    (Some(pairs()), text("Only those that have all of these pairs of metadata, each exactly."))
                }
                "status" => (field.schema, text("Only those with one of these statuses.")),
                _ => (field.schema, field.description),
            };
            object.property(field.name, described(schema.unwrap_or_else(|| Schema::default().into()), description))
        });
        object.build().into()
    }
}

/// The schema of a parameter as that of a field, which has its description itself.
fn described(mut schema: RefOr<Schema>, description: Option<String>) -> RefOr<Schema> {
    match &mut schema {
        RefOr::Ref(reference) => reference.description = description.unwrap_or_default(),
        RefOr::T(Schema::Object(object)) => object.description = description,
        RefOr::T(Schema::Array(array)) => array.description = description,
        RefOr::T(_) => {}
    }
    schema
}

impl ToSchema for FilterInput {
    fn name() -> Cow<'static, str> {
        "APITokenFilterInput".into()
    }
}
