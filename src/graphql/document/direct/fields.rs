//! The fields of a selection set, each with the function that writes it.

use async_graphql::Positioned;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use serde::Serialize;

use crate::domain::timestamp::Timestamp;
use crate::domain::token::Permission;
use crate::graphql::document::plan::PLACEHOLDER;
use crate::service::View;

/// More bytes than a field has: a hundred scopes of 255 characters.
pub(crate) const MAX_FIELD_BYTES: u64 = 32 * 1_024;

/// Writes a field into the response.
pub(crate) type Write<T> = fn(&T, &mut Vec<u8>);
/// The fields of a selection set in order. The text of each is its response key with the punctuation around it.
pub(crate) type Fields<T> = Vec<(Box<str>, T)>;

/// The fields of a selection set; `None` if one of the selections is not a field, or cannot be written directly.
pub(crate) fn fields<T>(set: &SelectionSet, writer: impl Fn(&Field) -> Option<T>) -> Option<Fields<T>> {
    let mut found = Fields::new();
    for selection in &set.items {
        let Selection::Field(Positioned { node: field, .. }) = &selection.node else { return None };
        // It is removed from the tree of the library later.
        if field.response_key().node == PLACEHOLDER {
            return None;
        }
        // Names in GraphQL need no escaping in JSON.
        let key = format!("\"{}\":", field.response_key().node);
        if found.iter().any(|(other, _)| other.trim_start_matches(',') == key) {
            return None;
        }
        let comma = if found.is_empty() { "" } else { "," };
        found.push((format!("{comma}{key}").into(), writer(field)?));
    }
    Some(found)
}

/// Writes an object with these fields.
pub(crate) fn object<T>(fields: &Fields<T>, body: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    body.push(b'{');
    for (key, field) in fields {
        body.extend_from_slice(key.as_bytes());
        write(field, body);
    }
    body.push(b'}');
}

/// A field of a token, as it is written.
#[derive(Debug)]
pub(crate) enum TokenWriter {
    Leaf(Write<View>),
    Metadata(Fields<PairField>),
}

/// A field of a key/value pair, as it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PairField {
    Key,
    Value,
    Typename,
}

/// How this field of a token is written, if it is written here.
pub(crate) fn of_token(field: &Field) -> Option<TokenWriter> {
    let name = field.name.node.as_str();
    if name == "metadata" {
        return fields(&field.selection_set.node, of_pair).map(TokenWriter::Metadata);
    }
    leaf_of_token(name).map(TokenWriter::Leaf)
}

impl TokenWriter {
    pub(crate) fn write(&self, view: &View, body: &mut Vec<u8>) {
        match self {
            Self::Leaf(write) => write(view, body),
            Self::Metadata(fields) => {
                let pairs = view.token.settings.metadata.iter();
                items(pairs, body, |pair, body| object(fields, body, |field, body| field.write(pair, body)));
            }
        }
    }
}

impl PairField {
    fn write(self, (key, value): (&str, &str), body: &mut Vec<u8>) {
        json(
            match self {
                Self::Key => key,
                Self::Value => value,
                Self::Typename => "MetadataEntry",
            },
            body,
        );
    }
}

fn of_pair(field: &Field) -> Option<PairField> {
    Some(match field.name.node.as_str() {
        "key" => PairField::Key,
        "value" => PairField::Value,
        "__typename" => PairField::Typename,
        _ => return None,
    })
}

fn leaf_of_token(field: &str) -> Option<Write<View>> {
    Some(match field {
        "__typename" => |_, body| json("APIToken", body),
        "id" => |view, body| json(view.token.id.text().as_str(), body),
        "name" => |view, body| json(&view.token.settings.name, body),
        "description" => |view, body| json(&view.token.settings.description, body),
        "owner" => |view, body| json(&view.token.settings.owner, body),
        "kind" => |view, body| json(view.token.settings.kind.as_str(), body),
        "status" => |view, body| json(view.status.as_str(), body),
        "permissions" => |view, body| list(view.token.settings.permissions.iter().map(Permission::as_str), body),
        "scopes" => |view, body| list(view.token.settings.scopes.iter(), body),
        "generation" => |view, body| json(&view.token.current.generation, body),
        "createdAt" => |view, body| moment(Some(view.token.created_at), body),
        "updatedAt" => |view, body| moment(view.token.updated.map(|(at, _)| at), body),
        "rotatedAt" => |view, body| moment(view.token.rotated_at(), body),
        "lastUsedAt" => |view, body| moment(view.token.last_used_at, body),
        "notBefore" => |view, body| moment(view.token.settings.not_before, body),
        "expiresAt" => |view, body| moment(view.token.settings.expires_at, body),
        "rotationPeriodMinutes" => |view, body| json(&view.token.settings.rotation_period_minutes, body),
        "rotateBy" => |view, body| moment(view.token.rotate_by(), body),
        "overlapMinutes" => |view, body| json(&view.token.settings.overlap_minutes, body),
        "overlapStarts" => |view, body| json(view.token.settings.overlap_starts.as_str(), body),
        "overlapEnds" => |view, body| json(view.token.settings.overlap_ends.as_str(), body),
        "silentMinutes" => |view, body| json(&view.token.settings.silent_minutes, body),
        "onReuse" => |view, body| json(view.token.settings.on_reuse.as_str(), body),
        "onLeak" => |view, body| json(view.token.settings.on_leak.as_str(), body),
        "protected" => |view, body| json(&view.token.settings.protected, body),
        "revokedAt" => |view, body| moment(view.token.revoked_at, body),
        "suspendedAt" => |view, body| moment(view.token.suspended_at, body),
        _ => return None,
    })
}

pub(crate) fn json<T: Serialize + ?Sized>(value: &T, body: &mut Vec<u8>) {
    // This cannot fail: the values are texts and numbers, and writing to a Vec does not fail.
    let _ = serde_json::to_writer(body, value);
}

fn moment(at: Option<Timestamp>, body: &mut Vec<u8>) {
    json(&at.map(|at| at.to_string()), body);
}

pub(crate) fn list<'a>(texts: impl Iterator<Item = &'a str>, body: &mut Vec<u8>) {
    items(texts, body, json);
}

fn items<T>(items: impl Iterator<Item = T>, body: &mut Vec<u8>, write: impl Fn(T, &mut Vec<u8>)) {
    body.push(b'[');
    for (place, item) in items.enumerate() {
        if place > 0 {
            body.push(b',');
        }
        write(item, body);
    }
    body.push(b']');
}
