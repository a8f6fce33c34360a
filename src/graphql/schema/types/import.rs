//! `importAPITokens`: its input and its output.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};

use crate::domain::token::{ImportDraft, SettingsChange, SettingsDraft};
use crate::graphql::engine::ready::{Ready, ReadyList};
use crate::service::{ImportRequest, ImportedToken};

use super::leaf::date_time::DateTime;
use super::leaf::enums::{ApiTokenKind, LeakPolicy, OverlapEnd, OverlapStart, Permission, ReusePolicy};
use super::token::settings_input::{MetadataEntryInput, pairs, permissions, requested};

/// Which API tokens to import.
#[derive(InputObject)]
#[graphql(name = "ImportAPITokensInput")]
pub(crate) struct ImportApiTokensInput {
    /// The API tokens: 1 to 1,000.
    tokens: Vec<ImportApiTokenInput>,
}

/// An API token whose value was issued elsewhere: the hash of the value, and the settings of the token.
#[derive(InputObject)]
#[graphql(name = "ImportAPITokenInput")]
struct ImportApiTokenInput {
    /// The SHA-256 of the value, in hexadecimal or in base64, if that is what the format has.
    sha256: Option<String>,
    /// The SHA-512 of the value, in hexadecimal or in base64, if that is what the format has.
    sha512: Option<String>,
    /// The HMAC-SHA-256 of the value, in hexadecimal or in base64, if that is what the format has.
    #[graphql(name = "hmacSHA256")]
    hmac_sha256: Option<String>,
    /// The format of the value: one of those that the server is configured with. May be left out if there is only one.
    format: Option<String>,
    /// The last four characters of the value, to recognise it by, if they are known.
    hint: Option<String>,
    /// When the value was issued. Its rotation period begins then, and must not be over. Now if left out.
    created_at: Option<DateTime>,
    /// A name for people: one line of 1 to 255 characters. At least one must be visible, and none may change the
    /// direction of text.
    name: String,
    /// What the token is for: at most 2,000 characters.
    description: MaybeUndefined<String>,
    /// Whose token it is: any text of yours, with the limits of `name`.
    owner: MaybeUndefined<String>,
    /// Whether it is private or public; `PRIVATE` if left out.
    kind: Option<ApiTokenKind>,
    /// What it may do to Rotakey itself; nothing if left out. You cannot give a permission that you do not have.
    permissions: Option<Vec<Permission>>,
    /// What it may do to your API, one scope per item (RFC 6749 section 3.3). You cannot give a scope that you do
    /// not have.
    scopes: Option<Vec<String>>,
    /// The networks from which it may be used, in CIDR notation: at most 100 that do not overlap; all if left out or
    /// empty.
    #[graphql(name = "allowedCIDRBlocks")]
    allowed_cidr_blocks: Option<Vec<String>>,
    /// The web origins from which it may be used, such as `https://app.example.com` or `https://*.example.com`: at
    /// most 100; all if left out or empty.
    allowed_origins: Option<Vec<String>>,
    /// When it starts to work: a time before `expiresAt`, and before its first rotation period ends, which begins at its
    /// creation. If left out, it works at once.
    not_before: Option<DateTime>,
    /// When it expires. Rotation does not change this. If left out, it never expires.
    expires_at: Option<DateTime>,
    /// The longest time it may go without being rotated, in minutes, at least 1; unlimited if left out.
    rotation_period_minutes: MaybeUndefined<i32>,
    /// How long the previous value still works after a rotation, in minutes: 0 to one whole rotation period; 10 if
    /// left out. With 0 and `ROTATION`, a client that loses the answer to a rotation is locked out.
    overlap_minutes: Option<i32>,
    /// When the overlap starts; `ROTATION` if left out.
    overlap_starts: Option<OverlapStart>,
    /// When the overlap ends; `ON_TIME` if left out.
    overlap_ends: Option<OverlapEnd>,
    /// For how many minutes a value must not have been used before `endAPITokenOverlap`, or a rotation with an
    /// `overlapMinutes` of 0, retires it without `force`; and before it retires with `WHEN_SILENT`. At most
    /// `overlapMinutes`, except with `FIRST_USE` and `ON_TIME`. 5 if left out, or a shorter `overlapMinutes`. With 0, a
    /// value may be retired at any time.
    silent_minutes: Option<i32>,
    /// What happens when a client sends one of its retired values; `ALERT` if left out.
    on_reuse: Option<ReusePolicy>,
    /// What happens when a value of it that works is reported to have leaked; `ALERT` if left out.
    on_leak: Option<LeakPolicy>,
    /// Your key/value pairs, each key once: at most 16, and 2,048 bytes of keys and values together; none if left out.
    metadata: Option<Vec<MetadataEntryInput>>,
    /// Whether it is protected from revocation and suspension; false if left out.
    protected: Option<bool>,
}

impl From<ImportApiTokensInput> for ImportRequest {
    fn from(input: ImportApiTokensInput) -> Self {
        Self { field: "tokens", drafts: input.tokens.into_iter().map(ImportDraft::from).collect() }
    }
}

impl From<ImportApiTokenInput> for ImportDraft {
    fn from(input: ImportApiTokenInput) -> Self {
        let change = SettingsChange {
            name: Some(input.name),
            description: requested(input.description),
            owner: requested(input.owner),
            permissions: input.permissions.map(permissions),
            scopes: input.scopes,
            allowed_cidr_blocks: input.allowed_cidr_blocks,
            allowed_origins: input.allowed_origins,
            on_reuse: input.on_reuse.map(Into::into),
            on_leak: input.on_leak.map(Into::into),
            metadata: input.metadata.map(pairs),
            protected: input.protected,
        };
        let settings = SettingsDraft {
            change,
            kind: input.kind.map(Into::into),
            not_before: input.not_before.map(|DateTime(at)| at),
            expires_at: input.expires_at.map(|DateTime(at)| at),
            rotation_period_minutes: requested(input.rotation_period_minutes),
            overlap_minutes: input.overlap_minutes,
            overlap_starts: input.overlap_starts.map(Into::into),
            overlap_ends: input.overlap_ends.map(Into::into),
            silent_minutes: input.silent_minutes,
        };
        Self {
            sha256: input.sha256,
            sha512: input.sha512,
            hmac_sha256: input.hmac_sha256,
            format: input.format,
            hint: input.hint,
            created_at: input.created_at.map(|DateTime(at)| at),
            settings,
        }
    }
}

/// The answer to `importAPITokens`.
#[derive(SimpleObject)]
#[graphql(name = "ImportAPITokensOutput", serial)]
pub(crate) struct ImportApiTokensOutput {
    /// One for each API token of the input, in the same order.
    imports: ReadyList<Ready<ApiTokenImport>>,
}

/// An API token that is imported.
#[derive(SimpleObject)]
#[graphql(name = "APITokenImport", serial)]
pub(crate) struct ApiTokenImport {
    /// Its id.
    id: ID,
    /// Whether this request has imported it. If not, an earlier one has, with the same settings, and nothing was changed.
    is_new: bool,
}

impl From<Vec<ImportedToken>> for ImportApiTokensOutput {
    fn from(imported: Vec<ImportedToken>) -> Self {
        let import =
            |ImportedToken { id, is_new }: ImportedToken| ApiTokenImport { id: ID(id.to_string()), is_new }.into();
        Self { imports: imported.into_iter().map(import).collect() }
    }
}
