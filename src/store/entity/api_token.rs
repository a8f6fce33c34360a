//! Rows of `api_token`: the lasting identity and its settings.

use std::collections::BTreeMap;

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::entity::prelude::*;

use crate::domain::restriction::{AllowedOrigins, CidrBlocks};
use crate::domain::rule::lifecycle::{self, Status};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{
    LeakPolicy, Metadata, OverlapEnd, OverlapStart, Permission, ReusePolicy, Scopes, Settings, Token, TokenKind,
};
use crate::store::Error;
use crate::store::token::columns::{Columns, actor_name, list};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub owner: Option<String>,
    pub kind: String,
    pub permissions: String,
    pub scopes: String,
    pub not_before: Option<i64>,
    pub expires_at: Option<i64>,
    pub rotation_period_minutes: Option<i64>,
    pub overlap_minutes: i64,
    pub overlap_starts: String,
    pub overlap_ends: String,
    pub silent_minutes: i64,
    pub allowed_cidr_blocks: String,
    pub allowed_origins: String,
    pub on_reuse: String,
    pub on_leak: String,
    pub metadata: Option<String>,
    pub protected: bool,
    pub generation: i64,
    pub previous_generation: Option<i64>,
    pub created_at: i64,
    pub created_by: Option<String>,
    pub updated_at: Option<i64>,
    pub updated_by: Option<String>,
    pub last_used_at: Option<i64>,
    pub revoked_at: Option<i64>,
    pub suspended_at: Option<i64>,
    pub swept_status: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Declares for each setting how it is written to its column and read from it. Leaving one out does not compile.
macro_rules! settings {
    ($columns:ident: $($field:ident = $written:expr, $read:expr;)*) => {
        /// The columns of the settings, in the order in which [`read_settings`] takes them.
        pub const SETTINGS: &str = concat!($("api_token.", stringify!($field), ", "),*);

        /// Reads the settings from these columns.
        pub fn read_settings($columns: &mut Columns<'_>) -> Result<Settings, Error> {
            Ok(Settings { $($field: $read,)* })
        }

        fn settings_row(settings: &Settings) -> ActiveModel {
            let Settings { $($field,)* } = settings;
            ActiveModel { $($field: Set($written),)* ..Default::default() }
        }
    };
}

settings! { columns:
    name = name.to_string(), columns.take::<&str>()?.into();
    description = description.as_deref().map(str::to_owned), columns.text()?;
    owner = owner.as_deref().map(str::to_owned), columns.text()?;
    kind = kind.as_str().to_owned(), columns.parse(TokenKind::parse)?;
    permissions = list(permissions.iter().map(Permission::as_str)),
        columns.parse(|names| names.split_whitespace().map(Permission::parse).collect::<Option<_>>())?;
    scopes = scopes.as_str().to_owned(), columns.parse(|list| Scopes::parse(list).ok())?;
    not_before = not_before.map(Timestamp::unix_millis), columns.moment_if_any()?;
    expires_at = expires_at.map(Timestamp::unix_millis), columns.moment_if_any()?;
    rotation_period_minutes = rotation_period_minutes.map(i64::from), columns.number_if_any()?;
    overlap_minutes = i64::from(*overlap_minutes), columns.number()?;
    overlap_starts = overlap_start(*overlap_starts, *overlap_ends),
        columns.parse(|text| OverlapStart::parse(text.strip_suffix(OR_SILENT).unwrap_or(text)))?;
    overlap_ends = overlap_ends.as_str().to_owned(), columns.parse(OverlapEnd::parse)?;
    silent_minutes = i64::from(*silent_minutes), columns.number()?;
    allowed_cidr_blocks = list(allowed_cidr_blocks.iter()),
        columns.parse(read_networks)?;
    allowed_origins = list(allowed_origins.iter()), columns.parse(|list| AllowedOrigins::parse(&texts(list)).ok())?;
    metadata = write_metadata(metadata), read_metadata(columns)?;
    on_reuse = on_reuse.as_str().to_owned(), columns.parse(ReusePolicy::parse)?;
    on_leak = on_leak.as_str().to_owned(), columns.parse(LeakPolicy::parse)?;
    protected = *protected, columns.take()?;
}

/// What follows the start of an overlap that ends when the previous value is silent. This version goes by `overlap_ends`. An older one
/// would accept that value for longer. It cannot read a start with this, so the token fails there.
const OR_SILENT: &str = "/WHEN_SILENT";

