//! The input of importing API tokens, which is also what a line of the file of `rotakey import` has.

use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::timestamp::Timestamp;
use crate::domain::token::{
    ImportDraft, LeakPolicy, OverlapEnd, OverlapStart, Permission, ReusePolicy, SettingsChange, SettingsDraft,
    TokenKind,
};
use crate::http::rejection::Rejection;
use crate::http::rest::input::{Fields, Input, input};
use crate::http::rest::token::pairs;
use crate::http::rest::token_value::MetadataEntry;

/// The field with the tokens.
pub(super) const TOKENS: &str = "tokens";

input! {
    /// Which API tokens to import.
    #[derive(ToSchema)]
    #[schema(as = ImportAPITokensInput)]
    ImportManyInput with schema {
        /// The API tokens: 1 to 1,000.
        "tokens" => tokens: Vec<Map<String, Value>> as Vec<ImportInput>,
    }
}

input! {
    /// An API token whose value was issued elsewhere: the hash of the value, and the settings of the token.
    #[derive(ToSchema)]
    #[schema(as = ImportAPITokenInput)]
    ImportInput with schema {
        /// The SHA-256 of the value, in hexadecimal or in base64, if that is what the format has.
        "sha256" => sha256: Option<String> as Option<String>,
        /// The SHA-512 of the value, in hexadecimal or in base64, if that is what the format has.
        "sha512" => sha512: Option<String> as Option<String>,
        /// The HMAC-SHA-256 of the value, in hexadecimal or in base64, if that is what the format has.
        "hmacSHA256" => hmac_sha256: Option<String> as Option<String>,
        /// The format of the value: one of those that the server is configured with. May be left out if there is only one.
        "format" => format: Option<String> as Option<String>,
        /// The last four characters of the value, to recognise it by, if they are known.
        "hint" => hint: Option<String> as Option<String>,
        /// When the value was issued. Its rotation period begins then, and must not be over. Now by default.
        "createdAt" => created_at: Option<Timestamp> as Option<Timestamp>,
        /// A name for people: one line of 1 to 255 characters, at least one of them visible, and none that changes the
        /// direction of text.
        "name" => name: String as String,
        /// What the token is for: at most 2,000 characters.
        "description" => description: Option<Option<String>> as Option<String>,
        /// Whose token it is: any text of yours, one line like a name.
        "owner" => owner: Option<Option<String>> as Option<String>,
        /// Whether it is private or public; `PRIVATE` by default.
        "kind" => kind: Option<TokenKind> as Option<TokenKind>,
        /// What it may do to Rotakey itself; nothing by default. You cannot grant a permission that you do not have.
        "permissions" => permissions: Option<Vec<Permission>> as Option<Vec<Permission>>,
        /// What it may do to the API it protects, one scope per item (RFC 6749, section 3.3). You cannot grant a scope that you do not
        /// have.
        "scopes" => scopes: Option<Vec<String>> as Option<Vec<String>>,
        /// The networks from which it may be used, in CIDR notation: at most 100 that do not overlap. All by default, or if empty.
        "allowedCIDRBlocks" => allowed_cidr_blocks: Option<Vec<String>> as Option<Vec<String>>,
        /// The web origins from which it may be used, such as `https://app.example.com` or `https://*.example.com`: at most 100. All by
        /// default, or if empty.
        "allowedOrigins" => allowed_origins: Option<Vec<String>> as Option<Vec<String>>,
        /// When it starts to work: a time before `expiresAt`, and before its first rotation period ends, which begins at its creation. By
        /// default, it works at once.
        "notBefore" => not_before: Option<Timestamp> as Option<Timestamp>,
        /// When it expires. Rotation does not change this. By default, it never expires.
        "expiresAt" => expires_at: Option<Timestamp> as Option<Timestamp>,
        /// The longest time it may go without being rotated, in minutes, at least 1. Unlimited by default.
        "rotationPeriodMinutes" => rotation_period_minutes: Option<Option<i32>> as Option<i32>,
        /// How long the previous value still works after a rotation, in minutes: from 0 to one rotation period, 10 by default. With 0
        /// and `ROTATION`, a client that does not receive the response to a rotation is locked out.
        "overlapMinutes" => overlap_minutes: Option<i32> as Option<i32>,
        /// When the overlap starts; `ROTATION` by default.
        "overlapStarts" => overlap_starts: Option<OverlapStart> as Option<OverlapStart>,
        /// When the overlap ends; `ON_TIME` by default.
        "overlapEnds" => overlap_ends: Option<OverlapEnd> as Option<OverlapEnd>,
        /// For how many minutes a value must not have been used before ending the overlap, or a rotation with an `overlapMinutes` of 0,
        /// retires it without `force`; and before it retires with `WHEN_SILENT`. At most `overlapMinutes`, except with `FIRST_USE` and
        /// `ON_TIME`. 5 by default, or a shorter `overlapMinutes`. With 0, a value may be retired at any time.
        "silentMinutes" => silent_minutes: Option<i32> as Option<i32>,
        /// What happens when a client uses a retired value; `ALERT` by default.
        "onReuse" => on_reuse: Option<ReusePolicy> as Option<ReusePolicy>,
        /// What happens when a value of it that works is reported to have leaked; `ALERT` by default.
        "onLeak" => on_leak: Option<LeakPolicy> as Option<LeakPolicy>,
        /// Your key/value pairs, each key once, with at most 2,048 bytes of keys and values together; none by default.
        "metadata" => metadata: Option<Vec<MetadataEntry>> as Option<Vec<MetadataEntry>>,
        /// Whether it is protected from revocation and suspension; false by default.
        "protected" => protected: Option<bool> as Option<bool>,
    }
}

