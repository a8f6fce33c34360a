//! The limits of inputs in JSON Schema, from the constants that `domain` enforces. The types of the inputs do not have them.

use serde_json::{Value, json};

use crate::domain::listing::MAX_PAGE_SIZE;
use crate::domain::notice::{
    MAX_MAIL_ADDRESS_LENGTH, MAX_MINUTE_OF_DAY, MAX_OWNERS as MAX_WEBHOOK_OWNERS, MAX_SECRET_OVERLAP_MINUTES,
    MAX_WEBHOOK_URL_LENGTH,
};
use crate::domain::reason::MAX_EVIDENCE_URL_LENGTH;
use crate::domain::restriction::{MAX_ALLOWED_ORIGINS, MAX_CIDR_BLOCKS, MAX_ORIGIN_LENGTH};
use crate::domain::text::{MAX_DESCRIPTION_LENGTH, MAX_NAME_LENGTH};
use crate::domain::token::{MAX_METADATA_BYTES, MAX_METADATA_ENTRIES, MAX_METADATA_KEY_LENGTH, MAX_SCOPES, Scope};
use crate::domain::value::derivation::IdempotencyKey;
use crate::service::{MAX_IMPORTS, MAX_OWNERS, MAX_REPORTED_BYTES, MAX_ROTATIONS, MAX_VERIFICATIONS};

/// The alphabet of scopes (RFC 6749, section 3.3).
const SCOPE: &str = r"^[\x21\x23-\x5B\x5D-\x7E]+$";

/// The limits, to be merged into the OpenAPI document. There are no defaults, because generated clients would send them, although a
/// missing field can mean something else (a cloned setting, a page from the end).
pub(crate) fn document() -> Value {
    let name = json!({ "minLength": 1, "maxLength": MAX_NAME_LENGTH });
    let settings = json!({
        "name": name,
        "description": { "maxLength": MAX_DESCRIPTION_LENGTH },
        "owner": name,
        "scopes": {
            "maxItems": MAX_SCOPES,
            "items": { "minLength": 1, "maxLength": Scope::MAX_LENGTH, "pattern": SCOPE },
        },
        "metadata": { "maxItems": MAX_METADATA_ENTRIES },
        "allowedCIDRBlocks": { "maxItems": MAX_CIDR_BLOCKS },
        "allowedOrigins": { "maxItems": MAX_ALLOWED_ORIGINS, "items": { "maxLength": MAX_ORIGIN_LENGTH } },
    });
    let minutes = json!({ "minimum": 0, "maximum": i32::MAX });
    let mut created = settings.clone();
    merge(
        &mut created,
        json!({
            "overlapMinutes": minutes,
            "silentMinutes": minutes,
            "rotationPeriodMinutes": { "minimum": 1, "maximum": i32::MAX },
        }),
    );
    let webhook = json!({ "properties": {
        "url": { "minLength": 1, "maxLength": MAX_WEBHOOK_URL_LENGTH },
        "description": { "maxLength": MAX_DESCRIPTION_LENGTH },
        "owners": { "maxItems": MAX_WEBHOOK_OWNERS, "items": name },
    } });
    let mail_digest = json!({ "properties": {
        "address": { "minLength": 3, "maxLength": MAX_MAIL_ADDRESS_LENGTH },
        "description": { "maxLength": MAX_DESCRIPTION_LENGTH },
        "owners": { "maxItems": MAX_WEBHOOK_OWNERS, "items": name },
        "minuteOfDay": { "minimum": 0, "maximum": MAX_MINUTE_OF_DAY },
    } });
    let mut imported = created.clone();
    merge(
        &mut imported,
        json!({
            "sha256": { "maxLength": 64 },
            "sha512": { "maxLength": 128 },
            "hmacSHA256": { "maxLength": 64 },
            "format": { "maxLength": 32, "pattern": "^[a-z0-9-]+$" },
            "hint": { "minLength": 4, "maxLength": 4 },
        }),
    );
    // Settings that cannot be combined (`Settings::validate`).
    let given = json!({ "type": "array", "minItems": 1 });
    let public_with_permissions = json!({
        "required": ["kind", "permissions"],
        "properties": { "kind": { "const": "PUBLIC" }, "permissions": given },
    });
    let public_and_cut_off = json!({
        "required": ["kind", "onLeak"],
        "properties": { "kind": { "const": "PUBLIC" }, "onLeak": { "enum": ["RETIRE", "REVOKE"] } },
    });
    let protected_and_revoked = json!({
        "required": ["protected", "onReuse"],
        "properties": { "protected": { "const": true }, "onReuse": { "const": "REVOKE" } },
    });
    let protected_and_cut_off = json!({
        "required": ["protected", "onLeak"],
        "properties": { "protected": { "const": true }, "onLeak": { "enum": ["RETIRE", "REVOKE"] } },
    });
    json!({ "components": { "schemas": {
        "CreateAPITokenInput": {
            "properties": created,
            "not": { "anyOf": [public_with_permissions, public_and_cut_off, protected_and_revoked, protected_and_cut_off] },
        },
        "ImportAPITokensInput": { "properties": { "tokens": { "minItems": 1, "maxItems": MAX_IMPORTS } } },
        "ImportAPITokenInput": {
            "properties": imported,
            "not": { "anyOf": [public_with_permissions, public_and_cut_off, protected_and_revoked, protected_and_cut_off] },
        },
        "UpdateAPITokenInput": { "properties": settings, "not": { "anyOf": [protected_and_revoked, protected_and_cut_off] } },
        "MetadataEntry": { "properties": {
            "key": { "minLength": 1, "maxLength": MAX_METADATA_KEY_LENGTH, "pattern": "^[A-Za-z0-9._/-]+$" },
            "value": { "maxLength": MAX_METADATA_BYTES },
        } },
        "APITokenFilterInput": { "minProperties": 1, "properties": filter() },
        "ReportLeakedValueInput": { "properties": {
            "value": { "minLength": 1, "maxLength": MAX_REPORTED_BYTES },
            "url": { "maxLength": MAX_EVIDENCE_URL_LENGTH },
        } },
        "RotateAPITokensInput": { "properties": {
            "first": { "minimum": 1, "maximum": MAX_ROTATIONS },
            "overlapMinutes": minutes,
            "idempotencyKey": {
                "minLength": 1, "maxLength": IdempotencyKey::MAX_LENGTH, "pattern": "^[ -~]*$",
            },
            "reason": name,
            "evidenceURL": { "maxLength": MAX_EVIDENCE_URL_LENGTH },
        } },
        "CreateRotationCampaignInput": { "properties": {
            "name": name,
            "reason": name,
            "evidenceURL": { "maxLength": MAX_EVIDENCE_URL_LENGTH },
        } },
        "CancelRotationCampaignInput": { "properties": {
            "reason": name,
            "evidenceURL": { "maxLength": MAX_EVIDENCE_URL_LENGTH },
        } },
        "RotateAPITokenInput": { "properties": {
            "overlapMinutes": minutes,
            "idempotencyKey": {
                "minLength": 1, "maxLength": IdempotencyKey::MAX_LENGTH, "pattern": "^[ -~]*$",
            },
            "reason": name,
            "evidenceURL": { "maxLength": MAX_EVIDENCE_URL_LENGTH },
        } },
        "VerifyAPITokensInput": { "properties": { "inputs": { "minItems": 1, "maxItems": MAX_VERIFICATIONS } } },
        "VerifyAPITokenInput": { "properties": { "requiredScopes": {
            "maxItems": MAX_SCOPES,
            "items": { "minLength": 1, "maxLength": Scope::MAX_LENGTH, "pattern": SCOPE },
        } } },
        "ReviveAPITokenInput": { "properties": {
            "idempotencyKey": {
                "minLength": 1, "maxLength": IdempotencyKey::MAX_LENGTH, "pattern": "^[ -~]*$",
            },
            "reason": name,
            "evidenceURL": { "maxLength": MAX_EVIDENCE_URL_LENGTH },
        } },
        "CreateMailDigestInput": mail_digest,
        "UpdateMailDigestInput": mail_digest,
        "CreateWebhookInput": webhook,
        "UpdateWebhookInput": webhook,
        "RotateWebhookSecretInput": { "properties": {
            "overlapMinutes": { "minimum": 0, "maximum": MAX_SECRET_OVERLAP_MINUTES },
        } },
        "SuspendAPITokenInput": { "properties": {
            "reason": name,
            "evidenceURL": { "maxLength": MAX_EVIDENCE_URL_LENGTH },
        } },
    } } })
}

