//! One call of a client, with its answer.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A line of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Call {
    pub call: Kind,
    /// Who called.
    pub client: String,
    /// The server that was called; absent behind a load balancer, which does not say where it sent the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica: Option<String>,
    /// The id of the token that the call is about; absent with `RETIRE_VALUES`, which is about all of them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// The SHA-256 of the value of this token that was presented; absent if the caller presented the value of another token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presented: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The overlap that a rotation asked for, if it asked for another than the token's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_minutes: Option<u32>,
    /// With `RETIRE_VALUES`: the values that were issued before this moment, in milliseconds since 1970, are retired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_before_millis: Option<i64>,
    /// When it was sent, by the monotonic clock of the recorder.
    pub begin_micros: u64,
    /// When the answer was there, or the client gave up.
    pub end_micros: u64,
    pub outcome: Outcome,
    /// The code of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The SHA-256 of the value that the answer issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<String>,
    /// The generation of the issued value; of the presented value if none was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// What the answer that issued a value said of the token's life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<Life>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    Create,
    Rotate,
    /// Any call that a value had to work for, and that changed nothing but its first use.
    Verify,
    EndOverlap,
    Revoke,
    /// The command `rotakey retire-values`.
    RetireValues,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    Ok,
    Refused,
    /// The client does not know: it got no answer, or one that says that something failed.
    Unknown,
    /// The client could not connect, so no server saw the call.
    NotSent,
}

/// The times of a token, in milliseconds since 1970 by the clock of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Life {
    /// When the issued value was issued.
    pub issued_at_millis: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_millis: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation_period_minutes: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_by_millis: Option<i64>,
    pub overlap_minutes: u32,
    pub overlap_starts: OverlapStarts,
    /// What happens if a retired value is presented; absent means `ALERT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_reuse: Option<OnReuse>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OnReuse {
    Alert,
    Revoke,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OverlapStarts {
    Rotation,
    FirstUse,
}

impl Call {
    /// The name of a value in a history.
    pub fn digest(value: &str) -> String {
        Sha256::digest(value).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
