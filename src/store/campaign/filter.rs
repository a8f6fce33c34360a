//! The filter of a campaign, kept as JSON with the names of the schema, so that its tokens can be collected in several steps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::id::TokenId;
use crate::domain::listing::Filter;
use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Metadata, Permission, Scope, TokenKind};
use crate::store::Error;

/// The conditions, each with its name in the schema.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Text {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    permission: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_after: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rotate_by_before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unused_since: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    overlap_running: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous_value_used_within_minutes: Option<u32>,
}

/// The filter as JSON.
pub fn text_of_filter(filter: &Filter) -> String {
    // Destructured, so that no condition is forgotten.
    let Filter {
        status,
        name,
        text,
        owner,
        kind,
        scope,
        permission,
        created_by,
        metadata,
        expires_after,
        expires_before,
        rotate_by_before,
        unused_since,
        overlap_running,
        previous_value_used_within_minutes,
    } = filter.clone();
    let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let pairs = |metadata: Metadata| metadata.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let text = Text {
        status: status.map(|all| all.into_iter().map(|status| status.as_str().to_owned()).collect()),
        name,
        text,
        owner,
        kind: kind.map(|kind| kind.as_str().to_owned()),
        scope: scope.map(|scope| scope.to_string()),
        permission: permission.map(|permission| permission.as_str().to_owned()),
        created_by: created_by.map(|id| id.to_string()),
        metadata: metadata.map(pairs),
        expires_after: moment(expires_after),
        expires_before: moment(expires_before),
        rotate_by_before: moment(rotate_by_before),
        unused_since: moment(unused_since),
        overlap_running,
        previous_value_used_within_minutes,
    };
    serde_json::to_string(&text).unwrap_or_default()
}

/// Reads what [`text_of_filter`] writes. A condition that only a newer version knows is an error: it must not be ignored.
///
/// # Errors
/// When it cannot be read.
pub fn filter_of_text(text: &str) -> Result<Filter, Error> {
    let unreadable = || Error::Unreadable("rotation_campaign.filter".to_owned());
    let text: Text = serde_json::from_str(text).map_err(|_| unreadable())?;
    fn read<T>(text: Option<String>, parse: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
        text.map_or(Some(None), |text| parse(&text).map(Some))
    }
    let moment = |text: Option<String>| read(text, |text| Timestamp::parse(text).ok()).ok_or_else(unreadable);
    let statuses = |names: Vec<String>| names.iter().map(|name| Status::parse(name)).collect::<Option<_>>();
    Ok(Filter {
        status: text.status.map(|names| statuses(names).ok_or_else(unreadable)).transpose()?,
        name: text.name,
        text: text.text,
        owner: text.owner,
        kind: read(text.kind, TokenKind::parse).ok_or_else(unreadable)?,
        scope: read(text.scope, |scope| Scope::parse(scope).ok()).ok_or_else(unreadable)?,
        permission: read(text.permission, Permission::parse).ok_or_else(unreadable)?,
        created_by: read(text.created_by, TokenId::parse).ok_or_else(unreadable)?,
        metadata: text.metadata.map(Metadata::of_stored),
        expires_after: moment(text.expires_after)?,
        expires_before: moment(text.expires_before)?,
        rotate_by_before: moment(text.rotate_by_before)?,
        unused_since: moment(text.unused_since)?,
        overlap_running: text.overlap_running,
        previous_value_used_within_minutes: text.previous_value_used_within_minutes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_reads_back() {
        let at = |millis| Some(Timestamp::from_unix_millis(millis));
        let full = Filter {
            status: Some([Status::Active, Status::Suspended].into_iter().collect()),
            name: Some("a\"b".to_owned()),
            text: Some("ü".to_owned()),
            owner: Some("acme".to_owned()),
            kind: Some(TokenKind::Public),
            scope: Some(Scope::parse("orders:read").unwrap()),
            permission: Some(Permission::ApiTokenModify),
            created_by: Some(TokenId::first_of(Timestamp::from_unix_millis(7))),
            metadata: Some(Metadata::parse([("team".to_owned(), "pay".to_owned())]).unwrap()),
            expires_after: at(1),
            expires_before: at(2),
            rotate_by_before: at(3),
            unused_since: at(4),
            overlap_running: Some(false),
            previous_value_used_within_minutes: Some(5),
        };
        for filter in [full, Filter::default()] {
            assert_eq!(filter_of_text(&text_of_filter(&filter)).unwrap(), filter);
        }
        assert_eq!(
            text_of_filter(&Filter { owner: Some("acme".to_owned()), ..Filter::default() }),
            r#"{"owner":"acme"}"#
        );
        for other in
            ["", "{", r#"{"newer":1}"#, r#"{"status":["NEWER"]}"#, r#"{"expiresAfter":"x"}"#, r#"{"kind":"x"}"#]
        {
            assert!(filter_of_text(other).is_err(), "{other}");
        }
    }
}
