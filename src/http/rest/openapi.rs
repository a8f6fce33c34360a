//! `GET /openapi.json`: the description of the REST doors, made from the functions that answer and the types that they take.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::domain::listing::Order;

use super::refusal::ErrorBody;
use super::{api_tokens, rotatetoken};

const DESCRIPTION: &str = "The doors for clients that speak plain JSON. Everything else is done by GraphQL, at \
    `POST /graphql`; its schema is at `GET /schema.graphql`. `POST /introspect` is RFC 7662, and `/verify` is for \
    gateways.\n\nA request that presents the previous value of an API token is \
    answered with `Deprecation` (RFC 9745) and, once its end is known, `Sunset` (RFC 8594).";

#[derive(OpenApi)]
#[openapi(
    info(title = "Rotakey", description = DESCRIPTION),
    paths(
        api_tokens::list,
        api_tokens::create,
        api_tokens::read,
        api_tokens::update,
        api_tokens::revoke,
        api_tokens::rotate,
        api_tokens::end_overlap,
        rotatetoken::rotate,
        rotatetoken::rotate_in_index,
        document_address,
    ),
    // What only a response or a parameter names is not found by itself.
    components(schemas(ErrorBody, Order)),
    security(("apiKey" = []), ("bearer" = [])),
    modifiers(&Credentials, &Inputs),
    tags(
        (name = "API tokens", description = "What `schema.graphql` offers, under the same names."),
        (name = "Glean's rotatetoken", description = "For clients of that contract, unmodified."),
    )
)]
struct Document;

/// The two headers that a credential may come in.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let key = ApiKeyValue::with_description("X-API-Key", "The value of an API token.");
        components.add_security_scheme("apiKey", SecurityScheme::ApiKey(ApiKey::Header(key)));
        let bearer = Http::builder().scheme(HttpAuthScheme::Bearer).description(Some("The value of an API token."));
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    }
}

/// What the derived description of an input does not say: that an unknown field is refused, and that a body which may be
/// left out is not null instead.
struct Inputs;

impl Modify for Inputs {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let schemas = document.components.iter_mut().flat_map(|components| &mut components.schemas);
        for (_, schema) in schemas.filter(|(name, _)| name.ends_with("Input")) {
            if let RefOr::T(Schema::Object(object)) = schema {
                object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
        }
        let operations = document.paths.paths.values_mut().filter_map(|path| path.post.as_mut());
        for body in operations.filter_map(|operation| operation.request_body.as_mut()) {
            for schema in body.content.values_mut().filter_map(|content| content.schema.as_mut()) {
                if let RefOr::T(Schema::OneOf(either)) = schema
                    && let Some(input) = either.items.pop()
                {
                    *schema = input;
                }
            }
        }
    }
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "getOpenAPI", tag = "API tokens", security(()),
    responses((status = 200, description = "OpenAPI 3.1.", content_type = "application/json"))
)]
#[expect(dead_code, reason = "the description of a route that answers a text made at the start")]
fn document_address() {}

/// The document as JSON.
pub(super) fn document() -> String {
    serde_json::to_string(&Document::openapi()).unwrap_or_default()
}
