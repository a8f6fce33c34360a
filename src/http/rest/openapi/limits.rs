//! The limits of what the REST endpoints take, in the words of JSON Schema: those that the rules of `domain` enforce.
//!
//! Separate from the inputs, whose types say what a field is and not how much of it.

use serde_json::{Value, json};

use crate::domain::listing::MAX_PAGE_SIZE;
use crate::domain::restriction::{MAX_ALLOWED_ORIGINS, MAX_CIDR_BLOCKS, MAX_ORIGIN_LENGTH};
use crate::domain::text::{MAX_DESCRIPTION_LENGTH, MAX_NAME_LENGTH};
use crate::domain::token::{MAX_SCOPES, Scope};
use crate::domain::value::derivation::IdempotencyKey;

/// The limits, as a document to be merged into that of the endpoints. It names no default: a generated client would send each along,
/// and what is left out is not always that (a cloned setting, a page from the back).
pub(crate) fn document() -> Value {
    let name = json!({ "minLength": 1, "maxLength": MAX_NAME_LENGTH });
    let settings = json!({
        "name": name,
        "description": { "maxLength": MAX_DESCRIPTION_LENGTH },
        "owner": name,
        "scopes": {
            "maxItems": MAX_SCOPES,
            "items": { "minLength": 1, "maxLength": Scope::MAX_LENGTH, "pattern": r"^[\x21\x23-\x5B\x5D-\x7E]+$" },
        },
        "allowedCIDRBlocks": { "maxItems": MAX_CIDR_BLOCKS },
        "allowedOrigins": { "maxItems": MAX_ALLOWED_ORIGINS, "items": { "maxLength": MAX_ORIGIN_LENGTH } },
    });
    let minutes = json!({ "minimum": 0, "maximum": i32::MAX });
    let mut created = settings.clone();
    merge(
        &mut created,
        json!({
            "overlapMinutes": minutes,
            "rotationPeriodMinutes": { "minimum": 1, "maximum": i32::MAX },
        }),
    );
    // What excludes each other (`Settings::validate`).
    let given = json!({ "type": "array", "minItems": 1 });
    let public_with_permissions = json!({
        "required": ["kind", "permissions"],
        "properties": { "kind": { "const": "PUBLIC" }, "permissions": given },
    });
    let protected_and_revoked = json!({
        "required": ["protected", "onReuse"],
        "properties": { "protected": { "const": true }, "onReuse": { "const": "REVOKE" } },
    });
    json!({ "components": { "schemas": {
        "CreateAPITokenInput": {
            "properties": created,
            "not": { "anyOf": [public_with_permissions, protected_and_revoked] },
        },
        "UpdateAPITokenInput": { "properties": settings, "not": protected_and_revoked },
        "RotateAPITokenInput": { "properties": {
            "overlapMinutes": minutes,
            "idempotencyKey": {
                "minLength": 1, "maxLength": IdempotencyKey::MAX_LENGTH, "pattern": "^[ -~]*$",
            },
        } },
    } } })
}

/// The limit of a parameter of a query.
pub(crate) fn of_parameter(name: &str) -> Option<Value> {
    match name {
        "first" | "last" => Some(json!({ "minimum": 1, "maximum": MAX_PAGE_SIZE })),
        "name" | "owner" => Some(json!({ "maxLength": MAX_NAME_LENGTH })),
        _ => None,
    }
}

/// Adds to a document what another one says; where both speak of the same, the other is right.
pub(crate) fn merge(document: &mut Value, other: Value) {
    match (document, other) {
        (Value::Object(document), Value::Object(other)) => {
            for (key, value) in other {
                merge(document.entry(key).or_insert(Value::Null), value);
            }
        }
        (place, other) => *place = other,
    }
}