fn overlap_start(start: OverlapStart, end: OverlapEnd) -> String {
    let suffix = if end == OverlapEnd::WhenSilent { OR_SILENT } else { "" };
    format!("{}{suffix}", start.as_str())
}

/// Words before the networks of a token that is suspended, or has a `not_before`. This version goes by those columns. An older one, which
/// runs on the same database during an upgrade, does not know them, and must not accept the token. It cannot read a list with such a
/// word, so the token fails there. And it rotates a cached token only if the list has not changed.
const SUSPENDED: &str = "SUSPENDED";
const NOT_BEFORE: &str = "NOT_BEFORE";

/// The column of the networks of a token.
pub fn networks(token: &Token) -> String {
    let suspended = token.suspended_at.map(|_| SUSPENDED);
    let not_before = token.settings.not_before.map(|_| NOT_BEFORE);
    let words = suspended.into_iter().chain(not_before).map(str::to_owned);
    list(words.chain(token.settings.allowed_cidr_blocks.iter().map(|block| block.to_string())))
}

fn read_networks(list: &str) -> Option<CidrBlocks> {
    let mut words = texts(list);
    words.retain(|word| ![SUSPENDED, NOT_BEFORE].contains(&word.as_str()));
    CidrBlocks::parse(&words).ok()
}

/// The pairs as an object of JSON; NULL for none.
fn write_metadata(metadata: &Metadata) -> Option<String> {
    if metadata.is_empty() {
        return None;
    }
    let pairs: BTreeMap<&str, &str> = metadata.iter().collect();
    // This cannot fail: keys and values are texts.
    serde_json::to_string(&pairs).ok()
}

fn read_metadata(columns: &mut Columns<'_>) -> Result<Metadata, Error> {
    let Some(text) = columns.take_if_any::<&str>()? else { return Ok(Metadata::default()) };
    // The message of the error would repeat a part of the text.
    let pairs = serde_json::from_str(text).map_err(|_| Error::Unreadable("the metadata of a token".to_owned()))?;
    Ok(Metadata::of_stored(pairs))
}

fn texts(list: &str) -> Vec<String> {
    list.split_whitespace().map(str::to_owned).collect()
}

/// The row of a new token.
pub fn row(token: &Token) -> ActiveModel {
    ActiveModel {
        id: Set(token.id.to_string()),
        generation: Set(i64::from(token.current.generation)),
        previous_generation: Set(token.previous.as_ref().map(|value| i64::from(value.generation))),
        created_at: Set(token.created_at.unix_millis()),
        created_by: Set(actor_name(token.created_by)),
        last_used_at: Set(token.last_used_at.map(Timestamp::unix_millis)),
        revoked_at: Set(token.revoked_at.map(Timestamp::unix_millis)),
        suspended_at: NotSet,
        // The default is that the token is active.
        swept_status: match lifecycle::status(token, token.created_at) {
            Status::Active => NotSet,
            status => Set(status.as_str().to_owned()),
        },
        ..updated_row(token)
    }
}

/// The settings of a token, and when and by whom they were changed, for an insert and for an update.
fn updated_row(token: &Token) -> ActiveModel {
    ActiveModel {
        updated_at: Set(token.updated.map(|(at, _)| at.unix_millis())),
        updated_by: Set(token.updated.and_then(|(_, actor)| actor_name(actor))),
        allowed_cidr_blocks: Set(networks(token)),
        ..settings_row(&token.settings)
    }
}

/// The columns that an update of the settings writes: all except those that are fixed at creation (R2).
pub fn update(token: &Token) -> ActiveModel {
    ActiveModel {
        kind: NotSet,
        not_before: NotSet,
        expires_at: NotSet,
        rotation_period_minutes: NotSet,
        overlap_minutes: NotSet,
        overlap_starts: NotSet,
        overlap_ends: NotSet,
        silent_minutes: NotSet,
        ..updated_row(token)
    }
}

/// The columns that a suspension writes, and its end. `status` is that of the token afterwards, for listings.
pub fn suspension(token: &Token, status: Status) -> ActiveModel {
    ActiveModel {
        suspended_at: Set(token.suspended_at.map(Timestamp::unix_millis)),
        allowed_cidr_blocks: Set(networks(token)),
        swept_status: Set(status.as_str().to_owned()),
        ..Default::default()
    }
}