impl ImportManyInput {
    /// What is given about each token.
    ///
    /// # Errors
    /// When a field of one is missing, unknown, or of another type.
    pub(super) fn read(self, hides_names: bool) -> Result<Vec<ImportDraft>, Rejection> {
        let drafts = self.tokens.into_iter().zip(1..).map(|(fields, number): (_, u32)| {
            let draft = ImportInput::draft(fields, hides_names);
            draft.map_err(|rejection| rejection.with_beginning(&format!("Item {number} of {TOKENS}:")))
        });
        drafts.collect()
    }
}

impl ImportInput {
    /// What these fields give about a token.
    ///
    /// # Errors
    /// When a field is missing, unknown, or of another type.
    pub(super) fn draft(fields: Map<String, Value>, hides_names: bool) -> Result<ImportDraft, Rejection> {
        Ok(Fields::read::<Self>(fields, hides_names)?.into())
    }
}

impl From<ImportInput> for ImportDraft {
    fn from(input: ImportInput) -> Self {
        let change = SettingsChange {
            name: Some(input.name),
            description: input.description,
            owner: input.owner,
            permissions: input.permissions,
            scopes: input.scopes,
            allowed_cidr_blocks: input.allowed_cidr_blocks,
            allowed_origins: input.allowed_origins,
            on_reuse: input.on_reuse,
            on_leak: input.on_leak,
            metadata: input.metadata.map(pairs),
            protected: input.protected,
        };
        let settings = SettingsDraft {
            change,
            kind: input.kind,
            not_before: input.not_before,
            expires_at: input.expires_at,
            rotation_period_minutes: input.rotation_period_minutes,
            overlap_minutes: input.overlap_minutes,
            overlap_starts: input.overlap_starts,
            overlap_ends: input.overlap_ends,
            silent_minutes: input.silent_minutes,
        };
        Self {
            sha256: input.sha256,
            sha512: input.sha512,
            hmac_sha256: input.hmac_sha256,
            format: input.format,
            hint: input.hint,
            created_at: input.created_at,
            settings,
        }
    }
}
