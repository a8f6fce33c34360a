//! The parts of an API token in REST responses: a value, an actor, and a key/value pair, which is also in inputs.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use std::collections::BTreeMap;

use crate::domain::id::TokenId;
use crate::domain::rule::lifecycle::brown_out;
use crate::domain::rule::verification::VerificationCode;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor as DomainActor, ActorKind, Token, ValueFacts};
use crate::domain::value_use::{User, UserUse, ValueUse};
use crate::service;

/// How values are used, by token and generation.
pub(super) type ValueUses = BTreeMap<(TokenId, u32), ValueUse>;

use super::input::Readable;

/// One value of an API token. The secret itself is never included.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APITokenValue)]
pub(super) struct ApiTokenValue {
    /// The last four characters of the value, to recognise it by. Empty for an imported value of which they are unknown.
    hint: String,
    /// The format of a value that was issued elsewhere and imported: a name that the operator gave it. Null for a value of Rotakey.
    #[schema(required)]
    format: Option<String>,
    /// The number of the value within its token.
    generation: u32,
    /// When it was issued.
    #[schema(value_type = Timestamp)]
    created_at: String,
    /// When it was first used successfully; null if never.
    #[schema(required, value_type = Option<Timestamp>)]
    first_used_at: Option<String>,
    /// When it was replaced by a newer value; null for the current value.
    #[schema(required, value_type = Option<Timestamp>)]
    replaced_at: Option<String>,
    /// When it retires; null for the current value, and for the previous one before its overlap has started.
    #[schema(required, value_type = Option<Timestamp>)]
    retires_at: Option<String>,
    /// When it begins to fail again and again for some seconds, because the rotation asked for brown-outs; null if it does not, or the new
    /// value has not been used yet.
    #[schema(required, value_type = Option<Timestamp>)]
    brown_outs_start_at: Option<String>,
    /// When it was last used successfully, up to a minute old; null if never. Only with `include=use`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<Timestamp>)]
    last_used_at: Option<Option<String>>,
    /// About how often it was used successfully, up to a minute old. Only with `include=use`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u64)]
    use_count: Option<u64>,
    /// The users of the last 24 hours, 20 at most, those that were seen last first. Only with `include=use`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Vec<ApiTokenValueUser>)]
    users: Option<Vec<ApiTokenValueUser>>,
    /// How many other users of the last 24 hours there are, as far as they are counted: 80 at most. Only with `include=use`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = u32)]
    other_user_count: Option<usize>,
}

/// A user of a value: a distinct client, by the network and the product name of the user agent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APITokenValueUser)]
pub(super) struct ApiTokenValueUser {
    /// Its address, or the block of addresses in CIDR notation that it is in, as precisely as the operator allows; null if unknown or not
    /// recorded.
    #[schema(required)]
    address: Option<String>,
    /// The product name of its user agent, such as `curl`, without the version; null if it sent none, or if another client presented the
    /// value for it.
    #[schema(required)]
    user_agent: Option<String>,
    /// Its first use of the value, after any 24 hours in which it did not use it.
    #[schema(value_type = Timestamp)]
    first_seen_at: String,
    /// Its last use of the value.
    #[schema(value_type = Timestamp)]
    last_seen_at: String,
    /// About how often it used the value since `firstSeenAt`.
    count: u64,
}

impl ApiTokenValueUser {
    fn new(User { address, user_agent }: &User, used: UserUse) -> Self {
        let UserUse { first_seen_at, last_seen_at, count } = used;
        let (first_seen_at, last_seen_at) = (first_seen_at.to_string(), last_seen_at.to_string());
        Self { address: address.clone(), user_agent: user_agent.clone(), first_seen_at, last_seen_at, count }
    }
}

impl ApiTokenValue {
    /// A value, and how it is used if that is to be included.
    pub(super) fn new(token: &Token, value: &ValueFacts, used: Option<&ValueUse>) -> Self {
        let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let users = used.map(ValueUse::shown_users);
        Self {
            last_used_at: used.map(|used| moment(used.last_used_at)),
            use_count: used.map(|used| used.count),
            other_user_count: users.as_ref().map(|(_, others)| *others),
            users: users
                .map(|(users, _)| users.into_iter().map(|(user, used)| ApiTokenValueUser::new(user, used)).collect()),
            hint: value.hint.as_str().to_owned(),
            format: value.format.as_ref().map(|format| format.as_str().to_owned()),
            generation: value.generation,
            created_at: value.created_at.to_string(),
            first_used_at: moment(value.first_used_at),
            replaced_at: moment(value.replaced_at),
            retires_at: moment(value.retires_at),
            brown_outs_start_at: moment(brown_out::starts_at(token, value.generation)),
        }
    }
}

