//! The operations: a type for each, and a module of generated types beside it.

use graphql_client::GraphQLQuery;

// docs:begin operations
type DateTime = String;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "../operations/rotation.graphql",
    variables_derives = "Default"
)]
pub struct RotateAPIToken;
// docs:end

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "../operations/rotation.graphql",
    variables_derives = "Default"
)]
pub struct CreateAPIToken;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "../operations/rotation.graphql",
    variables_derives = "Default",
    response_derives = "Debug, PartialEq"
)]
pub struct APITokens;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "../operations/rotation.graphql",
    response_derives = "Debug, PartialEq"
)]
pub struct CurrentAPIToken;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "../operations/rotation.graphql",
    variables_derives = "Default",
    response_derives = "Debug, PartialEq"
)]
pub struct RevokeAPIToken;

/// The operations of those who manage many tokens. An input with a required enum has no default.
macro_rules! management {
    ($($operation:ident,)*; without default: $($bare:ident,)*) => {
        $(
            #[derive(GraphQLQuery)]
            #[graphql(
                schema_path = "../../../schema.graphql",
                query_path = "../operations/management.graphql",
                variables_derives = "Default",
                response_derives = "Debug, PartialEq"
            )]
            pub struct $operation;
        )*
        $(
            #[derive(GraphQLQuery)]
            #[graphql(
                schema_path = "../../../schema.graphql",
                query_path = "../operations/management.graphql",
                response_derives = "Debug, PartialEq"
            )]
            pub struct $bare;
        )*
    };
}

management! {
    VerifyAPITokens,
    ReadAPIToken,
    RehearseRetirement,
    EndOverlap,
    AuditEvents,
    RotateAPITokens,
    RevokeAPITokens,
    ImportAPITokens,
    CreateWebhook,
    DeleteWebhook,
    ReadRotationCampaign,
    CancelRotationCampaign,
    ;
    without default:
    FindAPITokens,
    CreateRotationCampaign,
    RotationCampaignTokens,
}