/// The limits of the conditions in a body.
fn filter() -> Value {
    let limits = [("name", "string"), ("text", "string"), ("owner", "string"), ("scope", "string")];
    let limits = limits.into_iter().chain([("previousValueUsedWithinMinutes", "integer")]);
    let limits = limits.filter_map(|(name, kind)| Some((name.to_owned(), of_parameter(name, kind)?)));
    limits.chain([("metadata".to_owned(), json!({ "maxItems": MAX_METADATA_ENTRIES }))]).collect()
}

/// The limits of a query parameter of this type. Endpoints have parameters of the same name and another type.
pub(crate) fn of_parameter(name: &str, kind: &str) -> Option<Value> {
    let scope = json!({ "minLength": 1, "maxLength": Scope::MAX_LENGTH, "pattern": SCOPE });
    match (name, kind) {
        ("first" | "last", "integer") => Some(json!({ "minimum": 1, "maximum": MAX_PAGE_SIZE })),
        ("name" | "text" | "owner", "string") => Some(json!({ "maxLength": MAX_NAME_LENGTH })),
        ("owners", "integer") => Some(json!({ "minimum": 0, "maximum": MAX_OWNERS })),
        ("scope", "string") => Some(scope),
        ("scope", "array") => Some(json!({ "items": scope })),
        ("generation", "integer") => Some(json!({ "minimum": 1, "maximum": i32::MAX })),
        ("previousValueUsedWithinMinutes", "integer") => Some(json!({ "minimum": 1, "maximum": i32::MAX })),
        ("metadata", "array") => {
            Some(json!({ "maxItems": MAX_METADATA_ENTRIES, "items": { "pattern": "^[A-Za-z0-9._/-]{1,64}=" } }))
        }
        ("reason", "string") => Some(json!({ "minLength": 1, "maxLength": MAX_NAME_LENGTH })),
        ("evidenceURL", "string") => Some(json!({ "maxLength": MAX_EVIDENCE_URL_LENGTH })),
        _ => None,
    }
}

/// Merges `other` into `document`. If both have a value, that of `other` wins.
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