/// What would happen if a value of an API token were retired now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APITokenRetirementRehearsal)]
pub(super) struct RetirementRehearsal {
    /// The generation of the value.
    generation: u32,
    /// What clients that send the value would get: `VALUE_RETIRED`, or the code that they get already.
    #[schema(value_type = VerificationCode)]
    code: &'static str,
    /// Whether retiring this value now is refused with `STILL_IN_USE` unless it is forced. For the previous value, this is what
    /// `end-overlap` does. A rotation with an `overlapMinutes` of 0 retires all values: see `rotation`.
    needs_force: bool,
    /// When that is no longer refused, if the value is not used again; null if it is not refused now.
    #[schema(required, value_type = Option<Timestamp>)]
    silent_at: Option<String>,
    /// What a rotation with an `overlapMinutes` of 0 would do now: it retires all values that work. Null if you could not rotate the API
    /// token now, whatever your permissions: for example, because it does not work, or was rotated seconds ago.
    #[schema(required)]
    rotation: Option<RotationRehearsal>,
    /// When the value was last used successfully, at most a minute behind; null if never. This request does not count.
    #[schema(required, value_type = Option<Timestamp>)]
    last_used_at: Option<String>,
    /// Whose requests would fail: the users of the last 24 hours, 20 at most, those that were seen last first.
    users: Vec<ApiTokenValueUser>,
    /// How many other users of the last 24 hours there are, as far as they are counted: 80 at most.
    other_user_count: usize,
}

/// What would happen if an API token were rotated now with an `overlapMinutes` of 0.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APITokenRotationRehearsal)]
pub(super) struct RotationRehearsal {
    /// Whether it is refused with `STILL_IN_USE` unless it is forced.
    needs_force: bool,
    /// When it is no longer refused, if no value is used again; null if it is not refused now.
    #[schema(required, value_type = Option<Timestamp>)]
    silent_at: Option<String>,
    /// The generations of the values that are in use.
    generations_in_use: Vec<u32>,
}

impl From<service::Rehearsal> for RetirementRehearsal {
    fn from(service::Rehearsal { generation, code, used, in_use, rotation }: service::Rehearsal) -> Self {
        let (users, other_user_count) = used.shown_users();
        Self {
            generation,
            code: code.as_str(),
            needs_force: in_use.is_some(),
            silent_at: in_use.map(|in_use| in_use.silent_at.to_string()),
            rotation: rotation.map(Into::into),
            last_used_at: used.last_used_at.map(|at| at.to_string()),
            users: users.into_iter().map(|(user, used)| ApiTokenValueUser::new(user, used)).collect(),
            other_user_count,
        }
    }
}

impl From<service::RotationRehearsal> for RotationRehearsal {
    fn from(rehearsal: service::RotationRehearsal) -> Self {
        Self {
            needs_force: !rehearsal.in_use.is_empty(),
            silent_at: rehearsal.silent_at().map(|at| at.to_string()),
            generations_in_use: rehearsal.in_use.iter().map(|in_use| in_use.generation).collect(),
        }
    }
}

/// Who made a change.
#[derive(Serialize, ToSchema)]
pub(super) struct Actor {
    /// Its kind.
    #[schema(value_type = ActorKind)]
    kind: &'static str,
    /// The id of the API token; null for `SYSTEM`.
    #[schema(required)]
    id: Option<String>,
}

impl From<DomainActor> for Actor {
    fn from(actor: DomainActor) -> Self {
        Self { kind: actor.kind().as_str(), id: actor.token_id().map(|id| id.to_string()) }
    }
}

/// One of your key/value pairs on an API token. Rotakey gives them no meaning.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetadataEntry {
    /// The key, which occurs once in an API token: ASCII letters, digits and the characters `.`, `_`, `-` and `/`.
    pub(crate) key: String,
    /// The value: one line, which may be empty.
    pub(crate) value: String,
}

impl Readable for MetadataEntry {
    fn must_be() -> String {
        "an object with the strings key and value".into()
    }

    fn read(value: Value) -> Option<Self> {
        if value.is_object() { serde_json::from_value(value).ok() } else { None }
    }
}

impl From<(&str, &str)> for MetadataEntry {
    fn from((key, value): (&str, &str)) -> Self {
        Self { key: key.to_owned(), value: value.to_owned() }
    }
}

impl From<MetadataEntry> for (String, String) {
    fn from(entry: MetadataEntry) -> Self {
        (entry.key, entry.value)
    }
}
