//! Between rows and the plain values of `domain`. A row that cannot be read is an error, never a guess.

use std::collections::BTreeSet;

use sea_orm::ActiveValue::Set;

use crate::domain::audit::AuditEvent;
use crate::domain::id::TokenId;
use crate::domain::scope::Scope;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Permission, Settings, Token, TokenKind, ValueFacts};
use crate::domain::value::ValueHash;

use super::Error;
use super::entity::{api_token, api_token_value, audit_event};
use super::token::JoinedRow;

pub(super) fn kind_name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Private => "PRIVATE",
        TokenKind::Public => "PUBLIC",
    }
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

/// The token of a row and of those of its values that still matter.
fn token(row: api_token::Model, values: Vec<api_token_value::Model>) -> Result<Token, Error> {
    let mut current = None;
    let mut previous = None;
    for row in values {
        let value = value(row)?;
        let place = if value.retires_at.is_none() { &mut current } else { &mut previous };
        *place = Some(value);
    }
    let current = current.ok_or_else(|| unreadable("api_token_value", "no current value", &row.id))?;
    if i64::from(current.generation) != row.generation {
        return Err(unreadable("api_token", "generation is not that of the current value", &row.id));
    }
    Ok(Token {
        id: token_id(&row.id)?,
        settings: settings(&row)?,
        created_at: Timestamp::from_unix_millis(row.created_at),
        created_by: actor(row.created_by.as_deref())?,
        last_used_at: row.last_used_at.map(Timestamp::from_unix_millis),
        revoked_at: row.revoked_at.map(Timestamp::from_unix_millis),
        current,
        previous,
    })
}

fn settings(row: &api_token::Model) -> Result<Settings, Error> {
    let kind = [TokenKind::Private, TokenKind::Public].into_iter().find(|kind| kind_name(*kind) == row.kind);
    let permission = |name: &str| {
        let found = Permission::ALL.into_iter().find(|permission| permission.as_str() == name);
        found.ok_or_else(|| unreadable("api_token", "permissions", &row.id))
    };
    Ok(Settings {
        name: row.name.clone(),
        description: row.description.clone(),
        owner: row.owner.clone(),
        kind: kind.ok_or_else(|| unreadable("api_token", "kind", &row.id))?,
        permissions: row.permissions.split_whitespace().map(permission).collect::<Result<_, _>>()?,
        scopes: row
            .scopes
            .split_whitespace()
            .map(|text| Scope::parse(text).map_err(|_| unreadable("api_token", "scopes", &row.id)))
            .collect::<Result<_, _>>()?,
        expires_at: row.expires_at.map(Timestamp::from_unix_millis),
        rotation_period_minutes: row.rotation_period_minutes.map(small).transpose()?,
        overlap_minutes: small(row.overlap_minutes)?,
    })
}

fn value(row: api_token_value::Model) -> Result<ValueFacts, Error> {
    Ok(ValueFacts {
        generation: small(row.generation)?,
        hint: row.hint,
        created_at: Timestamp::from_unix_millis(row.created_at),
        created_by: actor(row.created_by.as_deref())?,
        first_used_at: row.first_used_at.map(Timestamp::from_unix_millis),
        retires_at: row.retires_at.map(Timestamp::from_unix_millis),
    })
}

pub(super) fn token_row(token: &Token) -> api_token::ActiveModel {
    let settings = &token.settings;
    let permissions: BTreeSet<_> = settings.permissions.iter().map(|permission| permission.as_str()).collect();
    let scopes: BTreeSet<_> = settings.scopes.iter().map(Scope::as_str).collect();
    api_token::ActiveModel {
        id: Set(token.id.to_string()),
        name: Set(settings.name.clone()),
        description: Set(settings.description.clone()),
        owner: Set(settings.owner.clone()),
        kind: Set(kind_name(settings.kind).to_owned()),
        permissions: Set(permissions.into_iter().collect::<Vec<_>>().join(" ")),
        scopes: Set(scopes.into_iter().collect::<Vec<_>>().join(" ")),
        expires_at: Set(settings.expires_at.map(Timestamp::unix_millis)),
        rotation_period_minutes: Set(settings.rotation_period_minutes.map(i64::from)),
        overlap_minutes: Set(i64::from(settings.overlap_minutes)),
        generation: Set(i64::from(token.current.generation)),
        created_at: Set(token.created_at.unix_millis()),
        created_by: Set(actor_name(token.created_by)),
        last_used_at: Set(token.last_used_at.map(Timestamp::unix_millis)),
        revoked_at: Set(token.revoked_at.map(Timestamp::unix_millis)),
    }
}

pub(super) fn value_row(token_id: TokenId, value: &ValueFacts, hash: &ValueHash) -> api_token_value::ActiveModel {
    api_token_value::ActiveModel {
        token_id: Set(token_id.to_string()),
        generation: Set(i64::from(value.generation)),
        hash: Set(hash.0.to_vec()),
        hint: Set(value.hint.clone()),
        created_at: Set(value.created_at.unix_millis()),
        created_by: Set(actor_name(value.created_by)),
        first_used_at: Set(value.first_used_at.map(Timestamp::unix_millis)),
        retires_at: Set(value.retires_at.map(Timestamp::unix_millis)),
    }
}

pub(super) fn event_row(event: &AuditEvent) -> audit_event::ActiveModel {
    audit_event::ActiveModel {
        id: Set(event.id.to_string()),
        at: Set(event.at.unix_millis()),
        action: Set(event.action.as_str().to_owned()),
        actor: Set(actor_name(event.actor)),
        token_id: Set(event.token_id.to_string()),
        generation: Set(i64::from(event.generation)),
    }
}

pub(super) fn token_id(text: &str) -> Result<TokenId, Error> {
    TokenId::parse(text).ok_or_else(|| unreadable("api_token", "id", text))
}

pub(super) fn small(number: i64) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| Error::Unreadable(format!("{number} is out of range")))
}

fn actor(id: Option<&str>) -> Result<Actor, Error> {
    id.map_or(Ok(Actor::System), |id| Ok(Actor::ApiToken(token_id(id)?)))
}

fn actor_name(actor: Actor) -> Option<String> {
    match actor {
        Actor::System => None,
        Actor::ApiToken(id) => Some(id.to_string()),
    }
}

fn unreadable(table: &str, what: &str, id: &str) -> Error {
    Error::Unreadable(format!("{table} {id}: {what}"))
}
