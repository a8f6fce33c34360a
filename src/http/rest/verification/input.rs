//! The input of verifying many values.

use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::http::rejection::Rejection;
use crate::http::rest::input::{Fields, Input, input};
use crate::service::{Error, VerifyRequest};

/// The field with the inputs.
pub(super) const INPUTS: &str = "inputs";

input! {
    /// Values that clients sent you.
    #[derive(ToSchema)]
    #[schema(as = VerifyAPITokensInput)]
    VerifyManyInput with schema {
        /// The values, and what each must be valid for.
        "inputs" => inputs: Vec<Map<String, Value>> as Vec<VerifyInput>,
    }
}

input! {
    /// A value that a client sent you, and what it must be valid for.
    #[derive(ToSchema)]
    #[schema(as = VerifyAPITokenInput)]
    VerifyInput with schema {
        /// The value as the client sent it.
        "value" => value: String as String,
        /// The scopes that the API token must have, one per item; none if left out.
        "requiredScopes" => required_scopes: Option<Vec<String>> as Option<Vec<String>>,
        /// The address of the client that sent the value. If left out, an API token that is restricted to networks is refused.
        "address" => address: Option<String> as Option<String>,
        /// The `Origin` header that came with the value. If left out, an API token that is restricted to web origins is refused.
        "origin" => origin: Option<String> as Option<String>,
    }
}

impl VerifyManyInput {
    /// The requests, whose content is read when they are asked for.
    ///
    /// # Errors
    /// When a field of an input is missing, unknown, or of another type.
    pub(super) fn read(
        self,
        hides_names: bool,
    ) -> Result<impl ExactSizeIterator<Item = Result<VerifyRequest, Error>>, Rejection> {
        let inputs = self.inputs.into_iter().zip(1..).map(|(fields, number): (_, u32)| {
            let input = Fields::read::<VerifyInput>(fields, hides_names);
            input.map_err(|rejection| rejection.with_beginning(&format!("Item {number} of {INPUTS}:")))
        });
        let inputs: Vec<VerifyInput> = inputs.collect::<Result<_, _>>()?;
        Ok(inputs.into_iter().map(|VerifyInput { value, required_scopes, address, origin }| {
            VerifyRequest::parse(value, required_scopes.as_deref(), address.as_deref(), origin)
        }))
    }
}
