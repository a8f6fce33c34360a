//! The outputs of mutations: each holds the API token that was changed. Also how API tokens are written as JSON.

use async_graphql::SimpleObject;
use async_graphql::parser::types::SelectionSet;

use crate::domain::value::Value;
use crate::graphql::document::direct::fields::{Fields, TokenWriter, fields, of_token};
use crate::graphql::engine::ready::Ready;
use crate::graphql::engine::written::{JsonBody, WriteJson};

use crate::service::View;

use super::api_token::ApiToken;

/// The answer to `createAPIToken`.
#[derive(SimpleObject)]
#[graphql(name = "CreateAPITokenOutput", serial)]
pub(crate) struct CreateApiTokenOutput {
    /// The new API token; its `value` is shown here and never again.
    pub(crate) token: Ready<ApiToken>,
}

/// The answer to `rotateAPIToken`.
#[derive(SimpleObject)]
#[graphql(name = "RotateAPITokenOutput", serial)]
pub(crate) struct RotateApiTokenOutput {
    /// The rotated API token; its new `value` is shown here and never again.
    pub(crate) token: Ready<ApiToken>,
    /// The generation of the unused value that this rotation cancelled: the answer with it was lost, or you rotated
    /// twice with the same value. A cancelled value no longer works. Null if none was cancelled.
    pub(crate) cancelled_generation: Option<u32>,
}

/// The answer to `reviveAPIToken`.
#[derive(SimpleObject)]
#[graphql(name = "ReviveAPITokenOutput", serial)]
pub(crate) struct ReviveApiTokenOutput {
    /// The revived API token; its new `value` is shown here and never again.
    pub(crate) token: Ready<ApiToken>,
}

/// The answer to `revokeAPIToken`.
#[derive(SimpleObject)]
#[graphql(name = "RevokeAPITokenOutput", serial)]
pub(crate) struct RevokeApiTokenOutput {
    /// The revoked API token.
    pub(crate) token: Ready<ApiToken>,
}

/// The answer to `suspendAPIToken`.
#[derive(SimpleObject)]
#[graphql(name = "SuspendAPITokenOutput", serial)]
pub(crate) struct SuspendApiTokenOutput {
    /// The suspended API token.
    pub(crate) token: Ready<ApiToken>,
}

/// The answer to `resumeAPIToken`.
#[derive(SimpleObject)]
#[graphql(name = "ResumeAPITokenOutput", serial)]
pub(crate) struct ResumeApiTokenOutput {
    /// The resumed API token.
    pub(crate) token: Ready<ApiToken>,
}

/// The answer to `updateAPIToken`.
#[derive(SimpleObject)]
#[graphql(name = "UpdateAPITokenOutput", serial)]
pub(crate) struct UpdateApiTokenOutput {
    /// The changed API token.
    pub(crate) token: Ready<ApiToken>,
}

/// The answer to `endAPITokenOverlap`.
#[derive(SimpleObject)]
#[graphql(name = "EndAPITokenOverlapOutput", serial)]
pub(crate) struct EndApiTokenOverlapOutput {
    /// The API token, whose current value is now the only one that works.
    pub(crate) token: Ready<ApiToken>,
}

/// A field of an API token, as it is written.
pub(crate) enum TokenField {
    OfView(TokenWriter),
    Value,
}

impl WriteJson for ApiToken {
    type Fields = Fields<TokenField>;

    fn fields(set: &SelectionSet) -> Option<Self::Fields> {
        fields(set, |field| match field.name.node.as_str() {
            "value" => Some(TokenField::Value),
            _ => of_token(field).map(TokenField::OfView),
        })
    }

    fn write(&self, fields: &Self::Fields, body: &mut JsonBody<'_>) {
        let (view, value) = self.parts();
        write_token(view, value, fields, body);
    }
}

/// Writes a token, and the value if it is issued by this answer.
pub(super) fn write_token(view: &View, value: Option<&Value>, fields: &Fields<TokenField>, body: &mut JsonBody<'_>) {
    body.object(fields, |field, body| match field {
        TokenField::OfView(field) => body.write(|body| field.write(view, body)),
        TokenField::Value => body.json(&value.map(Value::expose)),
    });
}

/// A field of an output, as it is written.
pub(crate) enum OutputField {
    Token(Fields<TokenField>),
    CancelledGeneration,
    Typename,
}

fn output_fields(set: &SelectionSet) -> Option<Fields<OutputField>> {
    fields(set, |field| match field.name.node.as_str() {
        "token" => ApiToken::fields(&field.selection_set.node).map(OutputField::Token),
        "cancelledGeneration" => Some(OutputField::CancelledGeneration),
        "__typename" => Some(OutputField::Typename),
        _ => None,
    })
}

impl WriteJson for CreateApiTokenOutput {
    type Fields = Fields<OutputField>;

    fn fields(set: &SelectionSet) -> Option<Self::Fields> {
        output_fields(set)
    }

    fn write(&self, fields: &Self::Fields, body: &mut JsonBody<'_>) {
        body.object(fields, |field, body| match field {
            OutputField::Token(fields) => self.token.object().write(fields, body),
            OutputField::CancelledGeneration => body.json(&()),
            OutputField::Typename => body.json("CreateAPITokenOutput"),
        });
    }
}

impl WriteJson for RotateApiTokenOutput {
    type Fields = Fields<OutputField>;

    fn fields(set: &SelectionSet) -> Option<Self::Fields> {
        output_fields(set)
    }

    fn write(&self, fields: &Self::Fields, body: &mut JsonBody<'_>) {
        body.object(fields, |field, body| match field {
            OutputField::Token(fields) => self.token.object().write(fields, body),
            OutputField::CancelledGeneration => body.json(&self.cancelled_generation),
            OutputField::Typename => body.json("RotateAPITokenOutput"),
        });
    }
}
