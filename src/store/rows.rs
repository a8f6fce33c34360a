//! Between rows and the plain values of `domain`. A row that cannot be read is an error, never a guess.

use std::fmt::Display;

use sea_orm::ActiveValue::Set;

use crate::domain::cidr::CidrBlocks;
use crate::domain::id::TokenId;
use crate::domain::origin::AllowedOrigins;
use crate::domain::scope::Scopes;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{
    Actor, OverlapStart, Permission, ReusePolicy, Salt, Settings, Token, TokenKind, ValueFacts,
};
use crate::domain::value::{Hint, ValueHash};

use super::Error;
use super::entity::{api_token, api_token_value};
use super::token::JoinedRow;

fn list<T: Display>(items: impl Iterator<Item = T>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
}

/// The tokens of rows in which those of one token follow each other.
pub(super) fn tokens(joined: Vec<JoinedRow>) -> Result<Vec<Token>, Error> {
    let mut grouped: Vec<(api_token::Model, Vec<api_token_value::Model>)> = Vec::new();
    for (row, value) in joined {
        match grouped.last_mut() {
            Some((last, values)) if last.id == row.id => values.extend(value),
            _ => grouped.push((row, value.into_iter().collect())),
        }
    }
    grouped.into_iter().map(|(row, values)| token(row, values)).collect()
}

/// The token of a row and of its current and previous value; other values are left aside.
fn token(row: api_token::Model, values: Vec<api_token_value::Model>) -> Result<Token, Error> {
    let (mut current, mut previous) = (None, None);
    for other in values {
        if other.generation == row.generation {
            current = Some(value(other)?);
        } else if Some(other.generation) == row.previous_generation {
            previous = Some(Box::new(value(other)?));
        }
    }
    let current = current.ok_or_else(|| unreadable("api_token", "no current value", &row.id))?;
    Ok(Token {
        id: token_id(&row.id)?,
        settings: settings(&row)?,
        created_at: Timestamp::from_unix_millis(row.created_at),
        created_by: actor(row.created_by.as_deref())?,
        updated: match row.updated_at {
            Some(at) => Some((Timestamp::from_unix_millis(at), actor(row.updated_by.as_deref())?)),
            None => None,
        },
        last_used_at: row.last_used_at.map(Timestamp::from_unix_millis),
        revoked_at: row.revoked_at.map(Timestamp::from_unix_millis),
        current,
        previous,
    })
}

fn settings(row: &api_token::Model) -> Result<Settings, Error> {
    let bad = |what| unreadable("api_token", what, &row.id);
    let permission = |name: &str| Permission::parse(name).ok_or_else(|| bad("permissions"));
    Ok(Settings {
        name: row.name.as_str().into(),
        description: row.description.as_deref().map(Into::into),
        owner: row.owner.as_deref().map(Into::into),
        kind: TokenKind::parse(&row.kind).ok_or_else(|| bad("kind"))?,
        permissions: row.permissions.split_whitespace().map(permission).collect::<Result<_, _>>()?,
        scopes: Scopes::parse(&row.scopes).map_err(|_| bad("scopes"))?,
        expires_at: row.expires_at.map(Timestamp::from_unix_millis),
        rotation_period_minutes: row.rotation_period_minutes.map(small).transpose()?,
        overlap_minutes: small(row.overlap_minutes)?,
        overlap_starts: OverlapStart::parse(&row.overlap_starts).ok_or_else(|| bad("overlap_starts"))?,
        allowed_cidr_blocks: CidrBlocks::parse(&texts(&row.allowed_cidr_blocks))
            .map_err(|_| bad("allowed_cidr_blocks"))?,
        allowed_origins: AllowedOrigins::parse(&texts(&row.allowed_origins)).map_err(|_| bad("allowed_origins"))?,
        on_reuse: ReusePolicy::parse(&row.on_reuse).ok_or_else(|| bad("on_reuse"))?,
        protected: row.protected,
    })
}

fn texts(list: &str) -> Vec<String> {
    list.split_whitespace().map(str::to_owned).collect()
}

fn value(row: api_token_value::Model) -> Result<ValueFacts, Error> {
    Ok(ValueFacts {
        generation: small(row.generation)?,
        hash: ValueHash(bytes(row.hash)?),
        hint: Hint::parse(&row.hint).ok_or_else(|| Error::Unreadable("api_token_value: hint".to_owned()))?,
        created_at: Timestamp::from_unix_millis(row.created_at),
        created_by: actor(row.created_by.as_deref())?,
        first_used_at: row.first_used_at.map(Timestamp::from_unix_millis),
        replaced_at: row.replaced_at.map(Timestamp::from_unix_millis),
        retires_at: row.retires_at.map(Timestamp::from_unix_millis),
        overlap_minutes: small(row.overlap_minutes)?,
        salt: row.salt.map(bytes).transpose()?.map(|salt| Salt(Box::new(salt))),
    })
}

pub(super) fn token_row(token: &Token) -> api_token::ActiveModel {
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
    }
}

pub(super) fn value_row(token_id: TokenId, value: &ValueFacts) -> api_token_value::ActiveModel {
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
    }
}

pub(super) fn token_id(text: &str) -> Result<TokenId, Error> {
    TokenId::parse(text).ok_or_else(|| unreadable("api_token", "id", text))
}

pub(super) fn small(number: i64) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| Error::Unreadable(format!("{number} is out of range")))
}

fn bytes<const N: usize>(blob: Vec<u8>) -> Result<[u8; N], Error> {
    blob.try_into().map_err(|_| Error::Unreadable(format!("not {N} bytes")))
}

fn actor(id: Option<&str>) -> Result<Actor, Error> {
    id.map_or(Ok(Actor::System), |id| Ok(Actor::ApiToken(token_id(id)?)))
}

pub(super) fn actor_name(actor: Actor) -> Option<String> {
    actor.token_id().map(|id| id.to_string())
}

fn unreadable(table: &str, what: &str, id: &str) -> Error {
    Error::Unreadable(format!("{table} {id}: {what}"))
}
