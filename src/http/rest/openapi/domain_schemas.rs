//! How the names of `domain` look in the document: enums of texts, under the names that the GraphQL schema gives them.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::listing::Order;
use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{ActorKind, OverlapStart, Permission, ReusePolicy, TokenKind};
use crate::http::rest::input::ORDERS;
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
    ActorKind as "ActorKind": "The holder of an API token, or the operator of the server at its command line.",
    ErrorCode as "ErrorCode": "What an error is.",
    OverlapStart as "OverlapStart": "When the overlap after a rotation starts: at the rotation, or at the first use of the new value.",
    Permission as "Permission": "What an API token may do to Rotakey itself.",
    ReusePolicy as "ReusePolicy": "What happens when a client sends a retired value: it is recorded, and with `REVOKE` the API token is revoked, too.",
    Status as "APITokenStatus": "The status of an API token at the time of the answer. All but `ACTIVE` are final.",
    TokenKind as "APITokenKind": "Whether an API token is held by a server, or shipped in a page or an app, where anyone can copy it.",
}

impl PartialSchema for Order {
    fn schema() -> RefOr<Schema> {
        let names = ORDERS.map(|(name, _)| name);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build().into()
    }
}

impl ToSchema for Order {
    fn name() -> Cow<'static, str> {
        "APITokenOrder".into()
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let moment = text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        moment.description(Some("A moment: RFC 3339 in UTC with milliseconds. Any offset is read.")).build().into()
    }
}

impl ToSchema for Timestamp {
    fn name() -> Cow<'static, str> {
        "DateTime".into()
    }
}
