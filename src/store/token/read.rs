//! Reading tokens: the columns that are asked for, and what becomes of a row of them. One statement reads a token with its
//! values, and its text is made once.
//!
//! Separate from the entities, because a check that finds nothing remembered waits for this: columns are read by their place
//! and only those that are told.

use sea_orm::{QueryResult, TryGetable};

use crate::domain::id::TokenId;
use crate::domain::restriction::{AllowedOrigins, CidrBlocks};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{
    Actor, OverlapStart, Permission, ReusePolicy, Salt, Scopes, Settings, Token, TokenKind, ValueFacts,
};
use crate::domain::value::{Hint, ValueHash};

use crate::store::Error;

use super::rows;

/// The columns of a token beside one of its values, in the order in which [`Row::read`] takes them.
pub(in crate::store) const COLUMNS: &str = "\
    api_token.id, api_token.generation, api_token.previous_generation, \
    api_token_value.generation, api_token_value.hash, api_token_value.hint, api_token_value.created_at, \
    api_token_value.created_by, api_token_value.first_used_at, api_token_value.replaced_at, api_token_value.retires_at, \
    api_token_value.overlap_minutes, api_token_value.salt, \
    api_token.name, api_token.description, api_token.owner, api_token.kind, api_token.permissions, api_token.scopes, \
    api_token.expires_at, api_token.rotation_period_minutes, api_token.overlap_minutes, api_token.overlap_starts, \
    api_token.allowed_cidr_blocks, api_token.allowed_origins, api_token.on_reuse, api_token.protected, \
    api_token.created_at, api_token.created_by, api_token.updated_at, api_token.updated_by, api_token.last_used_at, \
    api_token.revoked_at";

/// A token beside its current value or its previous one.
pub(in crate::store) struct Row<'a> {
    columns: Columns<'a>,
    id: TokenId,
    generation: u32,
    previous_generation: Option<u32>,
    value: ValueFacts,
}

/// The columns of a row that are yet to be read.
struct Columns<'a> {
    row: &'a QueryResult,
    next: usize,
}

impl Columns<'_> {
    fn take<T: TryGetable>(&mut self) -> Result<T, Error> {
        let column = self.row.try_get_by_index(self.next)?;
        self.next += 1;
        Ok(column)
    }

    fn small(&mut self) -> Result<u32, Error> {
        rows::small(self.take()?)
    }

    fn text(&mut self) -> Result<Option<Box<str>>, Error> {
        Ok(self.take::<Option<String>>()?.map(Into::into))
    }

    fn moment(&mut self) -> Result<Timestamp, Error> {
        Ok(Timestamp::from_unix_millis(self.take()?))
    }

    fn moment_if_any(&mut self) -> Result<Option<Timestamp>, Error> {
        Ok(self.take::<Option<i64>>()?.map(Timestamp::from_unix_millis))
    }

    fn actor(&mut self) -> Result<Actor, Error> {
        self.take::<Option<String>>()?.map_or(Ok(Actor::System), |id| Ok(Actor::ApiToken(rows::token_id(&id)?)))
    }

    /// What this function makes of a text; `None` is unreadable.
    fn parse<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Error> {
        let text: String = self.take()?;
        parse(&text).ok_or_else(|| Error::Unreadable(format!("column {} of a token", self.next)))
    }
}

impl<'a> Row<'a> {
    /// Reads a row that has these columns from the given place on.
    pub(in crate::store) fn read(row: &'a QueryResult, first: usize) -> Result<Self, Error> {
        let mut columns = Columns { row, next: first };
        Ok(Self {
            id: columns.parse(TokenId::parse)?,
            generation: columns.small()?,
            previous_generation: columns.take::<Option<i64>>()?.map(rows::small).transpose()?,
            value: value(&mut columns)?,
            columns,
        })
    }

    /// Whether the value is the current one of its token.
    pub(in crate::store) fn is_current(&self) -> bool {
        self.value.generation == self.generation
    }
}

fn value(columns: &mut Columns<'_>) -> Result<ValueFacts, Error> {
    Ok(ValueFacts {
        generation: columns.small()?,
        hash: ValueHash(rows::bytes(columns.take()?)?),
        hint: columns.parse(Hint::parse)?,
        created_at: columns.moment()?,
        created_by: columns.actor()?,
        first_used_at: columns.moment_if_any()?,
        replaced_at: columns.moment_if_any()?,
        retires_at: columns.moment_if_any()?,
        overlap_minutes: columns.small()?,
        salt: columns.take::<Option<Vec<u8>>>()?.map(rows::bytes).transpose()?.map(|salt| Salt(Box::new(salt))),
    })
}

fn settings(columns: &mut Columns<'_>) -> Result<Settings, Error> {
    Ok(Settings {
        name: columns.take::<String>()?.into(),
        description: columns.text()?,
        owner: columns.text()?,
        kind: columns.parse(TokenKind::parse)?,
        permissions: columns.parse(|list| list.split_whitespace().map(Permission::parse).collect::<Option<_>>())?,
        scopes: columns.parse(|list| Scopes::parse(list).ok())?,
        expires_at: columns.moment_if_any()?,
        rotation_period_minutes: columns.take::<Option<i64>>()?.map(rows::small).transpose()?,
        overlap_minutes: columns.small()?,
        overlap_starts: columns.parse(OverlapStart::parse)?,
        allowed_cidr_blocks: columns.parse(|list| CidrBlocks::parse(&texts(list)).ok())?,
        allowed_origins: columns.parse(|list| AllowedOrigins::parse(&texts(list)).ok())?,
        on_reuse: columns.parse(ReusePolicy::parse)?,
        protected: columns.take()?,
    })
}

fn texts(list: &str) -> Vec<String> {
    list.split_whitespace().map(str::to_owned).collect()
}

/// The tokens of rows in which those of one token follow each other. A row that is of neither value is left aside.
pub(in crate::store) fn tokens<'a>(
    rows: impl IntoIterator<Item = Result<Row<'a>, Error>>,
) -> Result<Vec<Token>, Error> {
    let mut tokens = Vec::new();
    let (mut current, mut previous): (Option<Row<'a>>, Option<Row<'a>>) = (None, None);
    for row in rows {
        let row = row?;
        let other = |known: &Option<Row<'_>>| known.as_ref().is_some_and(|known| known.id != row.id);
        if other(&current) || other(&previous) {
            tokens.extend(token(current.take(), previous.take())?);
        }
        if row.is_current() {
            current = Some(row);
        } else if row.previous_generation == Some(row.value.generation) {
            previous = Some(row);
        }
    }
    tokens.extend(token(current, previous)?);
    Ok(tokens)
}

/// The token of its two rows; `None` where there is neither.
fn token(current: Option<Row<'_>>, previous: Option<Row<'_>>) -> Result<Option<Token>, Error> {
    let Some(Row { mut columns, id, value, .. }) = current else {
        let without = |row: Row<'_>| Err(Error::Unreadable(format!("api_token {}: no current value", row.id)));
        return previous.map_or(Ok(None), without);
    };
    let settings = settings(&mut columns)?;
    let (created_at, created_by) = (columns.moment()?, columns.actor()?);
    let (updated_at, updated_by) = (columns.moment_if_any()?, columns.actor()?);
    Ok(Some(Token {
        id,
        settings,
        created_at,
        created_by,
        updated: updated_at.map(|at| (at, updated_by)),
        last_used_at: columns.moment_if_any()?,
        revoked_at: columns.moment_if_any()?,
        current: value,
        previous: previous.map(|row| Box::new(row.value)),
    }))
}
