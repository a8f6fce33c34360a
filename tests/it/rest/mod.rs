//! The REST endpoints and their OpenAPI document.

mod api_tokens;
mod errors;
mod openapi;
mod openapi_limits;
mod rotatetoken;
