//! Between rows and the plain values of `domain`. A row that cannot be read is an error, never a guess.

use std::fmt::Display;

use sea_orm::ActiveValue::{NotSet, Set};

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Token, ValueFacts};

use crate::store::Error;
use crate::store::entity::{api_token, api_token_value};

pub(in crate::store) fn list<T: Display>(items: impl Iterator<Item = T>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
}

pub(in crate::store) fn token_row(token: &Token) -> api_token::ActiveModel {
    let settings = &token.settings;
    api_token::ActiveModel {
        id: Set(token.id.to_string()),
        name: Set(settings.name.to_string()),
        description: Set(settings.description.as_deref().map(str::to_owned)),
        owner: Set(settings.owner.as_deref().map(str::to_owned)),
        kind: Set(settings.kind.as_str().to_owned()),
        permissions: Set(list(settings.permissions.iter().map(|permission| permission.as_str()))),
        scopes: Set(settings.scopes.as_str().to_owned()),
        expires_at: Set(settings.expires_at.map(Timestamp::unix_millis)),
        rotation_period_minutes: Set(settings.rotation_period_minutes.map(i64::from)),
        overlap_minutes: Set(i64::from(settings.overlap_minutes)),
        overlap_starts: Set(settings.overlap_starts.as_str().to_owned()),
        allowed_cidr_blocks: Set(list(settings.allowed_cidr_blocks.iter())),
        allowed_origins: Set(list(settings.allowed_origins.iter())),
        on_reuse: Set(settings.on_reuse.as_str().to_owned()),
        protected: Set(settings.protected),
        generation: Set(i64::from(token.current.generation)),
        previous_generation: Set(token.previous.as_ref().map(|value| i64::from(value.generation))),
        created_at: Set(token.created_at.unix_millis()),
        created_by: Set(actor_name(token.created_by)),
        updated_at: Set(token.updated.map(|(at, _)| at.unix_millis())),
        updated_by: Set(token.updated.and_then(|(_, actor)| actor_name(actor))),
        last_used_at: Set(token.last_used_at.map(Timestamp::unix_millis)),
        revoked_at: Set(token.revoked_at.map(Timestamp::unix_millis)),
        // A new token is active.
        swept_status: NotSet,
    }
}

/// The row of a value that is current, and overdue from this moment on.
pub(in crate::store) fn value_row(
    token_id: TokenId,
    value: &ValueFacts,
    rotate_by: Option<Timestamp>,
) -> api_token_value::ActiveModel {
    api_token_value::ActiveModel {
        token_id: Set(token_id.to_string()),
        generation: Set(i64::from(value.generation)),
        hash: Set(value.hash.0.to_vec()),
        hint: Set(value.hint.as_str().to_owned()),
        created_at: Set(value.created_at.unix_millis()),
        created_by: Set(actor_name(value.created_by)),
        first_used_at: Set(value.first_used_at.map(Timestamp::unix_millis)),
        replaced_at: Set(value.replaced_at.map(Timestamp::unix_millis)),
        retires_at: Set(value.retires_at.map(Timestamp::unix_millis)),
        overlap_minutes: Set(i64::from(value.overlap_minutes)),
        salt: Set(value.salt.as_ref().map(|salt| salt.0.to_vec())),
        reused_at: Set(None),
        overdue_at: Set(rotate_by.map(Timestamp::unix_millis)),
    }
}

pub(in crate::store) fn token_id(text: &str) -> Result<TokenId, Error> {
    TokenId::parse(text).ok_or_else(|| unreadable("api_token", "id", text))
}

pub(in crate::store) fn small(number: i64) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| Error::Unreadable(format!("{number} is out of range")))
}

pub(in crate::store) fn bytes<const N: usize>(blob: Vec<u8>) -> Result<[u8; N], Error> {
    blob.try_into().map_err(|_| Error::Unreadable(format!("not {N} bytes")))
}

pub(in crate::store) fn actor_name(actor: Actor) -> Option<String> {
    actor.token_id().map(|id| id.to_string())
}

fn unreadable(table: &str, what: &str, id: &str) -> Error {
    Error::Unreadable(format!("{table} {id}: {what}"))
}
