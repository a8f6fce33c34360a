//! Generates the OpenAPI document of `GET /openapi.json` from the handlers of the REST endpoints and their types.
//!
//! The verification and health endpoints have no such types. `handwritten_endpoints.json` describes them, and is merged in.

use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::domain::audit::Action;
use crate::domain::listing::Order;
use crate::http::rest::input::Include;
use crate::http::rest::rejection::{CommonErrors, ErrorBody, SchemaErrors};
use crate::http::rest::{
    api_tokens, audit, campaign, import, leak, mail, revocation, rotatetoken, rotation, verification, webhook,
};

use super::limits::{self, merge};

const DESCRIPTION: &str = "The endpoints for clients that use plain JSON. For everything else, use GraphQL at `POST /graphql`; its \
    schema is at `GET /schema.graphql`.\n\nThe response to a request with the previous value of an API token has the header \
    `Deprecation` (RFC 9745) and, once the end of the overlap is known, `Sunset` (RFC 8594). While no more than a tenth \
    of the rotation period is left, `X-Token-Rotate-By` says when the token must have been rotated.";

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
        api_tokens::rehearse_retirement,
        api_tokens::suspend,
        api_tokens::resume,
        api_tokens::revive,
        api_tokens::count,
        audit::list,
        import::import,
        leak::report,
        verification::verify,
        revocation::revoke,
        rotation::rotate,
        campaign::create,
        campaign::list,
        campaign::read,
        campaign::tokens,
        campaign::cancel,
        webhook::list,
        webhook::create,
        webhook::read,
        webhook::update,
        webhook::delete,
        webhook::enable,
        webhook::rotate_secret,
        webhook::deliveries::list,
        webhook::deliveries::test,
        webhook::deliveries::resend,
        mail::list,
        mail::create,
        mail::read,
        mail::update,
        mail::delete,
        mail::test,
        rotatetoken::rotate,
        rotatetoken::rotate_in_index,
        document_address,
    ),
    // Schemas that only a response or a parameter uses are not collected automatically.
    components(schemas(Action, ErrorBody, Include, Order)),
    security(("apiKey" = []), ("bearer" = [])),
    modifiers(&Credentials, &Inputs),
)]
struct Document;

/// The security schemes: the two headers that may contain a credential.
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

/// Completes the derived schemas of inputs: unknown fields are rejected, and an optional body must not be null.
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

/// Reads this OpenAPI document
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "getOpenAPI", tag = "API tokens",
    security((), ("apiKey" = []), ("bearer" = [])),
    responses((status = 200, description = "OpenAPI 3.1.", content_type = "application/json"), CommonErrors, SchemaErrors)
)]
#[expect(dead_code, reason = "it only carries the description of the route, whose response is generated at startup")]
fn document_address() {}

/// The document as JSON, for a server that accepts bodies of up to `max_body_bytes`.
pub(crate) fn document(max_body_bytes: usize) -> String {
    let mut document = serde_json::to_value(Document::openapi()).unwrap_or_default();
    merge(&mut document, serde_json::from_str(include_str!("handwritten_endpoints.json")).unwrap_or_default());
    merge(&mut document, limits::document());
    describe_nullable(&mut document);
    let paths = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flatten();
    for operation in paths.filter_map(|(_, path)| path.as_object_mut()).flatten().map(|(_, operation)| operation) {
        complete(operation, max_body_bytes);
    }
    document.to_string()
}

/// Moves the description of a reference that may be null from inside the alternative to the field, where generators look for it.
fn describe_nullable(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let alternatives = fields.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten();
            let referring = alternatives.filter(|schema| schema.get("$ref").is_some()).filter_map(Value::as_object_mut);
            if let Some(description) = referring.filter_map(|schema| schema.remove("description")).next() {
                fields.entry("description").or_insert(description);
            }
            fields.values_mut().for_each(describe_nullable);
        }
        Value::Array(items) => items.iter_mut().for_each(describe_nullable),
        _ => {}
    }
}

/// Adds the parts that are common to all operations.
fn complete(operation: &mut Value, max_body_bytes: usize) {
    let takes_credential = operation.get("security").is_none_or(|schemes| *schemes != json!([]));
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten();
    for parameter in parameters.filter(|parameter| parameter.get("in") == Some(&json!("query"))) {
        let text = |pointer: &str| parameter.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let limit = limits::of_parameter(text("/name"), text("/schema/type"));
        merge(parameter, limit.map_or_else(|| json!({}), |limit| json!({ "schema": limit })));
    }
    let reference = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    let responses = operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten();
    for (status, response) in responses.filter(|(_, response)| response.get("$ref").is_none()) {
        if status == "413" {
            let description = format!("The body is larger than {max_body_bytes} bytes, the limit of this server.");
            merge(response, json!({ "description": description }));
        }
        let headers = match status.as_bytes().first() {
            Some(b'2') if takes_credential => {
                let names = ["Deprecation", "Sunset", "X-Token-Rotate-By"];
                names.into_iter().map(|name| (name.to_owned(), reference(name))).collect()
            }
            Some(b'4' | b'5') if response.get("content").is_some() => {
                json!({ "X-Request-Id": reference("X-Request-Id") })
            }
            _ => continue,
        };
        merge(response, json!({ "headers": headers }));
    }
}
