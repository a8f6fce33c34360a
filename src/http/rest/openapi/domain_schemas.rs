//! The OpenAPI schemas of types that are not derived, most of them of `domain`, under the names that they have in the GraphQL schema.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::audit::Action;
use crate::domain::listing::Order;
use crate::domain::notice::{
    DeliveryStatus, DisabledBecause, MailDigestFrequency, MailDigestStatus, NoticeKind, WebhookStatus,
};
use crate::domain::rule::campaign::{AtDeadline, CampaignStatus, State};
use crate::domain::rule::lifecycle::Status;
use crate::domain::rule::verification::VerificationCode;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{ActorKind, LeakPolicy, OverlapEnd, OverlapStart, Permission, ReusePolicy, TokenKind};
use crate::http::rest::input::{Include, ORDERS};
use crate::service::ErrorCode;

macro_rules! schemas_by_name {
    ($($type:ty as $name:literal: $description:literal,)*) => {
        $(
            impl PartialSchema for $type {
                fn schema() -> RefOr<Schema> {
                    let names = Self::ALL.iter().map(|one| one.as_str());
                    let texts = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
                    texts.description(Some($description)).build().into()
                }
            }

            impl ToSchema for $type {
                fn name() -> Cow<'static, str> {
                    $name.into()
                }
            }
        )*
    };
}

schemas_by_name! {
    Action as "AuditAction": "What happened. `UNKNOWN` is something that only a newer version knows, during an upgrade.",
    ActorKind as "ActorKind": "The holder of an API token, or the operator of the server at its command line.",
    ErrorCode as "ErrorCode": "The kind of an error.",
    DeliveryStatus as "WebhookDeliveryStatus": "Whether a delivery is to be sent, was accepted, or was given up.",
    DisabledBecause as "WebhookDisabledBecause": "Why the server disabled a webhook: it answered 410, or never accepted a message.",
    MailDigestFrequency as "MailDigestFrequency": "How often a mail digest is sent, at most.",
    MailDigestStatus as "MailDigestStatus": "Whether the mail server accepted the last mail.",
    NoticeKind as "NoticeKind": "What a notice is about.",
    WebhookStatus as "WebhookStatus": "Whether a webhook gets messages, and accepted the last one.",
    OverlapStart as "OverlapStart": "When the overlap after a rotation starts: at the rotation, or at the first use of the new value.",
    OverlapEnd as "OverlapEnd": "When the overlap after a rotation ends: after `overlapMinutes`, or when the new value was used and the previous one has not been used for `silentMinutes`, at the latest after `overlapMinutes`.",
    Permission as "Permission": "What an API token may do to Rotakey itself.",
    ReusePolicy as "ReusePolicy": "What happens when a client uses a retired value: it is recorded, and with `REVOKE` the API token is also revoked.",
    LeakPolicy as "LeakPolicy": "What happens when a value that works is reported to have leaked: it is recorded. With `RETIRE`, the value is also retired; if it is the current one, the API token has no value that works until somebody else rotates it by its id. With `REVOKE`, the API token is also revoked.",
    Status as "APITokenStatus": "The status of an API token at the time of the response. `EXPIRED`, `ROTATION_OVERDUE` and `REVOKED` are final.",
    VerificationCode as "VerificationCode": "The result of a verification. All codes but the first two are also error codes.",
    AtDeadline as "RotationCampaignDeadlineAction": "What a rotation campaign does at its deadline: it reports, or it also revokes every API token that was not rotated and retires the previous value of the others.",
    CampaignStatus as "RotationCampaignStatus": "Where a rotation campaign is. `COMPLETED`, `DEADLINE_REACHED` and `CANCELLED` are final.",
    State as "RotationCampaignTokenState": "What has become of an API token since its rotation campaign began. An old value is one that was issued before that.",
    TokenKind as "APITokenKind": "Private: held by a server. Public: shipped in a web page or app, where anyone can copy it.",
}

impl PartialSchema for Order {
    fn schema() -> RefOr<Schema> {
        let names = ORDERS.map(|(name, _)| name);
        let texts = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        let constants = ExtensionsBuilder::new().add("x-enum-varnames", ORDERS.map(constant).to_vec()).build();
        texts
            .description(Some("The order of a listing; with `-`, descending."))
            .extensions(Some(constants))
            .build()
            .into()
    }
}

/// The name of an order in generated code, such as `CREATED_AT_DESC`: generators make none of `-createdAt`.
fn constant((name, order): (&str, Order)) -> String {
    let letters = name.trim_start_matches('-').chars();
    let words =
        letters.flat_map(|letter| letter.is_uppercase().then_some('_').into_iter().chain(letter.to_uppercase()));
    words.chain(if order.descending { "_DESC" } else { "" }.chars()).collect()
}

impl ToSchema for Order {
    fn name() -> Cow<'static, str> {
        "APITokenOrder".into()
    }
}

impl PartialSchema for Include {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some([Self::USE])).build().into()
    }
}

impl ToSchema for Include {
    fn name() -> Cow<'static, str> {
        "APITokenInclude".into()
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let moment = text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        moment.description(Some("RFC 3339, in UTC with milliseconds. In input, any offset is accepted.")).build().into()
    }
}

impl ToSchema for Timestamp {
    fn name() -> Cow<'static, str> {
        "DateTime".into()
    }
}
